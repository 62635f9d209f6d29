"""Read the sandbox's own tables: what real EHRs offer, how they behave, what a search parameter looks at."""

import csv
from functools import cache
from pathlib import Path

_TABLES = Path(__file__).parent / "tables"


@cache
def rows_of(table: str) -> tuple[dict[str, str], ...]:
    """Return the rows of a table, each by its columns."""
    with (_TABLES / f"{table}.csv").open(encoding="utf-8", newline="") as lines:
        return tuple(csv.DictReader(lines))
