"""What is owed of the care plan: goals by their fields where the EHR holds goals, else the plan as a document."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from coordinator.fhir import Edit, Json, Set, dumps, patched
from coordinator.outbox.model import Form, Intent
from coordinator.outbox.papers import communication, document_reference, lines
from coordinator.outbox.receiver import Receiver, claim_for
from coordinator.reconcile.care_plan import Goal, Plan

_ACHIEVEMENT = "http://terminology.hl7.org/CodeSystem/goal-achievement"
_ENDED = frozenset({"completed", "cancelled", "rejected", "entered-in-error"})
_STORED_AT = {
    "lifecycleStatus": "Goal.lifecycleStatus",
    "achievementStatus": "Goal.achievementStatus",
    "description": "Goal.description",
    "dueDate": "Goal.target.dueDate",
}


def owed_goals(person: str, plan: Plan, receiver: Receiver) -> list[Intent]:
    """Return the updates that bring an EHR's own goals to the agreed values; what is disputed stays as it is."""
    form, _ = receiver.best("goal")
    if form is not Form.NATIVE:
        return []
    told = [(goal, _wanted(goal, receiver)) for goal in plan.goals if receiver.ehr in goal.members]
    return [_goal_update(person, goal, wanted, receiver) for goal, wanted in told if wanted]


def _wanted(goal: Goal, receiver: Receiver) -> dict[str, Json]:
    """Return the agreed values that an EHR's own record of a goal lacks, as far as it can hold them."""
    return {
        name: value
        for name, value in goal.values.items()
        if name not in goal.disputed
        and value is not None
        and value != goal.told(receiver.ehr, name)
        and (not isinstance(value, str) or receiver.can_store(_STORED_AT[name], value))
    }


def _goal_update(person: str, goal: Goal, wanted: Mapping[str, Json], receiver: Receiver) -> Intent:
    seen = goal.members[receiver.ehr]
    document = seen.evidence.document
    body = patched(document, [_edit(name, value) for name, value in wanted.items()]).raw
    others = [other.ref for ehr, other in goal.members.items() if ehr != receiver.ehr]
    return Intent(
        key=f"goal:{goal.key}",
        person=person,
        ehr=receiver.ehr,
        concept="goal",
        type="Goal",
        form=Form.NATIVE,
        target=document.id,
        base=seen.ref,
        base_hash=document.canonical_hash,
        body=body,
        material=hashlib.sha256(body).digest(),
        paths=tuple(_STORED_AT[name] for name in sorted(wanted)),
        evidence=(seen.ref, *sorted(others)),
        rules=goal.rules,
        summary=f"Goal: {', '.join(sorted(wanted))}",
    )


def _edit(name: str, value: Json) -> Edit:
    match name:
        case "achievementStatus":
            return Set(("achievementStatus",), {"coding": [{"system": _ACHIEVEMENT, "code": value}]})
        case "description":
            return Set(("description", "text"), value)
        case "dueDate":
            return Set(("target", 0, "dueDate"), value)
        case _:
            return Set((name,), value)


def owed_plan(person: str, plan: Plan, receiver: Receiver) -> list[Intent]:
    """Return the agreed plan for an EHR that holds none of its goals, or can't be told of a change goal by goal.

    An EHR that has a plan of its own is never given a second one as data: that would be two plans for one person. It is
    told in words of goals that it lacks. What may take another goal's place is told to nobody until a person has said.
    """
    known = [goal for goal in plan.goals if receiver.ehr in goal.members]
    plan = replace(plan, goals=tuple(goal for goal in plan.goals if not goal.held or goal in known))
    if not plan.goals or (known and not _must_be_told_in_words(plan, known, receiver)):
        return []
    has_own = bool(known) or any(seen.ehr == receiver.ehr for seen in plan.plans)
    form, type_ = receiver.best("care_plan", native=not has_own)
    claim = claim_for("care-plan", person, receiver.ehr)
    resource = _care_plan(plan, receiver.patient, claim)
    body: dict[str, Json] = {}
    match form:
        case Form.NATIVE:
            body = resource
        case Form.DOCUMENT:
            body = document_reference(
                "care_plan", patient=receiver.patient, claim=claim, text=_as_text(plan), resource=resource
            )
        case Form.MESSAGE:
            body = communication(patient=receiver.patient, claim=claim, text=_as_text(plan))
        case Form.NONE:
            body = {}
    raw = dumps(body) if body else b""
    evidence = sorted({ref for goal in plan.goals for ref in goal.evidence} | {seen.ref for seen in plan.plans})
    return [
        Intent(
            key="care-plan",
            person=person,
            ehr=receiver.ehr,
            concept="care_plan",
            type=type_ or "CarePlan",
            form=form,
            body=raw,
            material=hashlib.sha256(raw or dumps(resource)).digest(),
            claim=claim if raw else None,
            paths=_paths_of(form),
            evidence=tuple(evidence),
            rules=tuple(sorted({rule for goal in plan.goals for rule in goal.rules})),
            summary=f"Care plan with {len(plan.goals)} goals",
        )
    ]


