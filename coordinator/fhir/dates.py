"""FHIR dates as they are: a year stays a year, an instant becomes a day only in a named zone."""

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Self
from zoneinfo import ZoneInfo

from coordinator.errors import InvalidInput

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)
_REMEMBERED = 32_768  # texts: reconciling a person with 10,000 records reads each of their dates several times
_INSTANT = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:(Z)|([+-])(\d{2}):(\d{2}))", re.ASCII
)


class BadDate(InvalidInput):
    """The text is no date that FHIR knows. The text itself is not repeated: it may be about a person."""

    def __init__(self) -> None:
        super().__init__(
            "A date can't be read.",
            operation="read date",
            hint="FHIR writes 2026, 2026-03, 2026-03-02 or 2026-03-02T09:30:00-05:00.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A stretch of whole days, both ends included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        """Refuse a stretch that ends before it begins."""
        if self.last < self.first:
            raise ValueError("an interval can't end before it begins")

    @property
    def is_day(self) -> bool:
        """Say whether the day is known exactly."""
        return self.first == self.last

    def overlaps(self, other: "Interval") -> bool:
        """Say whether the two share at least one day."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialDate:
    """A year, a month or a day as it was written, with the first and last day that it may mean."""

    text: str
    first: date
    last: date

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the date that the text spells. Raises BadDate for anything but a year, month or day."""
        found = _DATE.fullmatch(text)
        if found is None:
            raise BadDate
        year, month, day = (int(part) if part else 0 for part in found.groups())
        try:
            first = date(year, month or 1, day or 1)
            last = date(year, month or 12, day or calendar.monthrange(year, month or 12)[1])
        except ValueError:
            raise BadDate from None
        return cls(text=text, first=first, last=last)

    @property
    def interval(self) -> Interval:
        """Return the days that the date may mean."""
        return Interval(first=self.first, last=self.last)

    def __str__(self) -> str:
        """Return the date as it was written."""
        return self.text


@lru_cache(maxsize=_REMEMBERED)
def day_of(text: str, zone: ZoneInfo) -> Interval:
    """Return the days that a FHIR date or dateTime may mean; an instant is the day it falls on in the zone.

    Raises BadDate. A time without an offset is refused: FHIR demands one, and guessing it could move the day.
    """
    moment = instant_of(text)
    if moment is None:
        return PartialDate.parse(text).interval
    try:
        day = moment.astimezone(zone).date()
    except OverflowError:
        raise BadDate from None
    return Interval(first=day, last=day)


@lru_cache(maxsize=_REMEMBERED)
def instant_of(text: str) -> datetime | None:
    """Return the instant that a dateTime names, None for a date without a time. Raises BadDate.

    Parts of a second beyond the microsecond are cut off. A leap second counts as the last microsecond of its minute:
    the next minute could be the next day.
    """
    found = _INSTANT.fullmatch(text)
    if found is None:
        PartialDate.parse(text)
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    fraction = int((found[7] or "")[:6].ljust(6, "0"))
    if second == 60:
        second, fraction = 59, 999_999
    try:
        return datetime(year, month, day, hour, minute, second, fraction, tzinfo=_offset(found))
    except ValueError:
        raise BadDate from None


def instant_in(text: str | None) -> datetime | None:
    """Return the instant that a text names; None where there is none, it names a day alone or it can't be read."""
    try:
        return instant_of(text) if text is not None else None
    except BadDate:
        return None


def certainly_before(one: str, other: str) -> bool:
    """Say whether the first text names a time that lies before the second however their missing parts are read.

    A day without a time has no zone: beside an instant it is given 14 hours on each side. Raises BadDate.
    """
    mixed = (instant_of(one) is None) != (instant_of(other) is None)
    room = _WIDEST_OFFSET if mixed else timedelta()
    try:
        return _bounds(one)[1] + room < _bounds(other)[0]
    except OverflowError:
        return False


def _offset(found: re.Match[str]) -> timezone:
    if found[8]:
        return UTC
    hours, minutes = int(found[10]), int(found[11])
    if hours * 60 + minutes > 14 * 60 or minutes > 59:
        raise BadDate
    distance = timedelta(hours=hours, minutes=minutes)
    return timezone(-distance if found[9] == "-" else distance)


_WIDEST_OFFSET = timedelta(hours=14)


def _bounds(text: str) -> tuple[datetime, datetime]:
    """Return the first and last instant that a text may mean."""
    moment = instant_of(text)
    if moment is not None:
        return moment, moment
    days = PartialDate.parse(text)
    first = datetime(days.first.year, days.first.month, days.first.day, tzinfo=UTC)
    last = datetime(days.last.year, days.last.month, days.last.day, 23, 59, 59, 999_999, tzinfo=UTC)
    return first, last
