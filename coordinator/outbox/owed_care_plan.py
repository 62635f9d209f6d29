"""What is owed of the care plan: goals by their fields where the EHR holds goals, else the plan as a document."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from coordinator.care.care_plan.mapping import read_goal
from coordinator.fhir import Edit, Json, Set, dumps, patched, read_document
from coordinator.outbox.kept import KeptAs, Made
from coordinator.outbox.model import Form, Intent
from coordinator.outbox.papers import document_reference, lines, message, message_paths
from coordinator.outbox.receiver import Receiver, claim_for
from coordinator.reconcile.care_plan import Goal, Plan
from coordinator.reconcile.care_plan.model import goal_value

_ACHIEVEMENT = "http://terminology.hl7.org/CodeSystem/goal-achievement"
_ENDED = frozenset({"completed", "cancelled", "rejected", "entered-in-error"})
CANNOT = "cannot-be-stored"
_A_GOAL = read_document(b'{"resourceType": "Goal", "lifecycleStatus": "active"}')
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
    found: list[Intent] = []
    for goal in plan.goals:
        if receiver.ehr not in goal.members:
            continue
        lacking = _lacking(goal, receiver)
        wanted = {name: value for name, value in lacking.items() if _can_hold(goal, name, value, receiver)}
        unstorable = {name: value for name, value in lacking.items() if name not in wanted}
        found += [_goal_update(person, goal, wanted, receiver)] if wanted else []
        found += [_cannot_be_stored(person, goal, unstorable, receiver)] if unstorable else []
    return found


def _lacking(goal: Goal, receiver: Receiver) -> dict[str, Json]:
    """Return the agreed values that an EHR's own record of a goal lacks: it says them in no words of its own."""
    lacking = {
        name: value
        for name, value in goal.values.items()
        if name not in goal.disputed and value is not None and value != goal.told(receiver.ehr, name)
    }
    return {
        name: value
        for name, value in lacking.items()
        if (made := _made_of(goal, name, value, receiver)) is None or made.made is not Made.REWORDED
    }


def _can_hold(goal: Goal, name: str, value: Json, receiver: Receiver) -> bool:
    """Tell whether a value may be written: the EHR can hold it, and did not just lose the same one."""
    path = _STORED_AT[name]
    is_storable = not isinstance(value, str) or receiver.can_store(path, value)
    return is_storable and receiver.keeps(path) and _made_of(goal, name, value, receiver) is None


def _made_of(goal: Goal, name: str, value: Json, receiver: Receiver) -> KeptAs | None:
    """Return what the EHR made of this very value, if its record still stands so."""
    document = goal.members[receiver.ehr].evidence.document
    for made in receiver.kept.get(f"goal:{goal.key}", ()):
        if made.path == _STORED_AT[name] and goal_values(made)[0] == value and made.is_of(document):
            return made
    return None


def goal_values(made: KeptAs) -> tuple[Json, Json]:
    """Return the goal's value that was sent and the one that the EHR made of it."""
    name = field_of(made)
    return _goal_value(name, made.sent), _goal_value(name, made.held)


def field_of(made: KeptAs) -> str:
    """Return the field of a goal that a path of its writes is."""
    return next(name for name, path in _STORED_AT.items() if path == made.path)


def _goal_value(name: str, at_path: Sequence[Json]) -> Json:
    if not at_path:
        return None
    place = ("target", 0, "dueDate") if name == "dueDate" else (name,)
    return goal_value(read_goal(patched(_A_GOAL, [Set(place, at_path[0])])), name)


def _cannot_be_stored(person: str, goal: Goal, values: Mapping[str, Json], receiver: Receiver) -> Intent:
    """Return what stays owed for a person to tell: coercing a value into the nearest one would tell something else."""
    names = ", ".join(sorted(values))
    return Intent(
        key=f"goal:{goal.key}:{CANNOT}",
        person=person,
        ehr=receiver.ehr,
        concept="goal",
        type="Goal",
        form=Form.NONE,
        material=hashlib.sha256(dumps({name: values[name] for name in sorted(values)})).digest(),
        paths=tuple(_STORED_AT[name] for name in sorted(values)),
        evidence=goal.evidence,
        rules=goal.rules,
        summary=f"Goal: {names}, which this EHR cannot store (for a person to tell)",
    )


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
            body = message(type_, patient=receiver.patient, claim=claim, text=_as_text(plan))
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
            paths=_paths_of(form, type_),
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
    return form is not Form.NATIVE and any(_lacking(goal, receiver) for goal in known)


def _paths_of(form: Form, type_: str | None) -> tuple[str, ...]:
    match form:
        case Form.NATIVE:
            return ("CarePlan.status", "CarePlan.title")
        case Form.DOCUMENT:
            return ("DocumentReference.status", "DocumentReference.content")
        case Form.MESSAGE:
            return message_paths(type_)
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