def _must_be_told_in_words(plan: Plan, known: Sequence[Goal], receiver: Receiver) -> bool:
    """Tell whether an EHR lacks a goal that goes on, or lacks values of its own goals, which it takes no updates of."""
    own = {goal.key for goal in known}
    if any(goal.key not in own and goal.values["lifecycleStatus"] not in _ENDED for goal in plan.goals):
        return True
    form, _ = receiver.best("goal")
    return form is not Form.NATIVE and any(_wanted(goal, receiver) for goal in known)


def _paths_of(form: Form) -> tuple[str, ...]:
    match form:
        case Form.NATIVE:
            return ("CarePlan.status", "CarePlan.title")
        case Form.DOCUMENT:
            return ("DocumentReference.status", "DocumentReference.content")
        case Form.MESSAGE:
            return ("Communication.payload",)
        case Form.NONE:
            return ()


def _care_plan(plan: Plan, patient: str, claim: tuple[str, str]) -> dict[str, Json]:
    """Return the plan as a CarePlan that holds its goals itself, so that it is whole wherever it goes."""
    subject: Json = {"reference": f"Patient/{patient}"}
    goals = [_contained(number, goal, subject) for number, goal in enumerate(plan.goals, 1)]
    references: list[Json] = [{"reference": f"#goal-{number}"} for number in range(1, len(goals) + 1)]
    return {
        "resourceType": "CarePlan",
        "contained": goals,
        "identifier": [{"system": claim[0], "value": claim[1]}],
        "status": "active",
        "intent": "plan",
        "title": "Agreed care plan",
        "subject": subject,
        "goal": references,
        **_activities(plan),
    }


def _activities(plan: Plan) -> dict[str, Json]:
    made: list[Json] = [
        {"detail": {"description": one.text, "status": one.status or "unknown"}} for one in plan.activities
    ]
    return {"activity": made} if made else {}


def _contained(number: int, goal: Goal, subject: Json) -> Json:
    made: dict[str, Json] = {
        "resourceType": "Goal",
        "id": f"goal-{number}",
        "lifecycleStatus": goal.values.get("lifecycleStatus") or "active",
        "description": {"text": goal.values.get("description") or "Goal without words"},
        "subject": subject,
    }
    achievement, due = goal.values.get("achievementStatus"), goal.values.get("dueDate")
    if achievement:
        made["achievementStatus"] = {"coding": [{"system": _ACHIEVEMENT, "code": achievement}]}
    if due:
        made["target"] = [{"dueDate": due}]
    return made


def _as_text(plan: Plan) -> str:
    goals = [_goal_line(goal) for goal in plan.goals]
    activities = [f"- {one.text} ({one.status or 'state differs'})" for one in plan.activities]
    return lines(["Agreed care plan", "Goals:", *goals, "Activities:" if activities else "", *activities])


def _goal_line(goal: Goal) -> str:
    parts: Sequence[str] = [
        str(goal.values[name]) for name in ("lifecycleStatus", "achievementStatus") if goal.values.get(name)
    ]
    due = f", due {goal.values['dueDate']}" if goal.values.get("dueDate") else ""
    return f"- {goal.values.get('description')} ({', '.join(parts)}{due})"
