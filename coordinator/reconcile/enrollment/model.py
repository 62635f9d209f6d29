"""A stay in a program at a level of care, with what its records tell of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from coordinator.care.level_of_care.model import Level
from coordinator.care.level_of_care.rules import rank
from coordinator.fhir import Interval, day_of, instant_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A contact that was attended: its day in the program's zone, its instants where known, its citation."""

    ref: str
    organization: str
    day: date
    start: datetime | None
    end: datetime | None
    overnight: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Days within a stay on which the person was away and expected back: a leave, a hospital, an emergency.

    Both ends are days inclusive; `end` is the day of coming back, None while the person is away.
    """

    start: Interval
    end: Interval | None
    why: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one record tells of a stay: since when, as a day or a partial date, and at which level.

    A contact tells no start: the stay may have begun before it. It is the program's `own`, unless it stands in the EHR
    of another organization that a mapping table says it speaks for.
    """

    ref: str
    start: str | None
    level: Level
    own: bool = True

    @property
    def place(self) -> str:
        """Return the record, whatever its version."""
        return self.ref.rpartition("@")[0]

    @property
    def ehr(self) -> str:
        """Return the EHR that tells it."""
        return self.ref.partition("/")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One stay in a program at a level. `told_end` is what records say; `end` is what holds, None while it goes on.

    `ends` are all ends that were told, as (day text, by). `confirmed` means that a discharge was recorded, not only
    the end of a period; `reasons` are the kinds of discharge that were told, as (kind, record). `began` and `ended` are
    instants where records tell them. `told` is what each record says of start and level. A `possible` stay is shown by
    weak evidence alone. `rules` are the ids of the rules it was drawn by.
    """

    key: str
    level: Level
    organization: str
    start: Interval
    end: Interval | None
    ends: tuple[tuple[str, str], ...]
    confirmed: bool
    status: str
    evidence: tuple[str, ...]
    services: tuple[Service, ...]
    rules: tuple[str, ...]
    began: datetime | None = None
    ended: datetime | None = None
    reasons: tuple[tuple[str, str], ...] = ()
    pauses: tuple[Pause, ...] = ()
    stale_since: date | None = None
    told: tuple[Told, ...] = ()
    possible: bool = False

    @property
    def last_service(self) -> Service | None:
        """Return the latest attended contact."""
        return max(self.services, key=lambda one: (one.day, one.ref), default=None)


def in_order(stays: Iterable[Stay]) -> tuple[Stay, ...]:
    """Return stays in order of start, then of rank and key."""
    return tuple(sorted(stays, key=lambda one: (one.start.first, one.start.last, rank(one.level) or 0, one.key)))


def day_text(text: str, zone: ZoneInfo) -> str:
    """Return the day of an instant in the program's zone; a partial date stays as it was written."""
    return text if instant_of(text) is None else str(day_of(text, zone).first)
