"""Many seeds, over all cores."""

import multiprocessing
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from coordinator.ehr import create_key
from tests.simulation.options import Options
from tests.simulation.plants import PLANTS, planted
from tests.simulation.story import Told, tell

BATCH = 10


@dataclass(slots=True)
class Outcome:
    """What came of some seeds: what was reached how often, the failures by seed, and the time it took."""

    seeds: int = 0
    reached: Counter[str] = field(default_factory=Counter)
    failures: dict[int, str] = field(default_factory=dict)
    reports: dict[int, str] = field(default_factory=dict)
    seconds: float = 0.0
    cpu: float = 0.0

    def add(self, other: "Outcome") -> None:
        """Take in what came of others."""
        self.seeds += other.seeds
        self.reached += other.reached
        self.failures |= other.failures
        self.reports |= other.reports
        self.cpu += other.cpu


def one(seed: int, *, focus: Callable[[Options], Options] = lambda options: options) -> Told:
    """Live through one seed, with a key for the EHRs that ask for a token."""
    with tempfile.TemporaryDirectory() as folder:
        create_key(Path(folder), "simulated", algorithm="ES384")
        return tell(seed, keys=Path(folder), focus=focus)


def first_to_find(bug: str, seeds: Iterable[int]) -> Told | None:
    """Return the first world of some seeds in which a planted bug is found."""
    with tempfile.TemporaryDirectory() as folder, planted(PLANTS[bug]):
        create_key(Path(folder), "simulated", algorithm="ES384")
        for seed in seeds:
            told = tell(seed, keys=Path(folder), focus=PLANTS[bug].focused)
            if told.broken:
                return told
    return None


def some(seeds: Sequence[int]) -> Outcome:
    """Live through some seeds one after the other."""
    found, began = Outcome(seeds=len(seeds)), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        create_key(Path(folder), "simulated", algorithm="ES384")
        for seed in seeds:
            told = tell(seed, keys=Path(folder))
            found.reached += told.trace.reached
            if told.broken:
                found.failures[seed] = told.broken
                found.reports[seed] = told.report()
    found.cpu = time.process_time() - began
    return found


def many(
    seeds: Iterable[int], *, processes: int | None = None, so_far: Callable[[Outcome], None] = lambda _whole: None
) -> Outcome:
    """Live through many seeds side by side; `so_far` is told after every few of them."""
    wanted, began = list(seeds), time.perf_counter()
    batches = [wanted[start : start + BATCH] for start in range(0, len(wanted), BATCH)]
    whole = Outcome()
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        for found in pool.map(some, batches):
            whole.add(found)
            so_far(whole)
    whole.seconds = time.perf_counter() - began
    return whole
