"""Sessions of a person and the weeks they add up to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from coordinator.care.level_of_care.rules import row_of
from coordinator.care.session.rules import is_attended, kind_of, minutes, mode_of
from coordinator.fhir import day_of
from coordinator.reconcile.chart import Chart
from coordinator.reconcile.enrollment import Stay
from coordinator.reconcile.model import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A contact. `minutes` is None where the record does not say when it ended."""

    ref: str
    organization: str
    kind: str
    class_: str
    attended: bool
    minutes: int | None
    day: date
    start: str
    rules: tuple[str, ...]

    @property
    def key(self) -> str:
        """Return what names the session: its record, whatever the version."""
        return self.ref.partition("@")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """A whole week from Monday at a level that asks for hours: met, watch (one short week) or short (short again)."""

    organization: str
    first: date
    last: date
    hours: float
    status: str
    evidence: tuple[str, ...]
    rules: tuple[str, ...]

    @property
    def key(self) -> str:
        """Return what names the week: where, and its Monday."""
        return f"{self.organization}:{self.first}"


def sessions_of(chart: Chart, policy: Policy) -> tuple[Session, ...]:
    """Return the contacts in order of start; days of an overnight stay are not sessions."""
    found = [
        Session(
            ref=seen.ref,
            organization=seen.evidence.organization,
            kind=kind_of(seen.record),
            class_=(seen.record.class_.code or "") if seen.record.class_ else "",
            attended=is_attended(seen.record),
            minutes=minutes(seen.record),
            day=day_of(seen.record.start, policy.zone).first,
            start=seen.record.start,
            rules=("SE-01",),
        )
        for seen in chart.encounters
        if seen.record.start is not None and mode_of(seen.record) != "overnight"
    ]
    return tuple(sorted(found, key=lambda one: (one.day, one.start, one.ref)))


def weeks_of(stays: Sequence[Stay], sessions: Sequence[Session], as_of: date) -> tuple[Week, ...]:
    """Return the whole weeks of stays whose level asks for hours a week, each by the hours attended there."""
    found: list[Week] = []
    for stay in stays:
        row = row_of(stay.level)
        if row is None or row.hours_least is None or row.setting != "ambulatory":
            continue
        attended = [one for one in sessions if one.attended and one.organization == stay.organization]
        found += _weeks(stay, attended, row.hours_least, as_of)
    return tuple(sorted(found, key=lambda one: (one.first, one.evidence)))


def _weeks(stay: Stay, attended: Sequence[Session], least: float, as_of: date) -> list[Week]:
    """Return the weeks from the first Monday of the stay to the last Sunday before a day."""
    start = stay.start.last
    monday = start + timedelta(days=-start.weekday() % 7)
    end = min(as_of, stay.end.first) if stay.end else as_of
    weeks: list[Week] = []
    while monday + timedelta(days=6) < end:
        weeks.append(_week(stay, monday, attended, least=least, before=weeks))
        monday += timedelta(days=7)
    return weeks


def _week(stay: Stay, monday: date, attended: Sequence[Session], *, least: float, before: Sequence[Week]) -> Week:
    sunday = monday + timedelta(days=6)
    inside = [one for one in attended if monday <= one.day <= sunday]
    hours = sum(one.minutes or 0 for one in inside) / 60
    short_before = bool(before) and before[-1].status != "met"
    status = "met" if hours >= least else "short" if short_before else "watch"
    return Week(
        organization=stay.organization,
        first=monday,
        last=sunday,
        hours=hours,
        status=status,
        evidence=tuple(one.ref for one in inside),
        rules=("SE-02",),
    )
