"""Weeks of a person in a program: the hours attended, held against those that the level asks for."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from coordinator.care.level_of_care.model import Level
from coordinator.care.level_of_care.rules import hours_asked
from coordinator.fhir import Interval, PartialDate
from coordinator.reconcile.chart import Chart
from coordinator.reconcile.enrollment import Stay
from coordinator.reconcile.model import Grade, Policy
from coordinator.reconcile.rules import limit
from coordinator.reconcile.session.nights import Nights, nights_seen, nights_told
from coordinator.reconcile.session.sessions import Session
from coordinator.reconcile.timeline.leaves import EMERGENCY

WEEK = timedelta(days=7)

Status = Literal["met", "watch", "short", "away", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """A whole week from Monday of a stay at a level that asks for hours.

    `met`, `watch` (one short week) or `short` (short again); `away` where the person was on leave or spent nights
    elsewhere, which nobody holds against them; `unknown` where fewer hours were seen than asked for and not all may
    have been.
    """

    stay: str
    organization: str
    first: date
    last: date
    hours: float
    asked: float
    verified: bool
    status: Status
    evidence: tuple[str, ...]
    rules: tuple[str, ...]

    @property
    def key(self) -> str:
        """Return what names the week: the stay, and its Monday."""
        return f"{self.stay}:{self.first}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What the weeks of a person are judged by, beside the sessions.

    `nights` are those that contacts show, `told` those of stays by their dates. `adult_from` is the day from which the
    person is certainly an adult, None where no birth date is known.
    """

    nights: tuple[Nights, ...]
    told: tuple[Nights, ...]
    adult_from: date | None
    policy: Policy
    as_of: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """Days on which nobody can expect the person, and by what that is known."""

    days: Interval
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Days:
    """What was seen of one stay, by the Monday of each week; `whole` says that there is no more."""

    whole: bool
    attended: Mapping[date, Sequence[Session]]
    unsure: frozenset[date]
    away: Mapping[date, tuple[str, ...]]


def around(chart: Chart, stays: Sequence[Stay], *, policy: Policy, as_of: date) -> Around:
    """Return what the weeks of a person are judged by."""
    age = int(limit("adult_age", policy.options))
    born = [PartialDate.parse(one.record.birth_date).last for one in chart.patients if one.record.birth_date]
    return Around(
        nights=nights_seen(chart, stays, policy=policy, as_of=as_of),
        told=nights_told(stays),
        adult_from=max((_birthday(one, age) for one in born), default=None),
        policy=policy,
        as_of=as_of,
    )


def sessions_of_stays(stays: Sequence[Stay], sessions: Sequence[Session]) -> dict[str, list[Session]]:
    """Return the sessions of each stay that asks for hours a week, by the key of the stay, in order of start.

    A session is one of a stay if it was in its organization and time, and names no other stay as its own.
    """
    by_organization: dict[str, list[Session]] = {}
    for one in sessions:
        by_organization.setdefault(one.organization, []).append(one)
    found: dict[str, list[Session]] = {}
    for stay in stays:
        if hours_asked(stay.level, adolescent=False) is not None:
            near = _in_time(stay, by_organization.get(stay.organization, []))
            found[stay.key] = [one for one in near if _names_no_other(one, stay)]
    return found


def _in_time(stay: Stay, sessions: Sequence[Session]) -> Sequence[Session]:
    """Return the sessions that may have begun in the time of a stay; a date without a day may mean a whole year."""
    at = bisect_left(sessions, stay.start.first - timedelta(days=366), key=lambda one: one.days.first)
    until = bisect_right(sessions, stay.end.last, key=lambda one: one.days.first) if stay.end else len(sessions)
    return [one for one in sessions[at:until] if one.days.last >= stay.start.first]


def _names_no_other(session: Session, stay: Stay) -> bool:
    records = {ref.partition("@")[0] for ref in stay.evidence if "/EpisodeOfCare/" in ref}
    return not session.episodes or not records or bool(records & {*session.episodes})


def weeks_of(stays: Sequence[Stay], sessions: Mapping[str, Sequence[Session]], around: Around) -> tuple[Week, ...]:
    """Return the whole weeks of stays whose level asks for hours a week, each by the hours attended there."""
    asking = [stay for stay in stays if stay.key in sessions]
    found = [one for stay in asking for one in _weeks(stay, _days(stay, sessions[stay.key], around), around)]
    return tuple(sorted(found, key=lambda one: (one.first, one.stay)))


