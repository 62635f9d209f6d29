"""Write the page that says how real EHRs are pulled from and written to, as their statements alone would have it.

    python tools/capability_page.py > docs/reference/ehr-capabilities.md

Each statement is rebuilt from the table of facts and read by the product, so the page says what a connection to such an
EHR would do before scopes, the site's options and probes have spoken.
"""

import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from coordinator.ehr.capability import Statement, read_statement, refusal
from coordinator.ehr.strategy import CONCEPTS, Pulling, Site, Strategy, ladder, strategy, vendor
from coordinator.sync.pull import TYPES

TABLE = Path(__file__).resolve().parent.parent / "coordinator/ehr/tables/capabilities.csv"
# The one extension by which a vendor publishes what a search needs; its inner name is all that is read of it.
NEEDS = "https://fhir.athena.io/StructureDefinition/ah-search-parameter-metadata"
EXPORTS = {"system": "export", "Patient": "patient-export", "Group": "group-export"}
SIGNS = {
    Pulling.ALL: "all",
    Pulling.PER_PATIENT: "per patient",
    Pulling.REFERENCED: "by reference",
    Pulling.NOT_SERVED: "-",
}
Row = Mapping[str, str]

HEAD = """\
# What real EHRs offer, and what follows from it

Made by `tools/capability_page.py` from `coordinator/ehr/tables/capabilities.csv`; a test fails when it is stale. Do not
edit it by hand. The table holds facts that were derived by `tools/capability_facts.py` from public `/metadata` answers;
the answers themselves have no license and are no part of this project.

This is what a statement alone gives. Granted scopes take away from it, what the operator knows of a site
(`--allow`, `--deny`, `--search`) corrects it, and a search that is refused without a patient is asked patient by
patient. `coordinator ehr check NAME` says what holds for a connection.
"""
PULL_HEAD = """
## How each type is pulled

*all*: one search over everybody. *per patient*: a full compare for each patient of the roster. *by reference*: only
where a record points to one. *-*: not offered; nothing is concluded from its absence. Beside a way: further parameters
that the search needs, each in a search of its own.
"""
WRITE_HEAD = """
## In which form each concept is written

Best first. *owed*: in no form; it stays visible in `coordinator plan`, for a person to deliver.
"""


def statements(lines: Sequence[str]) -> dict[str, Statement]:
    """Return the statements that the rows of the table tell of, by vendor."""
    groups = groupby(csv.DictReader(lines), key=lambda row: row["vendor"])
    return {name: read_statement(rebuilt(list(rows))) for name, rows in groups}


def rebuilt(rows: Sequence[Row]) -> bytes:
    """Return a minimal CapabilityStatement that says what the rows of one vendor say."""
    first = rows[0]
    operations = [{"name": EXPORTS[one]} for one in first["export"].split()]
    told = {
        "resourceType": "Conformance" if first["fhir_version"].startswith("1.") else "CapabilityStatement",
        "fhirVersion": first["fhir_version"],
        "software": {"name": first["software"]},
        "format": first["formats"].split(),
        "rest": [{"mode": "server", "operation": operations, "resource": [_resource(row) for row in rows]}],
    }
    return json.dumps(told).encode()


def _resource(row: Row) -> dict[str, object]:
    told: dict[str, object] = {
        "type": row["type"],
        "interaction": [{"code": code} for code in row["interactions"].split()],
        "searchParam": [{"name": name} for name in row["search_params"].split()],
    }
    flags = {"conditionalCreate": row["conditional_create"], "updateCreate": row["update_create"]}
    told |= {name: value == "yes" for name, value in flags.items() if value}
    if row["versioning"]:
        told["versioning"] = row["versioning"]
    sets = [one.replace("+", ", ") for one in row["required_params"].split(";") if one]
    if sets:
        inner = [{"url": "requiredAnySearchParams", "valueString": one} for one in sets]
        told["extension"] = [{"url": NEEDS, "extension": inner}]
    return told


def page(known: Mapping[str, Statement]) -> str:
    """Return the whole page."""
    usable = {name: one for name, one in known.items() if refusal(one) is None}
    return "".join([HEAD, *_overview(known), PULL_HEAD, *_pulling(usable), WRITE_HEAD, *_writing(usable)])


def _overview(known: Mapping[str, Statement]) -> Iterator[str]:
    yield "\n## The statements\n\n"
    yield from _table(
        ["statement", "FHIR", "known to us as", "types", "export", "can it be worked with"],
        (
            [
                name,
                one.fhir_version,
                vendor(one) or "-",
                str(len(one.types)),
                ", ".join(one.export) or "-",
                _verdict(one),
            ]
            for name, one in known.items()
        ),
    )


def _verdict(statement: Statement) -> str:
    problem = refusal(statement)
    return "yes" if problem is None else f"no: {problem.sentence}"


def _pulling(usable: Mapping[str, Statement]) -> Iterator[str]:
    yield "\n"
    rows = ([type_, *(_way(strategy(one, type_, Site())) for one in usable.values())] for type_ in TYPES)
    yield from _table(["type", *usable], rows)


def _way(way: Strategy) -> str:
    more = ["&".join(f"{name}={value}" for name, value in one) for one in way.queries if one]
    return f"{SIGNS[way.pulling]} ({'; '.join(more)})" if more else SIGNS[way.pulling]


def _writing(usable: Mapping[str, Statement]) -> Iterator[str]:
    yield "\n"
    rows = ([concept, *(_forms(one, concept) for one in usable.values())] for concept in CONCEPTS)
    yield from _table(["concept", *usable], rows)


def _forms(statement: Statement, concept: str) -> str:
    return ", then ".join(f"{rung.form.value} {rung.type}" for rung in ladder(statement, concept)) or "owed"


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    for row in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(row)} |\n"


if __name__ == "__main__":
    sys.stdout.write(page(statements(TABLE.read_text(encoding="utf-8").splitlines())))
