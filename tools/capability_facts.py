"""Derive the table of what real EHRs say they can do from their CapabilityStatements, as the product itself reads them.

    python tools/capability_facts.py FOLDER_OF_STATEMENTS > coordinator/ehr/tables/capabilities.csv

Kept are facts only; the statements have no license, so no text of theirs is copied and they are not kept here.
`vendor` is the name of the file without its ending, `required_params` are the sets of parameters of which a search
needs one (`a+b;c`), empty cells are what a statement does not say.
"""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from coordinator.ehr.capability import Fact, Says, Statement, read_statement

COLUMNS = (
    "vendor",
    "fhir_version",
    "software",
    "type",
    "interactions",
    "search_params",
    "required_params",
    "conditional_create",
    "versioning",
    "update_create",
    "formats",
    "export",
)


def rows(vendor: str, statement: Statement) -> Iterator[tuple[str, ...]]:
    """Yield a row for each type that a statement lists, in its order: where it was cut off shows."""
    for facts in statement.types.values():
        yield (
            vendor,
            statement.fhir_version,
            statement.software,
            facts.type,
            " ".join(facts.interactions),
            " ".join(sorted(facts.search_params)),
            ";".join("+".join(sorted(one)) for one in facts.required),
            _told(facts.conditional_create),
            facts.versioning,
            _told(facts.update_create),
            " ".join(statement.formats),
            " ".join(statement.export),
        )


def write_table(folder: Path, out: TextIO) -> None:
    """Write the table of all statements in a folder."""
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    for path in sorted(folder.glob("*.json")):
        table.writerows(rows(path.stem, read_statement(path.read_bytes())))


def _told(fact: Fact) -> str:
    return "" if fact.says is Says.SILENT else fact.says.value


if __name__ == "__main__":
    write_table(Path(sys.argv[1]), sys.stdout)
