"""Write the page of the quirks of EHRs: what was seen of each, what follows, and which test shows that we live with it.

python -m tools.quirks_page
"""

import csv
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent
TABLE = HOUSE / "tests/ehr_quirks.csv"
PAGE = HOUSE / "docs/reference/ehr-quirks.md"

VENDORS = {
    "epic": "Epic",
    "oracle-millennium": "Oracle Health Millennium",
    "meditech": "MEDITECH",
    "eclinicalworks": "eClinicalWorks",
    "nextgen-enterprise": "NextGen Enterprise",
    "aidbox": "Aidbox",
    "azure": "Azure API for FHIR",
    "google": "Google Cloud Healthcare",
    "hapi": "HAPI FHIR",
    "medplum": "Medplum",
    "veradigm": "Veradigm and Altera",
    "kipu": "Kipu",
    "netsmart": "Netsmart",
    "any": "Any EHR",
}
HEAD = """\
# Quirks of EHRs, and how we live with each

Made by `python -m tools.quirks_page` from `tests/ehr_quirks.csv`; a test fails when it is stale, or when a test that it names
is not there. Do not edit it by hand.

Each row is a fact about a vendor's FHIR server or about many: what was seen, what it asks of whoever connects, and the test that
shows how we live with it. Where there is none a sentence says why. Where the source itself was not read that stands in
brackets. What a row asks for is advice drawn from the fact; the test shows which part of it we follow, and on a simulated EHR:
it shows what we do, not what a site does.
"""
Row = Mapping[str, str]


def quirks() -> list[Row]:
    """Return the rows of the table."""
    with TABLE.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def page(rows: Sequence[Row]) -> str:
    """Return the page."""
    tested = sum(1 for row in rows if row["test"])
    parts = [HEAD, f"{len(rows)} quirks: {tested} with a test, {len(rows) - tested} with the reason why not.\n"]
    for vendor, group in groupby(rows, key=lambda row: row["vendor"]):
        parts += [
            f"\n## {VENDORS.get(vendor, vendor)}\n",
            "| id | about | quirk | what it asks for | shown by |",
            "|---|---|---|---|---|",
        ]
        parts += [_line(row) for row in group]
    return "\n".join(parts) + "\n"


def _line(row: Row) -> str:
    path, _, name = row["test"].partition("::")
    shown = f"`{name}` in `{path}`" if name else f"*no test:* {row['reason']}"
    seen = "" if row["seen"] == "yes" else f" ({row['seen'] or 'not seen'})"
    cells = (row["id"], row["area"], f"{row['quirk']}{seen}. Source: {row['source']}", row["strategy"], shown)
    return f"| {' | '.join(cell.replace('|', '&#124;').strip() for cell in cells)} |"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(sorted_by_vendor(quirks())), encoding="utf-8")


def sorted_by_vendor(rows: Sequence[Row]) -> list[Row]:
    """Return the rows with those of a vendor together, in the order in which vendors come first."""
    order = list(dict.fromkeys(row["vendor"] for row in rows))
    return sorted(rows, key=lambda row: order.index(row["vendor"]))


if __name__ == "__main__":
    main()
