"""The courses of a person: for each product form its dose between EHRs, the days covered, and its status."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import assert_never

from coordinator.care.medication.model import Dose, Proof
from coordinator.care.medication.tables import coverage_policy
from coordinator.fhir import Interval, Json
from coordinator.reconcile.chart import Chart
from coordinator.reconcile.findings import finding
from coordinator.reconcile.medication.interactions import interactions_of
from coordinator.reconcile.medication.model import DOSE, ITEM, Course, Courses, Take
from coordinator.reconcile.medication.takes import sorted_medications
from coordinator.reconcile.merge import Disputed, Settled, Side, accepted, answer, merge
from coordinator.reconcile.model import Agreed, Decision, Finding, Policy


def courses_of(chart: Chart, agreed: Agreed, decisions: Sequence[Decision], *, policy: Policy, as_of: date) -> Courses:
    """Return the MAT courses with their doses merged three ways between those who state one."""
    takes, others = sorted_medications(chart, policy)
    groups: dict[tuple[str, str], list[Take]] = {}
    for take in takes:
        groups.setdefault((take.product.ingredient, take.product.form), []).append(take)
    courses: list[Course] = []
    states: dict[str, dict[str, dict[str, Json]]] = {}
    findings: list[Finding] = []
    for (ingredient, form), group in sorted(groups.items()):
        key = f"{ITEM}{ingredient}|{form}"
        course, state, found = _course(key, group, agreed, decisions, as_of)
        courses.append(course)
        findings += found
        if state:
            states[key] = {DOSE: state}
    findings += interactions_of(courses, others, policy=policy, as_of=as_of)
    return Courses(courses=tuple(courses), agreed=states, findings=tuple(findings))


def _course(
    key: str, takes: list[Take], agreed: Agreed, decisions: Sequence[Decision], as_of: date
) -> tuple[Course, dict[str, Json], list[Finding]]:
    sides = tuple(_sides(takes))
    states = agreed.items.get(key, {}).get(DOSE, {})
    finding_key = f"mat.dose-differs:{key}"
    decision = answer(decisions, finding_key, _values(sides))
    merged = merge(sides, states, accepted(decision, sides) if decision else None)
    covered = _covered(take.covers for take in takes if take.covers)
    gaps = _between(covered)
    course = Course(
        key=key,
        ingredient=takes[0].product.ingredient,
        form=takes[0].product.form,
        treatment=takes[0].product.ingredient.partition("/")[0],
        dose=_dose(merged.value) if isinstance(merged, Settled) else None,
        disputed=isinstance(merged, Disputed),
        status=_status(takes, covered, as_of),
        covered=covered,
        gaps=gaps,
        last_seen=_last_seen(takes, as_of),
        takes=tuple(takes),
        sides=sides,
        rules=("MC-01", *(("MC-02",) if sides else ()), *(("MC-03",) if covered else ())),
    )
    found = _gap_findings(course)
    match merged:
        case Settled():
            return course, dict(merged.agreed) if sides else {}, found
        case Disputed():
            return course, dict(merged.agreed), [_differs(course, merged), *found]
        case _:
            assert_never(merged)


# ---- dose ------------------------------------------------------------------------------------------------------------
def _sides(takes: Sequence[Take]) -> Iterable[Side]:
    """Return what dose each EHR states now: by a dose given after its order, else its order, else its statement."""
    for ehr in sorted({take.seen.ehr for take in takes}):
        own = [take for take in takes if take.seen.ehr == ehr and take.dose is not None]
        ordered = _newest(own, Proof.ORDER)
        given = _newest(own, Proof.DOSE)
        said = _newest(own, Proof.STATEMENT)
        chosen = given if given and (ordered is None or given.order > ordered.order) else ordered or said
        if chosen is not None and chosen.dose is not None:
            yield Side(ehr=ehr, value=_json(chosen.dose), ref=chosen.seen.ref)


def _newest(takes: Sequence[Take], proof: Proof) -> Take | None:
    """Return the newest record of a kind that still holds: an order or statement that is active, a dose completed."""
    holding = [one for one in takes if one.seen.record.proof is proof and _holds(one)]
    return max(holding, key=lambda one: one.order, default=None)


def _holds(take: Take) -> bool:
    status = take.seen.record.status
    return status == "active" if take.seen.record.proof in (Proof.ORDER, Proof.STATEMENT) else status == "completed"


def _differs(course: Course, dispute: Disputed) -> Finding:
    """Return the finding of doses that differ, with the supplies and given doses that agree with each."""
    doses: list[Json] = []
    evidence: list[str] = []
    for side in dispute.sides:
        agreeing = _agreeing(course, side)
        value = side.value if isinstance(side.value, dict) else {}
        doses.append(
            {
                "ehr": side.ehr,
                "value": value.get("value"),
                "unit": value.get("unit"),
                "agrees_with": [one.partition("@")[0] for one in agreeing],
            }
        )
        evidence += [side.ref, *agreeing]
    facts: dict[str, Json] = {"doses": doses, "values": _values(dispute.sides), "base": dispute.base}
    return finding("mat.dose-differs", course.key, facts=facts, evidence=evidence)


def _agreeing(course: Course, side: Side) -> list[str]:
    """Return supplies and given doses, no older than the record that states the dose, that amount to the same."""
    stated = next(take for take in course.takes if take.seen.ref == side.ref)
    others = [one for one in course.takes if one is not stated and one.order >= stated.order]
    return [
        one.seen.ref
        for one in others
        if _json(one.supplied or (one.dose if one.seen.record.proof is Proof.DOSE else None)) == side.value
    ]


def _values(sides: Sequence[Side]) -> dict[str, Json]:
    return {side.ehr: side.value for side in sides}


def _json(dose: Dose | None) -> Json:
    """Return a dose as JSON; whole numbers without decimals, so that 16 and 16.0 are one dose."""
    if dose is None:
        return None
    whole = dose.value == dose.value.to_integral_value()
    return {
        "value": int(dose.value) if whole else str(dose.value.normalize()),
        "unit": dose.unit,
        "per": dose.per,
    }


def _dose(value: Json) -> Dose | None:
    if not isinstance(value, dict):
        return None
    return Dose(value=Decimal(str(value["value"])), unit=str(value["unit"]), per=str(value["per"]))


# ---- coverage and status ---------------------------------------------------------------------------------------------
def _covered(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """Return the days with supply in hand or a dose given, joined where they touch; refills are not stacked."""
    joined: list[Interval] = []
    for one in sorted(intervals, key=lambda each: (each.first, each.last)):
        if joined and one.first <= joined[-1].last + timedelta(days=1):
            joined[-1] = Interval(first=joined[-1].first, last=max(joined[-1].last, one.last))
        else:
            joined.append(one)
    return tuple(joined)


def _between(covered: Sequence[Interval]) -> tuple[Interval, ...]:
    day = timedelta(days=1)
    return tuple(Interval(first=one.last + day, last=other.first - day) for one, other in pairwise(covered))


def _gap_findings(course: Course) -> list[Finding]:
    """Return a finding for each gap so long that a course of treatment no longer counts as continuous."""
    limit = coverage_policy("gap_days")
    long = [gap for gap in course.gaps if (gap.last - gap.first).days + 1 >= limit]
    return [
        finding(
            "mat.coverage-gap",
            f"{course.key}:{gap.first}",
            facts={"from": str(gap.first), "days": (gap.last - gap.first).days + 1},
            evidence=[take.seen.ref for take in course.takes if take.covers and _touches(take.covers, gap)],
        )
        for gap in long
    ]


def _touches(covers: Interval, gap: Interval) -> bool:
    return covers.last + timedelta(days=1) == gap.first or covers.first - timedelta(days=1) == gap.last


def _last_seen(takes: Sequence[Take], as_of: date) -> date | None:
    received = [one for one in takes if one.seen.record.proof in (Proof.SUPPLY, Proof.DOSE) and one.covers]
    return max((one.covers.first for one in received if one.covers and one.covers.first <= as_of), default=None)


def _status(takes: Sequence[Take], covered: Sequence[Interval], as_of: date) -> str:
    """Return the MedicationStatement status: explicit words first, then supply; silence is unknown, never stopped."""
    said = [one for one in takes if one.seen.record.proof in (Proof.ORDER, Proof.STATEMENT)]
    if any(one.seen.record.status == "active" for one in said):
        return "active"
    limit = timedelta(days=coverage_policy("gap_days"))
    if covered and covered[-1].last + limit > as_of:
        return "active"
    if said:
        return _explicit(max(said, key=lambda one: one.order))
    return "unknown"


def _explicit(take: Take) -> str:
    """Return the word of an order or statement where a MedicationStatement has the same one."""
    status = take.seen.record.status or "unknown"
    return status if status in _SAID_ALIKE else "unknown"


_SAID_ALIKE = frozenset({"completed", "stopped", "on-hold", "intended", "not-taken"})
