"""The trial: each mutant lives in a process of its own, forked from one that holds all tests ready, until a test fails.

First all tests run once, unchanged, under branch coverage that notes which test reached which line and how long it
took. Before each, the caches of the packages under trial are emptied: else only the first test to ask would reach a
cached function. A mutant meets only tests that reached its line, those that found its neighbors and quick ones first.
What survives its first tests meets all of them once more, with every cache of the product emptied.
"""

import functools
import gc
import os
import resource
import selectors
import signal
import time
import traceback
import types
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Never

import coverage
import pytest

from tests.mutation.mutants import HOUSE, Mutant, put_in_force

FOUND, SURVIVED, BROKEN = 10, 11, 12
MEMORY = 4 << 30
WORKERS = os.cpu_count() or 1


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What became of a mutant: the test that found it, or none."""

    mutant: Mutant
    found_by: str | None
    tests: int


@dataclass(slots=True)
class Tests:
    """The tests, held ready: which lines each reached, and how many CPU seconds it took.

    `own_caches` empty the caches of the packages under trial, `caches` all of the product.
    """

    items: dict[str, pytest.Item]
    seconds: dict[str, float] = field(default_factory=dict)
    reached: dict[tuple[str, int], set[str]] = field(default_factory=lambda: defaultdict(set))
    failed: list[str] = field(default_factory=list)
    own_caches: list[Callable[[], None]] = field(default_factory=list)
    caches: list[Callable[[], None]] = field(default_factory=list)

    def of(self, mutant: Mutant) -> list[str]:
        """Return the tests that reached the mutant's line, or the statement that it is in, quick ones first."""
        reached = self.reached[mutant.path, mutant.line] | self.reached[mutant.path, mutant.statement]
        return sorted(reached, key=lambda name: (self.seconds[name], name))

    def run(self, name: str) -> bool:
        """Run one test and tell whether it passed."""
        item = self.items[name]
        before = len(self.failed)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        return len(self.failed) == before


class Holder:
    """The pytest plugin that holds the tests and hands them over instead of running them."""

    def __init__(self, work: Callable[[Tests], None]) -> None:
        self.tests = Tests(items={})
        self.work = work

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Hand the collected tests to the work."""
        self.tests.items = {item.nodeid: item for item in session.items}
        self.work(self.tests)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note each test that fails."""
        if report.failed:
            self.tests.failed.append(report.nodeid)


def run_all(tests: Tests, watch: coverage.Coverage, packages: tuple[str, ...]) -> None:
    """Run all tests once under a coverage that has begun; note what each reached and took."""
    tests.own_caches = list(caches_of_the_product(packages))
    tests.caches = list(caches_of_the_product(("coordinator.",)))
    for name in tests.items:
        for empty in tests.own_caches:
            empty()
        watch.switch_context(name)
        began = time.process_time()
        tests.run(name)
        tests.seconds[name] = time.process_time() - began
    watch.stop()
    watch.save()
    kept = watch.get_data()
    for file in kept.measured_files():
        path = str(Path(file).relative_to(HOUSE))
        for line, names in kept.contexts_by_lineno(file).items():
            tests.reached[path, line].update(names & tests.items.keys())


def tried(tests: Tests, mutants: Sequence[Mutant], first: int) -> Iterator[Verdict]:
    """Try the mutants on all cores and tell what became of each, as it becomes known."""
    shares = [own for number in range(WORKERS) if (own := mutants[number::WORKERS])]
    workers = [_worker(tests, own, first) for own in shares]
    with selectors.DefaultSelector() as heard:
        for (reader, _), own in zip(workers, shares, strict=True):
            heard.register(os.fdopen(reader), selectors.EVENT_READ, own)
        while heard.get_map():
            for key, _ in heard.select():
                line = key.fileobj.readline()
                if line:
                    number, count, name = line.rstrip("\n").split("\t")
                    yield Verdict(mutant=key.data[int(number)], found_by=name or None, tests=int(count))
                else:
                    heard.unregister(key.fileobj)
                    key.fileobj.close()
    if any(os.waitpid(pid, 0)[1] for _, pid in workers):
        message = "a worker broke off: what it had left was not tried"
        raise RuntimeError(message)


def _worker(tests: Tests, own: Sequence[Mutant], most: int) -> tuple[int, int]:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return reader, pid
    os.close(reader)
    code = BROKEN
    try:
        with os.fdopen(writer, "w", buffering=1) as told:
            for number, (found, count) in enumerate(_work(tests, own, most)):
                told.write(f"{number}\t{count}\t{found or ''}\n")
        code = 0
    except BaseException:  # noqa: BLE001 nothing of a fork may go on where its parent was
        traceback.print_exc()
    os._exit(code)


def _work(tests: Tests, own: Sequence[Mutant], most: int) -> Iterator[tuple[str | None, int]]:
    """Yield for each mutant the test that found it, or None, and how many tests it met."""
    if (failed := _first_to_find(tests, None, list(tests.items)[:20], tests.caches)[0]) is not None:
        message = f"{failed} fails in a fork on code that nobody changed: it would find every mutant"
        raise AssertionError(message)
    finders: dict[str, list[str]] = defaultdict(list)
    for mutant in own:
        names = tests.of(mutant)
        first = [*(one for one in reversed(finders[mutant.function]) if one in names), *names]
        found, count = _first_to_find(tests, mutant, list(dict.fromkeys(first))[:most], tests.own_caches)
        if found is None and names:
            found, count = _first_to_find(tests, mutant, names, tests.caches)
        if found:
            finders[mutant.function].append(found)
        yield found, count


def caches_of_the_product(packages: tuple[str, ...]) -> Iterator[Callable[[], None]]:
    """Yield what empties each cache: those of functions, and what was made of a version and is kept with it.

    To be asked before `gc.freeze`, which hides what there is.
    """
    for one in gc.get_objects():
        kind = type(one)
        if isinstance(one, functools._lru_cache_wrapper) and str(one.__module__).startswith(packages):
            yield one.cache_clear
        elif str(kind.__module__).startswith("coordinator.") and isinstance(
            getattr(kind, "kept", None), types.MemberDescriptorType
        ):
            yield one.kept.clear


def _first_to_find(
    tests: Tests, mutant: Mutant | None, names: Sequence[str], caches: Iterable[Callable[[], None]]
) -> tuple[str | None, int]:
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        _live(tests, mutant, names, caches=caches, begun=writer)
    os.close(writer)
    with os.fdopen(reader) as heard:
        begun = heard.read().split()
    _, status = os.waitpid(pid, 0)
    if status == BROKEN << 8:
        message = f"{mutant and mutant.key} could not be put in force"
        raise LookupError(message)
    return (None if status == SURVIVED << 8 else names[int(begun[-1])]), len(begun)


def _live(
    tests: Tests, mutant: Mutant | None, names: Sequence[str], *, caches: Iterable[Callable[[], None]], begun: int
) -> Never:
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    code = BROKEN
    try:
        if mutant:
            put_in_force(mutant)
        for empty in caches:
            empty()
        code = FOUND
        for number, name in enumerate(names):
            os.write(begun, f"{number}\n".encode())
            signal.setitimer(signal.ITIMER_PROF, 3 + 20 * tests.seconds[name])  # an endless loop counts as found
            if not tests.run(name):
                break
        else:
            code = SURVIVED
    finally:
        os._exit(code)
