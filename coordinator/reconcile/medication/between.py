"""What two courses are to each other: one gave way to the other (a switch), or both go on side by side (a duplicate).

An overlap alone is neither error nor duplicate: leftover supply, a cross-over of some days and a depot with a film to
supplement it are ordinary care. A duplicate is the same treatment from two organizations that go on in turn.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import combinations, groupby

from coordinator.care.medication.interactions import duplicate_rule
from coordinator.care.medication.model import Proof
from coordinator.fhir import Interval, Json
from coordinator.reconcile.findings import finding
from coordinator.reconcile.medication.coverage import HospitalDays, common, joined, length, without
from coordinator.reconcile.medication.model import Course, Received, Switch, Take
from coordinator.reconcile.model import Finding, Policy
from coordinator.reconcile.rules import limit


# ---- switch ----------------------------------------------------------------------------------------------------------
def switched(courses: Sequence[Course], policy: Policy) -> tuple[Course, ...]:
    """Return the courses, each with the one that gave way to it: nothing of that one was ordered or given since."""
    most = timedelta(days=int(limit("coverage_gap_days", policy.options)))
    signs = {one.key: _signs(one) for one in courses}
    made: list[Course] = []
    for course in courses:
        own = signs[course.key]
        before = [one for one in courses if own and signs[one.key] and _gave_way(one, course, signs=signs, most=most)]
        last = max(before, key=lambda one: (signs[one.key][-1], one.key), default=None)
        if last is not None:
            switch = _switch(last, course, own[0])
            made.append(replace(course, switched_from=switch, rules=with_switch(course.rules)))
        else:
            made.append(course)
    return tuple(made)


def with_switch(rules: Sequence[str]) -> tuple[str, ...]:
    """Return rules with the one by which a form gave way to another."""
    return tuple(sorted({*rules, "MC-10"}))


def _signs(course: Course) -> list[date]:
    """Return the days on which a course was ordered, supplied or given, as far as they are known to the day."""
    told = [one.day for one in course.takes if one.proof is not Proof.STATEMENT]
    return sorted(day.first for day in told if day is not None and day.is_day)


def _gave_way(before: Course, after: Course, *, signs: dict[str, list[date]], most: timedelta) -> bool:
    old, new = signs[before.key], signs[after.key]
    if not before.shares_use(after) or not old[0] < new[0] or old[-1] > new[0]:
        return False
    return new[0] - before.covered[-1].last <= most if before.covered else before.is_ended


def _switch(before: Course, after: Course, day: date) -> Switch:
    return Switch(course=before.key, day=day, crossover=length(common(before.covered, after.covered)))


# ---- duplicate -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class _Strand:
    """What one organization supplies or gives of one course."""

    course: Course
    organization: str
    takes: tuple[Received, ...]

    @property
    def covered(self) -> tuple[Interval, ...]:
        return joined(one.covers for one in self.takes)


def duplicates_of(
    courses: Sequence[Course], hospital: Sequence[HospitalDays], *, policy: Policy, as_of: date
) -> list[Finding]:
    """Return a finding for each two organizations that supply one treatment in turn, or order two forms of it."""
    found: list[Finding] = []
    inpatient = joined(one.days for one in hospital)
    recent = as_of - timedelta(days=int(limit("coverage_gap_days", policy.options)))
    most = int(limit("duplicate_overlap_days", policy.options))
    for one, other in combinations(_strands(courses), 2):
        if one.organization == other.organization or one.course.treatment != other.course.treatment:
            continue
        both = without(common(one.covered, _not_told_twice(one, other).covered), inpatient)
        if length(both) > most and both[-1].last >= recent and _in_turn(one, _not_told_twice(one, other)):
            found.append(_duplicate(one, other, both))
    found += [_ordered_twice(*pair) for pair in combinations(courses, 2) if _are_both_ordered(*pair)]
    return list({each.key: each for each in reversed(found)}.values())


def _strands(courses: Sequence[Course]) -> Iterable[_Strand]:
    for course in courses:
        by_organization: dict[str, list[Received]] = {}
        for take in course.received:
            by_organization.setdefault(take.seen.evidence.organization, []).append(take)
        for organization, takes in by_organization.items():
            yield _Strand(course=course, organization=organization, takes=tuple(takes))


def _not_told_twice(one: _Strand, other: _Strand) -> _Strand:
    """Return the other strand without what both tell: one supply of a day, product and amount is told twice."""
    known = {_told(take) for take in one.takes}
    return replace(other, takes=tuple(take for take in other.takes if _told(take) not in known))


def _told(take: Received) -> tuple[Proof, date, str, str]:
    return take.proof, take.covers.first, take.product.code, str(take.supplied or take.dose)


def _in_turn(one: _Strand, other: _Strand) -> bool:
    """Say whether each went on after the other had begun: A, B, A, and not A and then B."""
    days = sorted((take.covers.first, number) for number, each in enumerate((one, other)) for take in each.takes)
    return len(list(groupby(number for _, number in days))) > 2


def _duplicate(one: _Strand, other: _Strand, both: Sequence[Interval]) -> Finding:
    facts: dict[str, Json] = {"overlap_days": length(both), "from": str(both[0].first)}
    return _found(
        (one.course, one.organization),
        (other.course, other.organization),
        facts,
        [one.takes[-1].ref, other.takes[-1].ref],
    )


def _found(one: tuple[Course, str], other: tuple[Course, str], facts: dict[str, Json], evidence: list[str]) -> Finding:
    forms: list[Json] = [*sorted(dict.fromkeys((one[0].form, other[0].form)))]
    organizations: list[Json] = [*sorted({one[1], other[1]})]
    about = "+".join(sorted(f"{course.key}@{organization}" for course, organization in (one, other)))
    rule = duplicate_rule(one[0].treatment, one[0].latest.product, other[0].latest.product)
    facts |= {"forms": forms, "organizations": organizations}
    if rule is not None:
        facts |= {"rule": rule.rule_id, "verified": rule.verified}
    made = finding("mat.duplicate", about, facts=facts, evidence=evidence, urgency=rule.urgency if rule else "")
    return made.drawn_by("MC-07", *([rule.rule_id] if rule else []))


def _are_both_ordered(one: Course, other: Course) -> bool:
    """Say whether two forms of one treatment are ordered by organizations of which neither orders the other's."""
    mine, theirs = ({organization for organization, _ in each.prescribers} for each in (one, other))
    return one.treatment == other.treatment and bool(mine) and bool(theirs) and not mine & theirs


def _ordered_twice(one: Course, other: Course) -> Finding:
    mine, theirs = _newest_order(one), _newest_order(other)
    named = (one, mine.seen.evidence.organization), (other, theirs.seen.evidence.organization)
    return _found(*named, {}, [mine.ref, theirs.ref])


def _newest_order(course: Course) -> Take:
    orders = [take for take in course.takes if take.proof is Proof.ORDER and take.seen.record.status == "active"]
    return orders[-1]
