"""Work in memory: leases with fences, jobs that wait, what failed, what is paused."""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from coordinator.errors import Superseded
from coordinator.outbox.model import Entry, Form, Status
from coordinator.sandbox.memory_rows import Rows, Table, Unit
from coordinator.sync.records import EhrConnection
from coordinator.sync.work.ports import After
from coordinator.sync.work.records import Job, Lease, Pause, PauseKind, Span, Trouble, Urgency, Waiting, Work
from coordinator.sync.work.spans import fullest

_MANY = 20
_FILES = "file:"
_TRANSITIONS = frozenset({"enrollment", "stay-proposal"})
_PUT_BACK = frozenset({Status.OWED, Status.UNKNOWN, Status.IN_FLIGHT})

Place = tuple[str, str]  # (work, key)
Seconds = Callable[[], float]


@dataclass(frozen=True, slots=True)
class _Held:
    fence: int
    runner: int
    until: float


@dataclass(frozen=True, slots=True)
class _Queued:
    seq: int
    urgency: int
    at: float


@dataclass(frozen=True, slots=True)
class _Stumbled:
    times: int
    cause: str
    since: float
    again: float | None
    wanted: int | None = None
    is_outage: bool = False


class _State(Protocol):
    @property
    def wanted(self) -> int: ...


class MemoryLeases:
    """Whose turn it is at an EHR; `living` are the programs that have not ended."""

    def __init__(self, unit: Unit, *, runner: int, living: set[int], seconds: Seconds) -> None:
        self._held: Table[Place, _Held] = Table(unit, "lease")
        self._runner, self._living, self._seconds = runner, living, seconds

    async def take(self, ehr: str, work: Work, *, seconds: float) -> Lease | None:
        """Return the lease with a new fence; None while somebody holds it who lives and whose time is not over."""
        place = (ehr, work.value)
        await self._held.hold(place)
        before = self._held.get(place)
        if before is not None and before.until > self._seconds() and before.runner in self._living:
            return None
        fence = 1 if before is None else before.fence + 1
        await self._held.put(place, _Held(fence, self._runner, self._seconds() + seconds))
        return Lease(ehr=ehr, work=work, fence=fence)

    async def hold(self, lease: Lease, *, seconds: float) -> None:
        """Make it last so long from now, and hold it until this transaction ends. Raises Superseded."""
        if not await self._last(lease, seconds):
            raise Superseded("Somebody else has taken this work over.", operation=lease.work.value, subject=lease.ehr)

    async def give_back(self, lease: Lease) -> None:
        """Let the next one take it at once; nothing, where it has been taken over."""
        await self._last(lease, 0.0)

    async def _last(self, lease: Lease, seconds: float) -> bool:
        place = (lease.ehr, lease.work.value)
        await self._held.hold(place)
        held = self._held.get(place)
        if held is None or held.fence != lease.fence:
            return False
        await self._held.put(place, replace(held, until=self._seconds() + seconds))
        return True


