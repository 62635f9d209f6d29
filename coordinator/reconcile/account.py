"""The account of a person, and the one function that makes it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from coordinator.care.level_of_care.model import Level
from coordinator.fhir import DecimalText, Interval, Json, canonical
from coordinator.reconcile.care_plan import Goal, Plan, plan_of
from coordinator.reconcile.chart import Chart, chart_of
from coordinator.reconcile.enrollment import Stay, stays_of
from coordinator.reconcile.level_of_care import Timeline, Transition, timeline_of
from coordinator.reconcile.medication import Course, courses_of
from coordinator.reconcile.model import Agreed, Decision, Evidence, Finding, Policy
from coordinator.reconcile.session import Session, Week, sessions_of, weeks_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What holds of a person's treatment, as far as the given evidence shows it, with what is open and agreed."""

    chart: Chart
    timeline: Timeline
    courses: tuple[Course, ...]
    plan: Plan
    sessions: tuple[Session, ...]
    weeks: tuple[Week, ...]
    findings: tuple[Finding, ...]
    agreed: Agreed

    @property
    def content(self) -> dict[str, Json]:
        """Return the account as JSON, without names of the person: the same evidence always gives the same."""
        return {
            "timeline": [_stay(one) for one in self.timeline.stays],
            "transitions": [_transition(one) for one in self.timeline.transitions],
            "courses": [_course(one) for one in self.courses],
            "plan": {
                "goals": [_goal(one) for one in self.plan.goals],
                "activities": [
                    {"text": one.text, "status": one.status, "evidence": list(one.evidence)}
                    for one in self.plan.activities
                ],
            },
            "sessions": [_session(one) for one in self.sessions],
            "weeks": [_week(one) for one in self.weeks],
            "referrals": [],
            "findings": [finding_json(one) for one in self.findings],
        }

    @property
    def hash(self) -> str:
        """Return the SHA-256 of the canonical content."""
        return hashlib.sha256(canonical(self.content)).hexdigest()


def reconcile(
    evidence: Sequence[Evidence],
    agreed: Agreed,
    decisions: Sequence[Decision],
    *,
    policy: Policy,
    as_of: datetime,
) -> Account:
    """Return the one account of a person. Pure: the order of evidence and decisions does not matter."""
    day = as_of.astimezone(policy.zone).date()
    chart = chart_of(evidence)
    timeline = timeline_of(stays_of(chart, policy, day), decisions, policy, as_of=day)
    courses = courses_of(chart, agreed, decisions, policy=policy, as_of=day)
    plan = plan_of(chart, agreed, decisions)
    sessions = sessions_of(chart, policy)
    findings = (*timeline.findings, *courses.findings, *plan.findings)
    return Account(
        chart=chart,
        timeline=timeline,
        courses=courses.courses,
        plan=plan,
        sessions=sessions,
        weeks=weeks_of(timeline.stays, sessions, day),
        findings=tuple(sorted(findings, key=lambda one: one.key)),
        agreed=Agreed(items={**courses.agreed, **plan.agreed}),
    )


def finding_json(one: Finding) -> dict[str, Json]:
    """Return a finding as the commands show it."""
    return {
        "code": one.code,
        "key": one.key,
        "status": one.status,
        "urgency": one.urgency,
        "sentence": one.sentence,
        "suggestion": one.suggestion,
        "facts": dict(one.facts),
        "evidence": list(one.evidence),
    }


def number(value: Decimal) -> Json:
    """Return a number as JSON: whole where it is whole, else as its decimal text."""
    return int(value) if value == value.to_integral_value() else DecimalText(f"{value.normalize():f}")


def _days(interval: Interval | None) -> Json:
    return None if interval is None else [str(interval.first), str(interval.last)]


def _day(day: date | None) -> Json:
    return None if day is None else str(day)


def _level(level: Level, *, with_role: bool = True) -> dict[str, Json]:
    named: dict[str, Json] = {"edition": level.edition.value if level.edition else None, "code": level.code}
    return named | {"role": level.role.value} if with_role else named


def _stay(one: Stay) -> Json:
    return {
        "level": _level(one.level),
        "organization": one.organization,
        "start": _days(one.start),
        "end": _days(one.end),
        "status": one.status,
        "evidence": list(one.evidence),
    }


def _transition(one: Transition) -> Json:
    return {
        "kind": one.kind,
        "from": _level(one.before.level, with_role=False) if one.before else None,
        "to": _level(one.after.level, with_role=False) if one.after else None,
        "gap_days": list(one.gap) if one.gap else None,
        "in_time": one.in_time,
        "rule": one.rule.rule_id if one.rule else None,
        "evidence": list(one.evidence),
    }


def _course(one: Course) -> Json:
    dose: Json = "disputed" if one.disputed else None
    if one.dose is not None:
        dose = {"value": number(one.dose.value), "unit": one.dose.unit, "per": one.dose.per}
    return {
        "ingredient": one.ingredient,
        "form": one.form,
        "dose": dose,
        "status": one.status,
        "covered": [_days(each) for each in one.covered],
        "gaps": [_days(each) for each in one.gaps],
        "last_seen": _day(one.last_seen),
        "evidence": list(one.evidence),
    }


def _goal(one: Goal) -> Json:
    return {
        "text": one.values.get("description"),
        "status": one.values.get("lifecycleStatus"),
        "achievement": one.values.get("achievementStatus"),
        "due": one.values.get("dueDate"),
        "evidence": list(one.evidence),
    }


def _session(one: Session) -> Json:
    return {
        "kind": one.kind,
        "class": one.class_,
        "attended": one.attended,
        "minutes": one.minutes,
        "evidence": [one.ref],
    }


def _week(one: Week) -> Json:
    return {
        "from": str(one.first),
        "to": str(one.last),
        "hours": number(Decimal(str(round(one.hours, 2)))),
        "status": one.status,
        "evidence": list(one.evidence),
    }
