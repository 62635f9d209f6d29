"""`python -m tests.simulation --seeds N`: live through many seeds, and say how fast that went and what was reached."""

import argparse
import sys

from tests.simulation.fleet import Outcome, many, one

PROGRESS = 500  # seeds from line to line


def _progress(whole: Outcome) -> None:
    if whole.seeds % PROGRESS == 0:
        failed = ", ".join(str(seed) for seed in sorted(whole.failures)) or "none"
        print(f"   {whole.seeds} seeds lived through; failed: {failed}", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seeds", type=int, default=20_000, help="how many (20,000)")
    parser.add_argument("--first", type=int, default=0, help="the first of them (0)")
    parser.add_argument("--one", type=int, help="one seed alone, with all that happened in it")
    parser.add_argument("--processes", type=int, help="how many at once (one for each core)")
    parser.add_argument("--shown", type=int, default=1, help="how many failures are told whole (1)")
    given = parser.parse_args()
    if given.one is not None:
        told = one(given.one)
        print(told.report())
        return bool(told.broken)
    found = many(range(given.first, given.first + given.seeds), processes=given.processes, so_far=_progress)
    for report in [found.reports[seed] for seed in sorted(found.reports)][: given.shown]:
        print(report, end="\n\n")
    for kind, count in sorted(found.reached.items()):
        print(f"   {count:>8}  {kind}")
    for seed, broken in sorted(found.failures.items()):
        print(f"   seed {seed}: {broken}")
    rate, each = found.seeds / found.seconds, found.cpu / found.seeds
    print(f"   {found.seeds} seeds in {found.seconds:.1f} s: {rate:.1f} a second")
    print(f"   {found.cpu:.1f} s CPU: {each:.3f} s a seed")
    print(f"   {len(found.failures)} failed" + ("; one of them whole: --one SEED" if found.failures else ""))
    return bool(found.failures)


if __name__ == "__main__":
    sys.exit(main())
