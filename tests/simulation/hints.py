"""The queue of the simulated world and who fetches from it: hints that get lost, come twice or late; workers that end.

The library of the shipped queue talks to PostgreSQL over sockets, so it can't be in this world. What is here takes its
place at the port: a job is fetched from the rows that the memory store keeps, as one fetches there, but for those that
a transaction holds. The worker, its turns and its sweep are the shipped ones.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from coordinator.sync.work.records import Job, Work
from tests.simulation.process import Process
from tests.simulation.trace import Trace

RESCUED_DEAD = 1.0  # seconds until the jobs of a program that was killed are asked for anew
RESCUED_STALE = 10.0  # and those of one that is not heard any more
A_MOMENT = 0.001
SLOTS = {"people": 2, "ehrs": 4}
FATES = ("lost", "doubled", "late")


@dataclass(frozen=True, slots=True)
class Again:
    """A job that comes (once more) at a moment."""

    at: float
    job: Job


class Hints:
    """All jobs that wait, shared by all workers; `rate` is how many of them have an unusual fate."""

    def __init__(self, rows: Any, *, loop: Any, chance: Random, rate: float, trace: Trace) -> None:
        self._rows, self._loop, self._chance, self._trace = rows, loop, chance, trace
        self.rate = rate
        self._again: list[Again] = []
        self._bells: list[asyncio.Event] = []
        self.running: dict[str, list[Job]] = {}

    def listen(self) -> asyncio.Event:
        """Return a bell that rings whenever something was committed."""
        bell = asyncio.Event()
        self._bells.append(bell)
        return bell

    def ring(self) -> None:
        """Something was committed."""
        for bell in self._bells:
            bell.set()

    def deaf(self, bell: asyncio.Event) -> None:
        """Nobody listens to this bell any more."""
        self._bells.remove(bell)

    def fetch(self, *, people: int, ehrs: int) -> list[Job]:
        """Return the next jobs for so many free places; what is fetched waits no longer."""
        free = {"people": people, "ehrs": ehrs}
        found: list[Job] = []
        for job, take in self._ready():
            kind = _kind(job)
            if free[kind]:
                take()
                if self._arrives(job):
                    free[kind] -= 1
                    found.append(job)
        return found

    def next_at(self) -> float | None:
        """Return when the next of those may begin whose time has not come."""
        waiting = [one.at for _, one in self._waiting()] + [one.at for one in self._again]
        return min((at for at in waiting if at > self._loop.time()), default=None)

    def is_idle(self) -> bool:
        """Say whether nothing runs, and nothing waits that might begin now."""
        return not any(self.running.values()) and not any(True for _ in self._ready())

    def rescue(self, process: Process, *, after: float) -> None:
        """Ask anew, in a moment, for what a program was at that is dead or not heard any more."""
        now = self._loop.time()
        self._again += [Again(now + after, job) for job in self.running.get(process.name, [])]
        if process.is_dead:
            self.running.pop(process.name, None)
        self._loop.call_later(after, self.ring)

    def _waiting(self) -> list[tuple[tuple[str, str], Any]]:
        return sorted(self._rows.tables.get("job", {}).items(), key=lambda one: (-one[1].urgency, one[1].seq))

    def _ready(self) -> list[tuple[Job, Callable[[], None]]]:
        now = self._loop.time()
        again = [
            (one.job, lambda one=one: self._again.remove(one))  # type: ignore[misc]
            for one in self._again
            if one.at <= now
        ]
        waiting = [
            (Job(work=Work(place[0]), key=place[1]), lambda place=place: self._rows.tables["job"].pop(place))  # type: ignore[misc]
            for place, one in self._waiting()
            if one.at <= now and ("job", place) not in self._rows.holders
        ]
        return [*again, *waiting]

    def _arrives(self, job: Job) -> bool:
        """Draw what becomes of a hint; return whether it arrives now."""
        if self._chance.random() >= self.rate:
            return True
        fate = self._chance.choice(FATES)
        self._trace.tell(self._loop.time(), "queue", fate, job.work.value, job.key)
        self._trace.reach(f"hint: {fate}")
        if fate != "lost":
            after = self._chance.choice((0.0, 1.0, 20.0, 400.0))
            self._again.append(Again(self._loop.time() + after, job))
            self._loop.call_later(after, self.ring)
        return fate == "doubled"


class SimulatedFleet:
    """Fetches jobs for one process and hands each to `do`; stands where the shipped fleet stands."""

    def __init__(self, hints: Hints, process: Process, do: Callable[[Job, int], Any]) -> None:
        self._hints, self._process, self._do = hints, process, do
        self._tasks: dict[asyncio.Task[None], Job] = {}
        self.problems: list[BaseException] = []  # `do` must not raise
        self.is_open = False

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop, until the process has been frozen for so long that it is taken for dead, or dies."""
        loop, bell = asyncio.get_running_loop(), self._hints.listen()
        stopping = asyncio.ensure_future(stop.wait())
        self.is_open = True
        try:
            while not stop.is_set() and not self._process.was_frozen:
                bell.clear()
                self._begin()
                at = self._hints.next_at()
                wait = None if at is None else max(A_MOMENT, at - loop.time())
                ringing = asyncio.ensure_future(bell.wait())
                await asyncio.wait({ringing, stopping, *self._tasks}, timeout=wait, return_when="FIRST_COMPLETED")
                ringing.cancel()
            while self._tasks:
                await asyncio.wait(self._tasks)
        finally:
            self.is_open = False
            stopping.cancel()
            self._hints.deaf(bell)

    async def is_idle(self) -> bool:
        """Say whether nothing runs anywhere, and nothing waits that might begin now."""
        return self._hints.is_idle()

    def _begin(self) -> None:
        people = sum(job.work is Work.PERSON for job in self._tasks.values())
        free = {"people": SLOTS["people"] - people, "ehrs": SLOTS["ehrs"] - (len(self._tasks) - people)}
        if self._process.is_dead or self._process.is_frozen:
            return
        for job in self._hints.fetch(**free):
            task = asyncio.get_running_loop().create_task(self._do(job, 0))
            self._tasks[task] = job
            self._hints.running.setdefault(self._process.name, []).append(job)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        job = self._tasks.pop(task)
        running = self._hints.running.get(self._process.name, [])
        if job in running:
            running.remove(job)
        if not task.cancelled() and (problem := task.exception()) is not None:
            self.problems.append(problem)


def _kind(job: Job) -> str:
    return "people" if job.work is Work.PERSON else "ehrs"
