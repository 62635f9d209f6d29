"""One worker of a tenant: does the jobs that it is handed, and sweeps up what nobody asked for."""

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, assert_never

from coordinator.errors import ConfigurationError, CoordinatorError, StoreError
from coordinator.fhir import Json
from coordinator.sync.ports import Store
from coordinator.sync.work.outcomes import Done, Failed, NotNow, Outcome
from coordinator.sync.work.records import Job, Work
from coordinator.sync.work.turns import AtHand, Desk, resweep, take_turn
from coordinator.tracing import span
from coordinator.worker.log import EventLog
from coordinator.worker.ports import Fleet, Ticking

SWEEP_SECONDS: Final = 30.0
IDLE_SECONDS: Final = 0.1
_OUTCOMES: Final[dict[type[Outcome], str]] = {Done: "done", NotNow: "not now", Failed: "failed"}


@dataclass(slots=True)
class Tally:
    """How many jobs came to what, by their work."""

    done: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Does jobs of one tenant."""

    tenant: int
    store: Store
    ehrs: AtHand
    clock: Ticking
    log: EventLog
    tally: Tally = field(default_factory=Tally)

    async def do(self, job: Job, _urgency: int) -> None:
        """Do a job, and say what it came to; never raises but when told to stop."""
        seconds = asyncio.get_running_loop().time
        began = seconds()
        try:
            await self.clock.look()
            outcome = await self._take_turn(job)
        except StoreError as problem:
            # The job is not kept as failed: the database could not be told. The next sweep asks for it again.
            self.tally.failed[job.work.value] += 1
            self.log.tell("J005", **self._about(job), cause=problem.sentence)
            return
        except ConfigurationError as problem:
            self.tally.failed[job.work.value] += 1
            self.log.tell("W005", tenant=self.tenant, cause=problem.sentence)
            return
        self._told(job, outcome, seconds() - began)

    async def _take_turn(self, job: Job) -> Outcome:
        """Do a job, and tell of it as a span: never of which person."""
        told = {"work": job.work.value} if job.work is Work.PERSON else {"work": job.work.value, "ehr": job.key}
        with span("turn", **told) as here:
            outcome = await take_turn(self._desk, job)
            here.tell(outcome=_OUTCOMES[type(outcome)])
            return outcome

    async def sweep(self) -> int:
        """Ask for what is owed and nobody is about to look at; return how much that was."""
        await self.clock.look()
        asked = await resweep(self._desk)
        if asked:
            self.log.tell("S001", tenant=self.tenant, jobs=asked)
        return asked

    async def keep_sweeping(self, stop: asyncio.Event) -> None:
        """Sweep at once and then every half minute, until told to stop."""
        while not stop.is_set():
            try:
                await self.sweep()
            except CoordinatorError as problem:
                self.log.tell("S002", tenant=self.tenant, cause=problem.sentence)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), SWEEP_SECONDS)

    @property
    def _desk(self) -> Desk:
        return Desk(store=self.store, ehrs=self.ehrs, clock=self.clock)

    def _told(self, job: Job, outcome: Outcome, seconds: float) -> None:
        about = self._about(job)
        match outcome:
            case Done(changed=changed, next_in=next_in):
                self.tally.done[job.work.value] += 1
                self.log.tell("J001", **about, ms=round(seconds * 1000), changed=changed, next_in=_whole(next_in))
            case NotNow(reason=reason, next_in=next_in):
                self.log.tell("J002", **about, reason=reason, next_in=_whole(next_in))
            case Failed(cause=cause, times=times, next_in=next_in):
                self.tally.failed[job.work.value] += 1
                event = "J004" if next_in is None else "J003"
                self.log.tell(event, **about, cause=cause, times=times, next_in=_whole(next_in))
            case _:
                assert_never(outcome)

    def _about(self, job: Job) -> dict[str, Json]:
        """Return what may be said of a job: never of which person."""
        about: dict[str, Json] = {"tenant": self.tenant, "work": job.work.value}
        return about if job.work is Work.PERSON else {**about, "ehr": job.key}


async def until_idle(worker: Worker, fleet: Fleet, stop: asyncio.Event) -> None:
    """Tell the fleet to stop once nothing runs, nothing waits that might begin, and a sweep finds nothing more."""
    while not stop.is_set():
        if fleet.is_open and await fleet.is_idle() and not await worker.sweep() and await fleet.is_idle():
            stop.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), IDLE_SECONDS)


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)
