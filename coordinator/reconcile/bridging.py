"""Medication across a move between programs: does it reach to the next place, and is it known where it is given?

Here timeline and courses meet. The days around a move are the most dangerous ones of treatment: the last place has
stopped dosing and the next one has not begun.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from coordinator.care.medication.model import Proof
from coordinator.care.session.rules import is_attended, is_planned, kind_agreed, kind_of
from coordinator.fhir import Interval, Json, day_of
from coordinator.reconcile.chart import Chart
from coordinator.reconcile.enrollment import Stay
from coordinator.reconcile.findings import finding
from coordinator.reconcile.medication.coverage import joined
from coordinator.reconcile.medication.gaps import saw_all
from coordinator.reconcile.medication.model import Course, Received, Take
from coordinator.reconcile.model import Finding, Grade, Policy
from coordinator.reconcile.rules import limit
from coordinator.reconcile.timeline import OTP, Timeline
from coordinator.reconcile.timeline.model import Transition

_SAME_PLACE = frozenset({"leave", "return"})
_TOLD_BY = (Proof.ORDER.value, Proof.SUPPLY.value, Proof.DOSE.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What each move is judged with."""

    chart: Chart
    policy: Policy
    as_of: date


def medication_at_moves(
    timeline: Timeline, courses: Sequence[Course], chart: Chart, *, policy: Policy, as_of: date
) -> tuple[Finding, ...]:
    """Return what is open about medication between stays, and at stays that must give it and do not show it."""
    asked = _Asked(chart=chart, policy=policy, as_of=as_of)
    recent = as_of - timedelta(days=int(limit("bridge_look_back_days", policy.options)))
    moves = [one for one in timeline.transitions if one.kind not in _SAME_PLACE and one.on.last >= recent]
    found = [each for move in moves for each in _not_bridged(move, courses, asked)]
    found += [_unknown(stay) for stay in timeline.stays if _hides_medication(stay, courses, policy)]
    return tuple(found)


# ---- bridged to the next place? --------------------------------------------------------------------------------------
def _not_bridged(move: Transition, courses: Sequence[Course], asked: _Asked) -> Iterator[Finding]:
    """Yield a finding for each use of medication that ran out before the next place took it over."""
    before, after = move.before, move.after
    if before is None or after is None or not _saw_next(after, asked.policy):
        return
    for group in _by_use(courses):
        stretch = _last_stretch(group, after.start.last)
        takes = [take for course in group for take in course.received]
        if stretch is None or stretch.last < before.start.first or not saw_all(takes, asked.policy):
            continue
        taken_over = _taken_over(group, after, stretch, asked)
        days = ((taken_over - timedelta(days=1) if taken_over else asked.as_of) - stretch.last).days
        if days >= int(limit("bridge_days", asked.policy.options)):
            yield _finding(move, _newest_before(takes, stretch), stretch, days=days, taken_over=taken_over)


def _by_use(courses: Sequence[Course]) -> Iterator[list[Course]]:
    """Yield the courses that nobody ended, those of one use together: one may take the place of the other."""
    left = [one for one in courses if not one.is_ended]
    while left:
        group = [one for one in left if one.shares_use(left[0])]
        left = [one for one in left if one not in group]
        yield group


def _last_stretch(group: Sequence[Course], moved: date) -> Interval | None:
    """Return the last days with medication that began by the day of a move; days as an inpatient count as such."""
    held = joined(days for course in group for days in (*course.covered, *course.bridged))
    return max((one for one in held if one.first <= moved), key=lambda one: one.last, default=None)


def _taken_over(group: Sequence[Course], after: Stay, stretch: Interval, asked: _Asked) -> date | None:
    """Return when anybody first supplied it again, or the next place ordered it or sees the person for it."""
    taken = [(take, take.day.first) for course in group for take in course.takes if take.day is not None]
    supplied = [day for take, day in taken if take.is_received and day > stretch.last]
    acted = [
        day
        for take, day in taken
        if take.proof is not Proof.STATEMENT and take.seen.evidence.organization == after.organization
    ]
    there = [day for day in (*acted, *_visits(after, asked)) if day >= after.start.first]
    return min([*supplied, *there], default=None)


def _visits(after: Stay, asked: _Asked) -> Iterator[date]:
    """Yield the days of visits for medication at the next place, those that were kept and those agreed."""
    zone = asked.policy.zone
    for seen in asked.chart.encounters:
        record = seen.record
        is_there = seen.evidence.organization == after.organization and kind_of(record) == "medication"
        if is_there and record.start is not None and (is_attended(record) or is_planned(record)):
            yield day_of(record.start, zone).first
    for booked in asked.chart.appointments:
        is_there = booked.evidence.organization == after.organization and kind_agreed(booked.record) == "medication"
        if is_there and booked.record.start is not None and booked.record.status in _AGREED:
            yield day_of(booked.record.start, zone).first


_AGREED = frozenset({"booked", "arrived", "checked-in", "fulfilled"})


def _newest_before(takes: Iterable[Received], stretch: Interval) -> Take:
    return max((one for one in takes if one.covers.first <= stretch.last), key=lambda one: one.order)


def _finding(move: Transition, last: Take, stretch: Interval, *, days: int, taken_over: date | None) -> Finding:
    facts: dict[str, Json] = {
        "medicine": last.product.ingredient,
        "covered_until": str(stretch.last),
        "days": days,
        "next": str(taken_over) if taken_over else None,
    }
    use = last.product.ingredient.partition("/")[0]
    made = finding("mat.not-bridged", f"{move.key}:{use}", facts=facts, evidence=[last.ref, *move.evidence])
    return made.drawn_by("MC-08", *move.rules)


def _saw_next(after: Stay, policy: Policy) -> bool:
    """Say whether the records of the next place were read in full: only then has it not taken over."""
    ehrs = {ref.partition("/")[0] for ref in after.evidence}
    grades = [policy.grades.get((ehr, kind), Grade.COMPLETE) for ehr in ehrs for kind in _TOLD_BY]
    return all(one is Grade.COMPLETE for one in grades)


# ---- given where we can't see it -------------------------------------------------------------------------------------
def _hides_medication(stay: Stay, courses: Sequence[Course], policy: Policy) -> bool:
    """Say whether a stay at an OTP goes on whose doses we were not shown: what is taken there is then not known."""
    if stay.level.code != OTP or stay.end is not None:
        return False
    if any(take.seen.evidence.organization == stay.organization for one in courses for take in one.takes):
        return False
    ehr = stay.key.partition("/")[0]
    grades = [policy.grades.get((ehr, kind), Grade.COMPLETE) for kind in _TOLD_BY]
    return any(one is not Grade.COMPLETE for one in grades)


def _unknown(stay: Stay) -> Finding:
    facts: dict[str, Json] = {"organization": stay.organization}
    return finding("mat.unknown", stay.key, facts=facts, evidence=stay.evidence).drawn_by("MC-09")
