"""Attendance: the weeks of a person, and what in them somebody should know of: few hours, nights elsewhere."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date

from coordinator.fhir import DecimalText, Json
from coordinator.reconcile.chart import Chart
from coordinator.reconcile.enrollment import Stay
from coordinator.reconcile.findings import finding
from coordinator.reconcile.model import Finding, Policy
from coordinator.reconcile.rules import limit
from coordinator.reconcile.session.contact import missed_contacts
from coordinator.reconcile.session.modality import mismatches
from coordinator.reconcile.session.sessions import Session
from coordinator.reconcile.session.weeks import Around, Week, around, elsewhere, sessions_of_stays, weeks_of

SHORT = ("watch", "short")
JUDGED = ("met", *SHORT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendance:
    """The weeks of a person's stays, and what in the sessions somebody should know of."""

    weeks: tuple[Week, ...]
    findings: tuple[Finding, ...]


def attendance_of(
    chart: Chart, stays: Sequence[Stay], sessions: Sequence[Session], *, policy: Policy, as_of: date
) -> Attendance:
    """Return how a person attended the stays whose level asks for hours a week."""
    here = around(chart, stays, policy=policy, as_of=as_of)
    own = sessions_of_stays(stays, sessions)
    weeks = weeks_of(stays, own, here)
    by_stay: dict[str, list[Week]] = {}
    for week in weeks:
        by_stay.setdefault(week.stay, []).append(week)
    missed = missed_contacts(stays, own, here)
    gone = {ref for one in missed for ref in one.evidence}
    told = {stay.key: _before_silence(stay, by_stay.get(stay.key, ()), gone) for stay in stays}
    found = [one for stay in stays for one in _below_level(stay, told[stay.key], here)]
    found += [one for stay in stays for one in _while_elsewhere(stay, own.get(stay.key, ()), here)]
    found += [*missed, *_contradicted(sessions), *mismatches(chart, sessions)]
    return Attendance(weeks=weeks, findings=tuple(found))


def _before_silence(stay: Stay, weeks: Sequence[Week], gone: AbstractSet[str]) -> Sequence[Week]:
    """Return the weeks up to the last contact of a stay whose missed contact is told: one silence is one question."""
    if not gone & {*stay.evidence}:
        return weeks
    last = max((number for number, one in enumerate(weeks) if one.hours), default=-1)
    return weeks[: last + 1]


def _below_level(stay: Stay, weeks: Sequence[Week], around: Around) -> list[Finding]:
    """Return the finding of a stay that goes on after weeks in a row of too few hours: one as long as that lasts."""
    if stay.end is not None and stay.end.first <= around.as_of:
        return []
    run = _last_run(weeks)
    if len(run) < int(limit("short_weeks", around.policy.options)):
        return []
    told: list[Json] = [
        {"from": str(one.first), "hours": _number(one.hours), "asked": _number(one.asked)} for one in run
    ]
    facts: dict[str, Json] = {"level": stay.level.code, "weeks": told, "verified": all(one.verified for one in run)}
    evidence = (*stay.evidence, *(ref for one in run for ref in one.evidence))
    about = f"{stay.key}:{run[0].first}"
    return [finding("attendance.below-level", about, facts=facts, evidence=evidence).drawn_by("SE-02", "SE-05")]


def _number(hours: float) -> Json:
    return DecimalText(f"{round(hours, 2):g}")


def _last_run(weeks: Sequence[Week]) -> list[Week]:
    """Return the short weeks in a row that the last week of which anything can be said ends; none where it was met."""
    judged = [number for number, one in enumerate(weeks) if one.status in JUDGED]
    run: list[Week] = []
    number = judged[-1] if judged else -1
    while number >= 0 and weeks[number].status in SHORT:
        run.insert(0, weeks[number])
        number -= 1
    return run


def _while_elsewhere(stay: Stay, sessions: Sequence[Session], around: Around) -> Iterator[Finding]:
    """Yield a finding for each run of nights elsewhere in which the stay's program recorded the person as attending.

    The first and last day may hold both. Those between can't, unless the person had leave to come.
    """
    for nights in elsewhere(stay, around.nights):
        first, last = nights.days.first, nights.days.last
        at = bisect_right(sessions, first, key=lambda one: one.days.first)
        until = bisect_left(sessions, last, key=lambda one: one.days.first)
        inside = [one for one in sessions[at:until] if one.attended and one.days.last < last]
        if inside:
            facts: dict[str, Json] = {"days": [str(first), str(last)], "sessions": len(inside)}
            evidence = (*stay.evidence, *nights.evidence, *(ref for one in inside for ref in one.evidence))
            about = f"{stay.key}+{nights.evidence[0].partition('@')[0]}"
            yield finding("attendance.during-inpatient", about, facts=facts, evidence=evidence).drawn_by("SE-06")


def _contradicted(sessions: Sequence[Session]) -> list[Finding]:
    """Return a finding for each session of which one record says that the person came and another that not."""
    return [
        finding("attendance.source-differs", one.key, facts={"attended": one.attended}, evidence=one.evidence).drawn_by(
            "SE-03"
        )
        for one in sessions
        if one.contradicted
    ]
