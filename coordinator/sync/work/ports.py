"""What work needs of the store, all within one transaction of one tenant."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol

from coordinator.sync.work.records import (
    Counts,
    Job,
    Lease,
    Pause,
    PauseKind,
    Run,
    RunOutcome,
    RunRow,
    Span,
    Trouble,
    Urgency,
    Waiting,
    Work,
)

After = Callable[[int], float | None]


class LeaseStore(Protocol):
    """Whose turn it is at an EHR. Time here is the database's own, whatever clock the tenant follows."""

    async def take(self, ehr: str, work: Work, *, seconds: float) -> Lease | None:
        """Return the lease with a new fence; None while somebody holds it who lives and whose time is not over."""
        ...

    async def hold(self, lease: Lease, *, seconds: float) -> None:
        """Make it last so long from now, and hold it until this transaction ends. Raises Superseded."""
        ...

    async def give_back(self, lease: Lease) -> None:
        """Let the next one take it at once; nothing, where it has been taken over."""
        ...


class JobStore(Protocol):
    """Wake-ups for workers: hints only, each kept with what made it or not at all."""

    async def enlist(self) -> int:
        """Have workers serve this tenant from now on (till then a wake-up makes no job); return the tenant's number."""
        ...

    async def put(self, jobs: Collection[Job], *, after: float = 0.0, urgency: int = Urgency.USUAL) -> None:
        """Ask for work, at the earliest in so many seconds; one that waits already comes at the earlier moment."""
        ...

    async def hush(self) -> None:
        """Make no jobs of wake-ups until this transaction ends: who asks for it sees to them later."""
        ...

    async def sweep(self, now: datetime) -> int:
        """Ask for all work that is owed and for which no job waits or runs; return how much that was.

        Not for what is paused, nor for what failed and whose next time has not come.
        """
        ...

    async def waiting(self) -> list[Waiting]:
        """Return the jobs that wait, in the order in which they would begin."""
        ...


class TroubleStore(Protocol):
    """Work that failed: the dead letters among it wait for a person."""

    async def stumble(self, job: Job, cause: str, *, after: After, is_outage: bool = False) -> int:
        """Note that work failed, and return how often in a row.

        `after` says for that number in how many seconds it is tried again, None for never.
        """
        ...

    async def admit(self, ehr: str, *, probe: float) -> float:
        """Return in how many seconds work at an EHR may begin, 0 for now.

        Once the time of an outage has come, the first who asks goes ahead to see whether it is over; the others wait
        `probe` seconds for what that one finds.
        """
        ...

    async def answered(self, ehr: str) -> list[Job]:
        """Note that an EHR answers, and so that its outage is over; return the work that waited for that."""
        ...

    async def recover(self, jobs: Collection[Job]) -> int:
        """Forget that these failed; return how many of them had."""
        ...

    async def troubles(self) -> list[Trouble]:
        """Return what failed, dead letters first, then in order of work and key."""
        ...


class BudgetStore(Protocol):
    """How many requests were taken of each EHR's budget, by all workers together."""

    async def draw(self, ehr: str, spans: Sequence[Span], *, most: int) -> tuple[int, list[Span]]:
        """Take up to so many requests of all spans at once; return how many, and the spans that are used up if none."""
        ...


class PauseStore(Protocol):
    """What is paused."""

    async def pauses(self) -> list[Pause]:
        """Return what is paused, in order of kind and name."""
        ...

    async def pause(self, pause: Pause) -> bool:
        """Keep a pause; return whether it was none before."""
        ...

    async def resume(self, kind: PauseKind, name: str) -> bool:
        """End a pause; return whether there was one."""
        ...


class RunStore(Protocol):
    """What runs did."""

    async def begin(self, work: str, ehr: str, *, at: datetime) -> int:
        """Return the number of a run that begins; one of the same work at the same EHR that still runs is lost."""
        ...

    async def within(self, run: int) -> None:
        """Count what this transaction receives and sends as part of a run."""
        ...

    async def end(self, run: int, outcome: RunOutcome, counts: Counts, *, cause: str = "", at: datetime) -> None: ...

    async def runs(self, *, limit: int) -> list[Run]:
        """Return the last runs, newest first; one whose program has ended without a word is lost."""
        ...

    async def rows(self, run: int) -> list[RunRow]:
        """Return the rows that a run touched, in order of outcome, EHR and key."""
        ...

    async def forget(self, before: datetime) -> int:
        """Forget runs that began before an instant, not what they received; return how many."""
        ...


class WorkTables(Protocol):
    """What a transaction can be asked about work."""

    @property
    def leases(self) -> LeaseStore: ...
    @property
    def jobs(self) -> JobStore: ...
    @property
    def troubles(self) -> TroubleStore: ...
    @property
    def pauses(self) -> PauseStore: ...
    @property
    def budgets(self) -> BudgetStore: ...
    @property
    def runs(self) -> RunStore: ...
