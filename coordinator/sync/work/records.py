"""What workers and the store tell each other about work."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, IntEnum

# Why an EHR was given up in the midst of a pull; said by who asks it, and read by who decides when to ask again.
SILENT = "it had stopped answering"
HELD_OFF = "it had asked us to come later"
HELD_BACK = "its budget of requests is used up for now"


class Work(Enum):
    """What a job asks for; its key says where: the id of a person, or the name of an EHR."""

    PERSON = "person"
    """Reconcile this person, if that is owed."""
    PULL = "pull"
    """Bring in what changed in this EHR, and say who is whom."""
    PUSH = "push"
    """Send this EHR what it is owed, and verify it."""


class Urgency(IntEnum):
    """What goes first where several jobs wait."""

    BULK = -10
    """One of more than 20 that came in together; one step lower for each power of ten, so that a first load of
    thousands lets a wave of dozens pass."""
    USUAL = 0
    """The day's work."""
    TRANSITION = 10
    """Someone begins, ends or changes care."""
    AT_ONCE = 20
    """A consent was given or revoked, or a person has decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A place to look at. It carries nothing of what is owed there."""

    work: Work
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A job that waits; `after` is in how many seconds it may begin, 0 for at once."""

    job: Job
    urgency: int
    after: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to pull from an EHR, or to write to it, until somebody takes it over."""

    ehr: str
    work: Work
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Work that failed so many times in a row; `again` is when it is tried next, None for never without a person.

    An outage speaks for the whole EHR: nothing is tried there before.
    """

    job: Job
    times: int
    cause: str
    since: datetime
    again: datetime | None
    is_outage: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of time within which an EHR gets so many requests at most."""

    name: str
    start: datetime
    end: datetime
    most: int


class PauseKind(Enum):
    """What is paused."""

    ALL = "all"
    EHR = "ehr"
    PERSON = "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A stop that somebody asked for: no request leaves for a paused EHR, nothing is decided or sent about a person."""

    kind: PauseKind
    name: str  # empty for all
    reason: str
    actor: str
    since: datetime


class RunOutcome(Enum):
    """How a run ended."""

    FAILED = "failed"
    LOST = "lost"
    """The program that did it has ended without a word."""
    PARTIAL = "partial"
    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a run counted by itself.

    Records that its pulls saw and how many of them (or of those no longer seen) had changed; patients who were looked
    at for who they are; people who were reconciled.
    """

    seen: int = 0
    changed: int = 0
    matched: int = 0
    people: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as it is kept: `work` is `sync`, or the work of a job; `ehr` is empty where it is about several."""

    number: int
    work: str
    ehr: str
    began_at: datetime
    ended_at: datetime | None
    outcome: RunOutcome
    cause: str
    counts: Counts
    rows: tuple[tuple[str, int], ...] = ()  # how many rows there are of each outcome

    def count(self, *outcomes: str) -> int:
        """Return how many rows ended in any of these ways."""
        return sum(number for outcome, number in self.rows if outcome in outcomes)

    @property
    def read(self) -> int:
        """Return how many records were read: by pulls, or by themselves, as what was written or referred to."""
        return self.counts.seen + self.count("received", "gone") - self.counts.changed

    @property
    def unchanged(self) -> int:
        """Return how many of the records that were read are as we hold them."""
        return self.read - self.count("received", "unreadable")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One row that a run touched: a record by its address, a write by its key; `reason` says why if that is known."""

    outcome: str
    ehr: str
    key: str
    reason: str = ""