class MemoryJobs:
    """Wake-ups for workers."""

    def __init__(self, unit: Unit, rows: Rows, *, seconds: Seconds) -> None:
        self._unit, self._rows, self._seconds = unit, rows, seconds
        self._fleet: Table[str, bool] = Table(unit, "fleet")
        self._states: Table[str, _State] = Table(unit, "person_state")
        self._jobs: Table[Place, _Queued] = Table(unit, "job")
        self._ehrs: Table[str, EhrConnection] = Table(unit, "ehr")
        self._pauses: Table[Place, Pause] = Table(unit, "pause")
        self._troubles: Table[Place, _Stumbled] = Table(unit, "trouble")

    async def enlist(self) -> int:
        """Have workers serve this tenant from now on; return the tenant's number."""
        await self._fleet.put("", value=True)
        return 1

    async def put(self, jobs: Collection[Job], *, after: float = 0.0, urgency: int = Urgency.USUAL) -> None:
        """Ask for work, at the earliest in so many seconds; one that waits already comes at the earlier moment."""
        if self._fleet.get("") is None:
            return
        at = self._seconds() + after if after > 0 else 0.0
        for place in sorted({(job.work.value, job.key) for job in jobs}):
            await self._jobs.hold(place)
            before = self._jobs.get(place) or _Queued(self._rows.next(), urgency, at)
            await self._jobs.put(place, _Queued(before.seq, max(before.urgency, urgency), min(before.at, at)))

    async def hush(self) -> None:
        """Make no jobs of wake-ups until this transaction ends."""
        self._unit.is_hushed = True

    async def woken(self, persons: Collection[str]) -> None:
        """Ask for the reconciliation of persons who were woken."""
        if not self._unit.is_hushed:
            urgency = self._urgency(Urgency.USUAL, len(persons))
            await self.put([Job(work=Work.PERSON, key=person) for person in persons], urgency=urgency)

    async def owed(self, before: Entry | None, now: Entry) -> None:
        """Ask for the sending of what is newly owed; what sending itself puts back waits for its own time."""
        if self._unit.is_hushed or now.status is not Status.OWED or now.intent.form is Form.NONE:
            return
        if before is None or before.status not in _PUT_BACK or before.intent.material != now.intent.material:
            usual = Urgency.TRANSITION if now.intent.concept in _TRANSITIONS else Urgency.USUAL
            await self.put([Job(work=Work.PUSH, key=now.intent.ehr)], urgency=self._urgency(usual, 1))

    async def ask(self, owed: Collection[Job]) -> int:
        """Ask for what is owed and is not paused, does not wait, and has not just failed; return how much that was."""
        if self._fleet.get("") is None or self._is_paused(PauseKind.ALL, ""):
            return 0
        wanted = [job for job in owed if not self._is_left_alone(job)]
        for work in Work:
            mine = [job for job in wanted if job.work is work]
            await self.put(mine, urgency=self._urgency(Urgency.USUAL, len(mine)))
        return len(wanted)

    async def waiting(self) -> list[Waiting]:
        """Return the jobs that wait, in the order in which they would begin."""
        found = sorted(self._jobs.items(), key=lambda one: (-one[1].urgency, one[1].seq))
        now = self._seconds()
        return [
            Waiting(
                job=Job(work=Work(work), key=key), urgency=one.urgency, after=max(0.0, one.at - now) if one.at else 0.0
            )
            for (work, key), one in found
        ]

    def servers(self) -> list[str]:
        """Return the EHRs that can be asked."""
        return [one.name for one in self._ehrs.values() if not one.url.startswith(_FILES)]

    def _is_left_alone(self, job: Job) -> bool:
        kind = PauseKind.PERSON if job.work is Work.PERSON else PauseKind.EHR
        trouble = self._troubles.get((job.work.value, job.key))
        is_early = trouble is not None and (trouble.again is None or trouble.again > self._seconds())
        state = self._states.get(job.key) if job.work is Work.PERSON else None
        if trouble is not None and trouble.wanted is not None and state is not None:
            is_early = is_early and state.wanted <= trouble.wanted
        is_waiting = self._jobs.get((job.work.value, job.key)) is not None
        return is_early or is_waiting or self._is_paused(kind, job.key)

    def _is_paused(self, kind: PauseKind, name: str) -> bool:
        return self._pauses.get((kind.value, name)) is not None

    def _urgency(self, usual: int, count: int) -> int:
        if self._unit.is_urgent:
            return Urgency.AT_ONCE
        return min(usual, Urgency.BULK - int(math.log10(count / _MANY))) if count > _MANY else usual


