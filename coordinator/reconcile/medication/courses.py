"""The courses of a person: for each product form what is taken, in which dose, covered until when, and its status."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import assert_never

from coordinator.care.medication.model import Proof
from coordinator.care.medication.rules import is_live
from coordinator.fhir import Interval, Json
from coordinator.reconcile.chart import Chart
from coordinator.reconcile.medication.between import duplicates_of, switched, with_switch
from coordinator.reconcile.medication.coverage import Coverage, HospitalDays, coverage_of, hospital_days
from coordinator.reconcile.medication.dose import dose_in, doses_differ, history_of, sides_of, trend_of, values_of
from coordinator.reconcile.medication.gaps import gaps_found, short_intervals
from coordinator.reconcile.medication.interactions import interactions_of
from coordinator.reconcile.medication.model import DOSE, ENDED, ITEM, Course, Courses, Take, Taking
from coordinator.reconcile.medication.takes import sorted_medications
from coordinator.reconcile.medication.taking import NOT_TAKING, OWN_REPORT, Freshness, taking_of
from coordinator.reconcile.merge import Disputed, Settled, Side, accepted, answer, merge
from coordinator.reconcile.model import Agreed, Decision, Finding, Policy
from coordinator.reconcile.rules import limit


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What every course of a person is made with."""

    agreed: Agreed
    decisions: Sequence[Decision]
    hospital: Sequence[HospitalDays]
    policy: Policy
    as_of: date

    @property
    def fresh(self) -> Freshness:
        days = {name: int(limit(name, self.policy.options)) for name in ("coverage_gap_days", "said_days")}
        return Freshness(
            covered_since=self.as_of - timedelta(days=days["coverage_gap_days"] - 1),
            said_since=self.as_of - timedelta(days=days["said_days"]),
        )


def courses_of(chart: Chart, agreed: Agreed, decisions: Sequence[Decision], *, policy: Policy, as_of: date) -> Courses:
    """Return the MAT courses with their doses merged three ways between those who state one."""
    takes, others = sorted_medications(chart, policy)
    asked = _Asked(
        agreed=agreed,
        decisions=decisions,
        hospital=hospital_days(chart, policy, as_of),
        policy=policy,
        as_of=as_of,
    )
    groups: dict[tuple[str, str], list[Take]] = {}
    for take in takes:
        groups.setdefault((take.product.ingredient, take.product.form), []).append(take)
    made = [
        _course(f"{ITEM}{ingredient}|{form}", group, asked)
        for (ingredient, form), group in sorted(groups.items())
        if any(is_live(one.seen.record) for one in group)
    ]
    courses = _without_those_replaced(switched([course for course, _, _ in made], policy))
    findings = [one for _, _, found in made for one in found]
    findings += gaps_found(courses, policy=policy, as_of=as_of)
    findings += short_intervals(courses, as_of=as_of)
    findings += duplicates_of(courses, asked.hospital, policy=policy, as_of=as_of)
    findings += interactions_of(courses, others, policy=policy, as_of=as_of)
    return Courses(
        courses=courses,
        agreed={course.key: {DOSE: state} for course, state, _ in made if state},
        findings=tuple(findings),
    )


def _course(key: str, takes: list[Take], asked: _Asked) -> tuple[Course, dict[str, Json], list[Finding]]:
    sides = tuple(sides_of(takes))
    decision = answer(asked.decisions, f"mat.dose-differs:{key}", values_of(sides))
    states = asked.agreed.items.get(key, {}).get(DOSE, {})
    merged = merge(sides, states, accepted(decision, sides) if decision else None)
    course = _made(key, takes, merged=merged, sides=sides, asked=asked)
    match merged:
        case Settled():
            return course, dict(merged.agreed) if sides else {}, []
        case Disputed():
            return course, dict(merged.agreed), [doses_differ(key, takes, merged)]
        case _:
            assert_never(merged)


def _made(
    key: str, takes: Sequence[Take], *, merged: Settled | Disputed, sides: tuple[Side, ...], asked: _Asked
) -> Course:
    coverage = coverage_of(takes, asked.hospital, policy=asked.policy, as_of=asked.as_of)
    taking = taking_of(takes, coverage.covered, fresh=asked.fresh, as_of=asked.as_of)
    history = history_of(takes)
    product = takes[0].product
    return Course(
        key=key,
        ingredient=product.ingredient,
        form=product.form,
        treatment=product.ingredient.partition("/")[0],
        dose=dose_in(merged.value) if isinstance(merged, Settled) else None,
        disputed=isinstance(merged, Disputed),
        status=_status(takes, taking, coverage.covered, asked.fresh),
        taking=taking,
        covered=coverage.covered,
        gaps=coverage.gaps,
        after=coverage.after,
        bridged=coverage.bridged,
        bridging=coverage.bridging,
        last_seen=_last_seen(takes, asked.as_of),
        history=history,
        trend=trend_of(history, int(limit("dose_trend_steps", asked.policy.options))),
        takes=tuple(takes),
        sides=sides,
        rules=_rules(sides, coverage),
    )


def _rules(sides: Sequence[Side], coverage: Coverage) -> tuple[str, ...]:
    found = ["MC-01", "MC-04"]
    found += ["MC-02"] if sides else []
    found += ["MC-03"] if coverage.covered else []
    found += ["MC-05"] if coverage.bridged else []
    return tuple(sorted(found))


def _last_seen(takes: Sequence[Take], as_of: date) -> date | None:
    received = [one.day.first for one in takes if one.is_received and one.day is not None and one.day.is_day]
    return max((day for day in received if day <= as_of), default=None)


def _status(takes: Sequence[Take], taking: Taking, covered: Sequence[Interval], fresh: Freshness) -> str:
    """Return the MedicationStatement status: explicit words first, then supply; silence is unknown, never stopped.

    That the person says they do not take it outranks an order that nobody closed.
    """
    if (taking.status, taking.basis) == (NOT_TAKING, OWN_REPORT):
        return "not-taken"
    said = [one for one in takes if one.proof in (Proof.ORDER, Proof.STATEMENT)]
    if any(one.seen.record.status == "active" for one in said):
        return "active"
    if covered and covered[-1].last >= fresh.covered_since:
        return "active"
    return _word(said[-1]) if said else "unknown"


def _without_those_replaced(courses: Sequence[Course]) -> tuple[Course, ...]:
    """Return the courses, where one that gave way stands as its order says: what is left of it is not used up."""
    replaced = {one.switched_from.course for one in courses if one.switched_from}
    return tuple(_as_said(one) if one.key in replaced else one for one in courses)


def _as_said(course: Course) -> Course:
    said = [one for one in course.takes if one.proof in (Proof.ORDER, Proof.STATEMENT)]
    if not said or any(one.seen.record.status == "active" for one in said):
        return course
    word = _word(said[-1])
    return replace(course, status=word, rules=with_switch(course.rules)) if word in ENDED else course


def _word(take: Take) -> str:
    """Return the status of an order or statement: each that counts is a word of a MedicationStatement, too."""
    return str(take.seen.record.status)
