"""The account as JSON: what commands show and hashes are made of. It holds no name of the person."""

from datetime import date
from decimal import Decimal

from coordinator.care.level_of_care.model import Level
from coordinator.care.medication.model import Dose
from coordinator.fhir import DecimalText, Interval, Json
from coordinator.reconcile.care_plan import Activity, Goal
from coordinator.reconcile.enrollment import Pause, Stay
from coordinator.reconcile.level_of_care.stated import level_json
from coordinator.reconcile.medication.model import Course, DoseStep, DoseTrend, Switch
from coordinator.reconcile.model import Finding
from coordinator.reconcile.session.sessions import Session
from coordinator.reconcile.session.weeks import Week
from coordinator.reconcile.timeline import Transition
from coordinator.reconcile.timeline.states import Enrollment


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
        "rules": list(one.rules),
    }


def number(value: Decimal) -> Json:
    """Return a number as JSON: whole where it is whole, else as its decimal text."""
    return int(value) if value == value.to_integral_value() else DecimalText(f"{value.normalize():f}")


def _days(interval: Interval | None) -> Json:
    return None if interval is None else [str(interval.first), str(interval.last)]


def _day(day: date | None) -> Json:
    return None if day is None else str(day)


def _level(level: Level, *, with_role: bool = True) -> dict[str, Json]:
    named = level_json(level)
    return named | {"role": level.role.value} if with_role else named


def stay_json(one: Stay) -> Json:
    """Return a stay as a segment of the timeline."""
    return {
        "level": _level(one.level),
        "organization": one.organization,
        "start": _days(one.start),
        "end": _days(one.end),
        "status": one.status,
        "stale_since": _day(one.stale_since),
        "pauses": [pause_json(each) for each in one.pauses],
        "possible": one.possible,
        "evidence": list(one.evidence),
        "key": one.key,
        "rules": list(one.rules),
    }


def pause_json(one: Pause) -> Json:
    """Return days within a stay on which the person was away."""
    return {"why": one.why, "start": _days(one.start), "end": _days(one.end), "evidence": list(one.evidence)}


def enrollment_json(one: Enrollment) -> Json:
    """Return how the person stands with a program."""
    return {
        "organization": one.organization,
        "state": one.state,
        "since": _days(one.since),
        "evidence": list(one.evidence),
        "key": one.key,
        "rules": list(one.rules),
    }


def transition_json(one: Transition) -> Json:
    """Return a move between levels."""
    return {
        "kind": one.kind,
        "from": _level(one.before.level, with_role=False) if one.before else None,
        "to": _level(one.after.level, with_role=False) if one.after else None,
        "gap_days": list(one.gap) if one.gap else None,
        "in_time": one.in_time,
        "on": _days(one.on),
        "certain": one.certain,
        "reason": one.reason,
        "rule": one.rule.rule_id if one.rule else None,
        "evidence": list(one.evidence),
        "key": one.key,
        "rules": list(one.rules),
    }


def course_json(one: Course) -> Json:
    """Return a course of medication: what is taken, the dose and the days covered are three facts."""
    return {
        "ingredient": one.ingredient,
        "form": one.form,
        "treatment": one.treatment,
        "dose": "disputed" if one.disputed else _dose(one.dose),
        "status": one.status,
        "taking": {
            "status": one.taking.status,
            "basis": one.taking.basis,
            "since": _days(one.taking.since),
            "evidence": [one.taking.ref],
        },
        "covered": [_days(each) for each in one.covered],
        "gaps": [_days(each) for each in one.gaps],
        "bridged": [_days(each) for each in one.bridged],
        "last_seen": _day(one.last_seen),
        "history": [_step(each) for each in one.history],
        "trend": _trend(one.trend),
        "switched_from": _switch(one.switched_from),
        "prescribers": [{"organization": each, "reference": who or None} for each, who in one.prescribers],
        "suppliers": list(one.suppliers),
        "evidence": list(one.evidence),
        "key": one.key,
        "rules": list(one.rules),
    }


def _dose(dose: Dose | None) -> Json:
    return None if dose is None else {"value": number(dose.value), "unit": dose.unit, "per": dose.per}


def _step(step: DoseStep) -> Json:
    return {
        "dose": _dose(step.dose),
        "since": _days(step.since),
        "ehr": step.ehr,
        "told_by": step.proof.value,
        "evidence": [step.ref],
    }


def _trend(trend: DoseTrend | None) -> Json:
    if trend is None:
        return None
    first, last = trend.steps[0], trend.steps[-1]
    return {
        "kind": trend.kind,
        "times": len(trend.steps) - 1,
        "from": _dose(first.dose),
        "to": _dose(last.dose),
        "since": _days(trend.steps[1].since),
        "evidence": [step.ref for step in trend.steps],
    }


def _switch(switch: Switch | None) -> Json:
    if switch is None:
        return None
    return {"course": switch.course, "day": str(switch.day), "crossover_days": switch.crossover}


def goal_json(one: Goal) -> Json:
    """Return a goal of the one plan; status and achievement are FHIR codes."""
    return {
        "text": one.values.get("description"),
        "status": one.values.get("lifecycleStatus"),
        "achievement": one.values.get("achievementStatus"),
        "due": one.values.get("dueDate"),
        "matched": dict(sorted(one.matched.items())),
        "evidence": list(one.evidence),
        "key": one.key,
        "rules": list(one.rules),
    }


def activity_json(one: Activity) -> Json:
    """Return an activity of the one plan."""
    return {
        "text": one.text,
        "status": one.status,
        "evidence": list(one.evidence),
        "key": one.key,
        "rules": list(one.rules),
    }


def session_json(one: Session) -> Json:
    """Return a contact."""
    return {
        "kind": one.kind,
        "class": one.class_,
        "attended": one.attended,
        "minutes": one.minutes,
        "stay": one.stay,
        "continuing_care": one.continuing_care,
        "evidence": list(one.evidence),
        "key": one.key,
        "rules": list(one.rules),
    }


def week_json(one: Week) -> Json:
    """Return a week of attendance."""
    return {
        "from": str(one.first),
        "to": str(one.last),
        "hours": number(Decimal(str(round(one.hours, 2)))),
        "asked": number(Decimal(str(one.asked))),
        "status": one.status,
        "evidence": list(one.evidence),
        "key": one.key,
        "rules": list(one.rules),
    }
