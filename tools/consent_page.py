"""Write docs/reference/consent-elements.md from the elements of 42 CFR Part 2: `python -m tools.consent_page`."""

import csv
from pathlib import Path

from coordinator.care.consent.tables import consent_elements

HOUSE = Path(__file__).resolve().parent.parent
PAGE = HOUSE / "docs" / "reference" / "consent-elements.md"
PROOF = HOUSE / "tests" / "part2_elements.csv"

_HEAD = """# The elements of 42 CFR Part 2, and what holds each

Made from the table of elements and `tests/part2_elements.csv` by `python -m tools.consent_page`; a test sees to it that both
agree, that each element has a test or a reason why it has none, and that each test is there.

| element | citation | what | held by | verified |
|---|---|---|---|---|
"""


def proof() -> dict[str, tuple[str, str]]:
    """Return by element the test that holds it, and the reason where none does."""
    with PROOF.open(encoding="utf-8") as lines:
        return {row["element_id"]: (row["held_by"], row["why_not"]) for row in csv.DictReader(lines)}


def page() -> str:
    """Return the page."""
    held = proof()
    rows = []
    for one in consent_elements().values():
        test, why = held[one.element_id]
        words = f"`{test}`" if test else why
        rows.append(f"| {one.element_id} | {one.citation} | {one.name} | {words} | {'yes' if one.verified else 'no'} |")
    return _HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
