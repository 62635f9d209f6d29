"""What is in use beside a treatment and may act on it: advice to those who prescribe, never a reason to stop."""

from collections.abc import Iterable, Sequence
from datetime import date

from coordinator.care.medication.interactions import (
    ClassMember,
    Evaluated,
    InteractionRule,
    class_members,
    interaction_rules,
)
from coordinator.care.medication.model import Proof
from coordinator.care.medication.rules import consent_codes, is_current, supply_interval
from coordinator.fhir import Json
from coordinator.reconcile.findings import finding
from coordinator.reconcile.medication.model import Course
from coordinator.reconcile.medication.takes import Medicine
from coordinator.reconcile.model import Finding, Policy

InUse = dict[str, dict[str, str]]  # RxNorm code of a class member -> EHR -> citation of its newest record


def interactions_of(
    courses: Sequence[Course], others: Iterable[Medicine], *, policy: Policy, as_of: date
) -> list[Finding]:
    """Return a finding for each rule that holds between a course and another medicine, both in use.

    No treatment belongs to a class that acts on itself, so that a course is not held back from itself here.
    """
    active = [one for one in courses if one.status == "active"]
    if not active:
        return []
    medicines = _in_use(others, policy, as_of)
    found: list[Finding] = []
    treatments = [(code, _latest_by_ehr(one)) for one in active for code in _codes(one)]
    for course in active:
        for code, cited in (*medicines.items(), *treatments):
            found += [_advice(course, member, rule, cited) for member, rule in _rules_between(course, code)]
    return list({one.key: one for one in found}.values())


def _rules_between(course: Course, code: str) -> list[tuple[ClassMember, InteractionRule]]:
    rules = interaction_rules()
    return [
        (member, rules[rule_id])
        for member in class_members().get(code, ())
        for rule_id in member.rules
        if rules[rule_id].evaluated is Evaluated.PAIR and course.treatment in rules[rule_id].treatments
    ]


def _advice(course: Course, member: ClassMember, rule: InteractionRule, cited: dict[str, str]) -> Finding:
    """Return the advice; what rests on a row that nobody verified is marked so, and only suggests."""
    advises: list[Json] = [*sorted({course.latest.seen.ehr, *cited})]
    return finding(
        "mat.interaction",
        f"{rule.rule_id}:{course.key}:{member.name}",
        facts={
            "rule": rule.rule_id,
            "medicine": member.name,
            "class": member.class_,
            "severity": rule.severity,
            "why": rule.rationale,
            "verified": rule.verified and member.verified,
            "advises": advises,
        },
        evidence=[course.latest.ref, *cited.values()],
        urgency=rule.urgency,
    ).drawn_by(rule.rule_id)


def _codes(course: Course) -> frozenset[str]:
    """Return the codes of the ingredients of a course: a course stands in a class by what it is made of."""
    return consent_codes(course.latest.product) - {course.latest.product.code}


def _latest_by_ehr(course: Course) -> dict[str, str]:
    return {course.latest.seen.ehr: course.latest.ref}


def _in_use(others: Iterable[Medicine], policy: Policy, as_of: date) -> InUse:
    """Return the newest record of each EHR for each class member that is in use."""
    newest: dict[tuple[str, str], tuple[str, str]] = {}
    for one in others:
        for code in (each for each in one.codes & class_members().keys() if _is_in_use(one, policy, as_of)):
            stands = (one.seen.record.at or "", one.seen.ref)
            newest[code, one.seen.ehr] = max(stands, newest.get((code, one.seen.ehr), stands))
    found: InUse = {}
    for (code, ehr), (_, ref) in newest.items():
        found.setdefault(code, {})[ehr] = ref
    return found


def _is_in_use(one: Medicine, policy: Policy, as_of: date) -> bool:
    """Say whether a medicine is in use: ordered or stated and going on, or supplied or given for this day."""
    if one.seen.record.proof in (Proof.ORDER, Proof.STATEMENT):
        return is_current(one.seen.record)
    covers = supply_interval(one.seen.record, one.product, zone=policy.zone)
    return covers is not None and covers.first <= as_of <= covers.last