def saw_all(stay: Stay, sessions: Sequence[Session], policy: Policy) -> bool:
    """Say whether what was not seen of a stay is not there: all contacts in its EHRs were pulled, and there are some.

    A program that shows no session at all may write them elsewhere, or nowhere.
    """
    ehrs = {ref.partition("/")[0] for ref in stay.evidence}
    pulled = all(policy.grades.get((ehr, "Encounter"), Grade.COMPLETE) is Grade.COMPLETE for ehr in ehrs)
    return pulled and bool(sessions)


def away_from(stay: Stay, around: Around) -> list[Absence]:
    """Return the days on which nobody can expect the person: leaves, hospitals, nights elsewhere.

    An emergency that was over on its day excuses no week.
    """
    nights = elsewhere(stay, (*around.nights, *around.told))
    found = [Absence(days=one.days, evidence=one.evidence) for one in nights]
    for pause in stay.pauses:
        last = max(pause.end.last if pause.end else around.as_of, pause.start.first)
        if pause.why != EMERGENCY or last > pause.start.first:
            days = Interval(first=pause.start.first, last=last)
            found.append(Absence(days=days, evidence=pause.evidence))
    return found


def elsewhere(stay: Stay, nights: Sequence[Nights]) -> list[Nights]:
    """Return the nights in another organization, of care that can't run beside the stay."""
    return [one for one in nights if one.organization != stay.organization and not one.beside(stay.level)]


def _birthday(born: date, age: int) -> date:
    try:
        return born.replace(year=born.year + age)
    except ValueError:  # born on 29 February
        return date(born.year + age, 3, 1)


def _days(stay: Stay, own: Sequence[Session], around: Around) -> _Days:
    attended: dict[date, list[Session]] = {}
    unsure: set[date] = set()
    for one in own:
        mondays = _mondays(one.days)
        if one.attended and len(mondays) == 1:
            attended.setdefault(mondays[0], []).append(one)
        if one.minutes is None:
            unsure.update(mondays)
    away: dict[date, tuple[str, ...]] = {}
    for absence in away_from(stay, around):
        away |= {monday: (*away.get(monday, ()), *absence.evidence) for monday in _mondays(absence.days)}
    whole = saw_all(stay, own, around.policy)
    return _Days(whole=whole, attended=attended, unsure=frozenset(unsure), away=away)


def _mondays(days: Interval) -> list[date]:
    """Return the Mondays of the weeks that some days lie in; of a date without a day those are many."""
    monday, mondays = days.first - timedelta(days=days.first.weekday()), []
    while monday <= days.last:
        mondays.append(monday)
        monday += WEEK
    return mondays


def _weeks(stay: Stay, days: _Days, around: Around) -> list[Week]:
    """Return the weeks from the first Monday of the stay to the last Sunday before a day: parts of weeks are none."""
    start = stay.start.last
    monday = start + timedelta(days=-start.weekday() % 7)
    end = min(around.as_of, stay.end.first) if stay.end else around.as_of
    weeks: list[Week] = []
    while monday + timedelta(days=6) < end:
        asked = _asked(stay.level, monday, around)
        inside = days.attended.get(monday, ())
        hours = sum(one.minutes or 0 for one in inside) / 60
        sure = days.whole and monday not in days.unsure
        status = _status(
            enough=hours >= asked[0], away=monday in days.away, sure=sure, before=weeks[-1] if weeks else None
        )
        weeks.append(
            Week(
                stay=stay.key,
                organization=stay.organization,
                first=monday,
                last=monday + timedelta(days=6),
                hours=hours,
                asked=asked[0],
                verified=asked[1],
                status=status,
                evidence=_shown_by(inside, days.away[monday] if status == "away" else ()) or stay.evidence,
                rules=("SE-02",),
            )
        )
        monday += WEEK
    return weeks


def _shown_by(sessions: Sequence[Session], away: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*(ref for one in sessions for ref in one.evidence), *away]))


def _asked(level: Level, monday: date, around: Around) -> tuple[float, bool]:
    is_young = around.adult_from is not None and monday < around.adult_from
    return hours_asked(level, adolescent=is_young) or (0, True)


def _status(*, enough: bool, away: bool, sure: bool, before: Week | None) -> Status:
    if enough:
        return "met"
    if away:
        return "away"
    if not sure:
        return "unknown"
    return "short" if before is not None and before.status in ("watch", "short") else "watch"
