"""Work for the fleet: leases with fences, jobs, what failed, what is paused."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from coordinator.errors import Superseded
from coordinator.store.tables.session import RUNNER_LOCK, Session
from coordinator.sync.work.ports import After
from coordinator.sync.work.records import Job, Lease, Pause, PauseKind, Span, Trouble, Urgency, Waiting, Work
from coordinator.sync.work.spans import fullest

_FILE = "work"


@dataclass(frozen=True, slots=True)
class Leases:
    """Whose turn it is at an EHR."""

    session: Session

    async def take(self, ehr: str, work: Work, *, seconds: float) -> Lease | None:
        """Return the lease with a new fence; None while somebody holds it who lives and whose time is not over."""
        values = {"ehr": ehr, "work": work.value, "seconds": seconds}
        rows = await self.session.rows(_FILE, "take", **values, runner=self.session.runner, lock=RUNNER_LOCK)
        return Lease(ehr=ehr, work=work, fence=rows[0][0]) if rows else None

    async def hold(self, lease: Lease, *, seconds: float) -> None:
        """Make it last so long from now, and hold it until this transaction ends. Raises Superseded."""
        if not await self.session.change(_FILE, "hold", **_values(lease), seconds=seconds):
            raise Superseded("Somebody else has taken this work over.", operation=lease.work.value, subject=lease.ehr)

    async def give_back(self, lease: Lease) -> None:
        """Let the next one take it at once; nothing, where it has been taken over."""
        await self.session.change(_FILE, "give_back", **_values(lease))


@dataclass(frozen=True, slots=True)
class Jobs:
    """Wake-ups for workers."""

    session: Session

    async def enlist(self) -> int:
        """Have workers serve this tenant from now on; return the tenant's number."""
        await self.session.change(_FILE, "enlist")
        number: int = (await self.session.rows(_FILE, "number"))[0][0]
        return number

    async def put(self, jobs: Collection[Job], *, after: float = 0.0, urgency: int = Urgency.USUAL) -> None:
        """Ask for work, at the earliest in so many seconds; one that waits already comes at the earlier moment."""
        for work in Work:
            keys = sorted({job.key for job in jobs if job.work is work})
            if keys:
                values = {"keys": keys, "urgency": int(urgency), "after": after}
                await self.session.change(_FILE, "put", work=work.value, **values)

    async def hush(self) -> None:
        """Make no jobs of wake-ups until this transaction ends."""
        await self.session.say("hushed", "on")

    async def sweep(self, now: datetime) -> int:
        """Ask for all work that is owed and for which no job waits or runs; return how much that was."""
        return sum(number for _, number, _ in await self.session.rows(_FILE, "sweep", now=now, lock=RUNNER_LOCK))

    async def waiting(self) -> list[Waiting]:
        """Return the jobs that wait, in the order in which they would begin."""
        return [
            Waiting(job=Job(work=Work(work), key=key), urgency=urgency, after=after)
            for work, key, urgency, after in await self.session.rows(_FILE, "waiting")
        ]


@dataclass(frozen=True, slots=True)
class Troubles:
    """Work that failed."""

    session: Session

    async def stumble(self, job: Job, cause: str, *, after: After, is_outage: bool = False) -> int:
        """Note that work failed; return how often in a row."""
        values = {"work": job.work.value, "key": job.key}
        times: int = (await self.session.rows(_FILE, "stumble", **values, cause=cause, is_outage=is_outage))[0][0]
        await self.session.change(_FILE, "park", **values, after=after(times))
        return times

    async def admit(self, ehr: str, *, probe: float) -> float:
        """Return in how many seconds work at an EHR may begin; the first after an outage goes ahead of the others."""
        rows = await self.session.rows(_FILE, "outage", ehr=ehr)
        if rows and rows[0][0] <= 0:
            await self.session.change(_FILE, "probe", ehr=ehr, probe=probe)
        return float(rows[0][0]) if rows else 0.0

    async def answered(self, ehr: str) -> list[Job]:
        """Note that an EHR answers; return the work that waited for that."""
        return [Job(work=Work(work), key=ehr) for (work,) in await self.session.rows(_FILE, "answered", ehr=ehr)]

    async def recover(self, jobs: Collection[Job]) -> int:
        """Forget that these failed; return how many of them had."""
        found = 0
        for work in Work:
            keys = sorted({job.key for job in jobs if job.work is work})
            found += await self.session.change(_FILE, "recover", work=work.value, keys=keys) if keys else 0
        return found

    async def troubles(self) -> list[Trouble]:
        """Return what failed, dead letters first, then in order of work and key."""
        return [
            Trouble(
                job=Job(work=Work(work), key=key),
                times=times,
                cause=cause,
                since=since,
                again=again,
                is_outage=is_outage,
            )
            for work, key, times, cause, since, again, is_outage in await self.session.rows(_FILE, "troubles")
        ]


@dataclass(frozen=True, slots=True)
class Pauses:
    """What is paused."""

    session: Session

    async def pauses(self) -> list[Pause]:
        """Return what is paused, in order of kind and name."""
        return [
            Pause(kind=PauseKind(kind), name=name, reason=reason, actor=actor, since=since)
            for kind, name, reason, actor, since in await self.session.rows(_FILE, "pauses")
        ]

    async def pause(self, pause: Pause) -> bool:
        """Keep a pause; return whether it was none before."""
        values = {"name": pause.name, "reason": pause.reason, "actor": pause.actor, "since": pause.since}
        return await self.session.change(_FILE, "pause", kind=pause.kind.value, **values) > 0

    async def resume(self, kind: PauseKind, name: str) -> bool:
        """End a pause; return whether there was one."""
        return await self.session.change(_FILE, "resume", kind=kind.value, name=name) > 0


@dataclass(frozen=True, slots=True)
class Budgets:
    """How many requests were taken of each EHR's budget."""

    session: Session

    async def draw(self, ehr: str, spans: Sequence[Span], *, most: int) -> tuple[int, list[Span]]:
        """Take up to so many requests of all spans at once; return how many, and the spans that are used up if none."""
        used = {}
        for span in spans:
            rows = await self.session.rows(_FILE, "open_span", ehr=ehr, span=span.name, start=span.start)
            used[span.name] = int(rows[0][0])
        granted, empty = fullest(spans, used, most)
        await self.session.change(_FILE, "spend", ehr=ehr, spans=[one.name for one in spans], count=granted)
        return granted, empty


def _values(lease: Lease) -> dict[str, object]:
    return {"ehr": lease.ehr, "work": lease.work.value, "fence": lease.fence}