class MemoryTroubles:
    """Work that failed."""

    def __init__(self, unit: Unit, *, seconds: Seconds) -> None:
        self._troubles: Table[Place, _Stumbled] = Table(unit, "trouble")
        self._states: Table[str, _State] = Table(unit, "person_state")
        self._seconds = seconds

    async def stumble(self, job: Job, cause: str, *, after: After, is_outage: bool = False) -> int:
        """Note that work failed; return how often in a row."""
        place, now = (job.work.value, job.key), self._seconds()
        await self._troubles.hold(place)
        before = self._troubles.get(place) or _Stumbled(0, cause, now, None)
        times = before.times + 1
        wait = after(times)
        again = None if wait is None else now + wait
        state = self._states.get(job.key) if job.work is Work.PERSON else None
        wanted = None if state is None else state.wanted
        await self._troubles.put(place, _Stumbled(times, cause, before.since, again, wanted, is_outage))
        return times

    async def admit(self, ehr: str, *, probe: float) -> float:
        """Return in how many seconds work at an EHR may begin; the first after an outage goes ahead of the others."""
        now = self._seconds()
        found = {place: one for place, one in self._troubles.items() if place[1] == ehr and one.is_outage}
        wait = max([0.0, *((one.again or now) - now for one in found.values())])
        for place, one in found.items() if wait <= 0 else ():
            await self._troubles.put(place, replace(one, again=now + probe))
        return wait

    async def answered(self, ehr: str) -> list[Job]:
        """Note that an EHR answers; return the work that waited for that."""
        over = [place for place, one in self._troubles.items() if place[1] == ehr and one.is_outage]
        for place in over:
            await self._troubles.remove(place)
        return [Job(work=Work(work), key=key) for work, key in over]

    async def recover(self, jobs: Collection[Job]) -> int:
        """Forget that these failed; return how many of them had."""
        places = sorted({(job.work.value, job.key) for job in jobs})
        had = [place for place in places if self._troubles.get(place) is not None]
        for place in had:
            await self._troubles.remove(place)
        return len(had)

    async def troubles(self) -> list[Trouble]:
        """Return what failed, dead letters first, then in order of work and key."""
        found = sorted(self._troubles.items(), key=lambda one: (one[1].again is not None, one[0]))
        return [
            Trouble(
                job=Job(work=Work(work), key=key),
                times=one.times,
                cause=one.cause,
                since=datetime.fromtimestamp(one.since, UTC),
                again=None if one.again is None else datetime.fromtimestamp(one.again, UTC),
                is_outage=one.is_outage,
            )
            for (work, key), one in found
        ]


class MemoryPauses:
    """What is paused."""

    def __init__(self, unit: Unit) -> None:
        self._pauses: Table[Place, Pause] = Table(unit, "pause")

    async def pauses(self) -> list[Pause]:
        """Return what is paused, in order of kind and name."""
        return list(self._pauses.values())

    async def pause(self, pause: Pause) -> bool:
        """Keep a pause; return whether it was none before."""
        place = (pause.kind.value, pause.name)
        await self._pauses.hold(place)
        if self._pauses.get(place) is not None:
            return False
        await self._pauses.put(place, pause)
        return True

    async def resume(self, kind: PauseKind, name: str) -> bool:
        """End a pause; return whether there was one."""
        place = (kind.value, name)
        if self._pauses.get(place) is None:
            return False
        await self._pauses.remove(place)
        return True

    def is_paused(self, *, ehr: str | None = None, person: str | None = None) -> bool:
        """Say whether all is paused, or this EHR, or this person."""
        places = {(PauseKind.ALL.value, ""), (PauseKind.EHR.value, ehr or ""), (PauseKind.PERSON.value, person or "")}
        return any(self._pauses.get(place) is not None for place in places)


class MemoryBudgets:
    """How many requests were taken of each EHR's budget."""

    def __init__(self, unit: Unit) -> None:
        self._taken: Table[Place, tuple[datetime, int]] = Table(unit, "budget")

    async def draw(self, ehr: str, spans: Sequence[Span], *, most: int) -> tuple[int, list[Span]]:
        """Take up to so many requests of all spans at once; return how many, and the spans that are used up if none."""
        for span in spans:
            await self._taken.hold((ehr, span.name))
        held = {span.name: self._taken.get((ehr, span.name)) or (span.start, 0) for span in spans}
        used = {one.name: 0 if one.start > held[one.name][0] else held[one.name][1] for one in spans}
        granted, empty = fullest(spans, used, most)
        for span in spans:
            start = max(span.start, held[span.name][0])
            await self._taken.put((ehr, span.name), (start, used[span.name] + granted))
        return granted, empty
