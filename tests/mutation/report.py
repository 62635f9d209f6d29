"""The committed list of mutants that no test notices, each with the reason why it may stay."""

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tests.mutation.mutants import HOUSE, Mutant
from tests.mutation.trial import Verdict

PLACE = "tests/mutation/survivors.csv"
COLUMNS = ("path", "function", "before", "after", "number", "why")

Key = tuple[str, str, str, str, int]


def read() -> dict[Key, str]:
    """Return the reason by the name of each survivor."""
    with (HOUSE / PLACE).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {(r["path"], r["function"], r["before"], r["after"], int(r["number"])): r["why"] for r in rows}


def write(
    known: Sequence[Mutant], survivors: Iterable[Mutant], untried: Mapping[Key, str], reasons: Mapping[Key, str]
) -> None:
    """Write the survivors, and those rows that were not tried and still have their mutant, in the order of the code."""
    kept = {one.key for one in survivors} | set(untried)
    with (HOUSE / PLACE).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([*one.key, reasons.get(one.key, "")] for one in known if one.key in kept)


def print_by_file(verdicts: Sequence[Verdict]) -> None:
    """Print how many mutants of each file were tried and found."""
    tried = Counter(one.mutant.path for one in verdicts)
    survived = Counter(one.mutant.path for one in verdicts if one.found_by is None)
    for path, number in sorted(tried.items()):
        print(f"  {path:60} {number:5} tried {survived[path]:5} survived  {100 * (1 - survived[path] / number):5.1f} %")
