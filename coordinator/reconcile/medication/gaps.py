"""Days without medication, and long-acting doses given too soon: what is told to those who can act on it."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

from coordinator.care.medication.interactions import Evaluated, interaction_rules
from coordinator.care.medication.model import Proof
from coordinator.fhir import Interval, Json
from coordinator.reconcile.findings import finding
from coordinator.reconcile.medication.coverage import joined, without
from coordinator.reconcile.medication.model import Course, Take
from coordinator.reconcile.model import Finding, Grade, Policy
from coordinator.reconcile.rules import limit


def gaps_found(courses: Sequence[Course], *, policy: Policy, as_of: date) -> list[Finding]:
    """Return a finding for each run of days without medication so long that treatment no longer counts as continuous.

    What another course of the same use covers is no gap, nor is what an incomplete pull may have left out. Days that
    lie long back are history: nobody can act on them.
    """
    least = int(limit("coverage_gap_days", policy.options))
    recent = as_of - timedelta(days=int(limit("mat_look_back_days", policy.options)))
    found: list[Finding] = []
    for course in courses:
        if not course.covered or not saw_all(course.received, policy):
            continue
        alike = [one for one in courses if one.shares_use(course)]
        covered = joined(days for one in alike for days in one.covered)
        gaps = [*without(course.gaps, covered), *_open_gap(course, alike)]
        found += [
            _gap(course, gap, is_open=gap.last == as_of)
            for gap in gaps
            if (gap.last - gap.first).days + 1 >= least and gap.last >= recent
        ]
    return found


def saw_all(takes: Sequence[Take], policy: Policy) -> bool:
    """Say whether the EHRs that told of supplies and doses were read in full: only then is one missing."""
    asked = {(one.seen.ehr, one.proof.value) for one in takes}
    return all(policy.grades.get(one, Grade.COMPLETE) is Grade.COMPLETE for one in asked)


def _open_gap(course: Course, alike: Sequence[Course]) -> tuple[Interval, ...]:
    """Return the days since a course's last supply or dose, none where it was ended or another one took over.

    Of two that ran out on one day, the one that began later speaks for the treatment.
    """
    if course.is_ended or any(one.covered and _lasted(one) > _lasted(course) for one in alike):
        return ()
    return course.after


def _lasted(course: Course) -> tuple[date, date, str]:
    return course.covered[-1].last, course.covered[0].first, course.key


def _gap(course: Course, gap: Interval, *, is_open: bool) -> Finding:
    facts: dict[str, Json] = {"from": str(gap.first), "days": (gap.last - gap.first).days + 1}
    if is_open:
        facts["goes_on"] = "yes"
    made = finding("mat.coverage-gap", f"{course.key}:{gap.first}", facts=facts, evidence=_around(course, gap))
    rules = [one.rule_id for one in interaction_rules().values() if one.evaluated is Evaluated.GAP]
    return made.drawn_by("MC-03", *rules)


def _around(course: Course, gap: Interval) -> list[str]:
    """Return the last supply or dose before a gap and the first one after it."""
    taken = sorted((one.covers.first, one.ref) for one in course.received)
    days = [day for day, _ in taken]
    before, after = bisect_left(days, gap.first), bisect_right(days, gap.last)
    return [ref for _, ref in (*taken[before - 1 : before], *taken[after : after + 1])]


def short_intervals(courses: Sequence[Course], *, as_of: date) -> list[Finding]:
    """Return a finding for each long-acting dose given sooner than its table row allows, while it still acts."""
    rules = [one.rule_id for one in interaction_rules().values() if one.evaluated is Evaluated.INTERVAL]
    found: list[Finding] = []
    for course in courses:
        given = [
            (one, least)
            for one in course.received
            if one.proof is Proof.DOSE and (least := one.product.least_days) is not None
        ]
        for (before, _), (after, least) in pairwise(given):
            days = (after.covers.first - before.covers.first).days  # of one day they may be one dose told twice
            if 0 < days < least and after.covers.last >= as_of:
                facts: dict[str, Json] = {"days": days, "least": least}
                about = f"{course.key}:{after.seen.evidence.place}"
                made = finding("mat.interval-short", about, facts=facts, evidence=[before.ref, after.ref])
                found.append(made.drawn_by("MC-06", *rules))
    return found
