"""How far the tests of the core can be trusted: 100 % of branches reached, and small changes to the code noticed.

`python -m tests.mutation` tries a sample that is the same in every run, and is part of the gate; `--all` tries every
mutant (`make mutation`), rewrites the list of survivors and keeps the reasons given there.
"""

import argparse
import gc
import sys
import tempfile
from collections.abc import Sequence

import coverage
import pytest

from tests.mutation import report
from tests.mutation.mutants import HOUSE, Mutant, mutants
from tests.mutation.trial import Holder, Tests, Verdict, run_all, tried

PACKAGES = (
    *("coordinator.reconcile", "coordinator.matching", "coordinator.audit"),
    *("coordinator.access", "coordinator.disclosure"),
)
TESTED_BY = (
    "tests/unit/audit",
    "tests/unit/reconcile",
    "tests/unit/matching",
    "tests/unit/access",
    "tests/unit/disclosure",
    "tests/unit/care/consent",
    "tests/unit/workflow",
    "tests/unit/outbox",
    "tests/unit/tools/test_rules_page.py",
)
LEAST = 90.0
PLAIN = ("-q", "-s", "-p", "no:randomly", "-p", "no:xdist", "-p", "no:cacheprovider", "-p", "no:cov")


def main() -> int:
    """Run the tests, try the mutants, print what is found; the exit code is 1 if anything is amiss."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--all", action="store_true", help="try every mutant and rewrite the list of survivors")
    parser.add_argument("--sample", type=int, default=40, help="try so many of 1,000 (40)")
    parser.add_argument("--only", default="", help="try mutants of files whose path begins so")
    parser.add_argument("--first", type=int, default=40, help="how many tests a mutant meets first (40)")
    chosen = parser.parse_args()
    trouble: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        watch = coverage.Coverage(
            data_file=f"{folder}/reached",
            branch=True,
            source=[*PACKAGES],
            config_file=str(HOUSE / "pyproject.toml"),
        )
        watch.start()
        holder = Holder(lambda tests: trouble.extend(_judged(tests, watch, chosen)))
        ended = pytest.main([*PLAIN, *TESTED_BY], plugins=[holder])
    for line in trouble:
        print(line, file=sys.stderr)
    return 1 if trouble or ended else 0


def _judged(tests: Tests, watch: coverage.Coverage, chosen: argparse.Namespace) -> list[str]:
    run_all(tests, watch, PACKAGES)
    if tests.failed:
        return [f"a test fails on code that nobody changed: {tests.failed[0]}"]
    print()
    trouble = []
    if (covered := watch.report(show_missing=True, skip_covered=True)) < 100:
        trouble.append(f"branch coverage is {covered:.2f} %, not 100 % (see the table above)")
    known = [one for package in PACKAGES for one in mutants(package)]
    asked = [one for one in known if one.path.startswith(chosen.only) and (chosen.all or one.lot < chosen.sample)]
    gc.collect()
    gc.freeze()  # what a fork never frees need not be copied
    verdicts = list(tried(tests, asked, first=chosen.first))
    return trouble + _told(known, verdicts, chosen)


def _told(known: Sequence[Mutant], verdicts: Sequence[Verdict], chosen: argparse.Namespace) -> list[str]:
    explained = report.read()
    survivors = [one.mutant for one in verdicts if one.found_by is None]
    score = 100 * (1 - len(survivors) / max(1, len(verdicts)))
    print(f"tried {len(verdicts)} of {len(known)} mutants: {len(verdicts) - len(survivors)} found, {score:.1f} %")
    if chosen.all:
        report.print_by_file(verdicts)
        tried_keys = {one.mutant.key for one in verdicts}
        report.write(known, survivors, {key: why for key, why in explained.items() if key not in tried_keys}, explained)
        explained = report.read()
    names = {one.key for one in known}
    trouble = [
        f"{report.PLACE}: no such mutant any more: {' | '.join(map(str, key))}" for key in explained if key not in names
    ]
    trouble += [f"survived, and not in {report.PLACE}: {_shown(one)}" for one in survivors if one.key not in explained]
    trouble += [f"{report.PLACE}: say why: {' | '.join(map(str, key))}" for key, why in explained.items() if not why]
    if score < LEAST:
        trouble.append(f"the tests notice {score:.1f} % of the changes, not {LEAST:.0f} %")
    return trouble


def _shown(mutant: Mutant) -> str:
    return f"{mutant.path}:{mutant.line} {mutant.function}: `{mutant.before}` -> `{mutant.after}` ({mutant.number})"


if __name__ == "__main__":
    sys.exit(main())
