"""Read a plan and its goals out of CarePlan and Goal and write them back."""

from typing import Final

from coordinator.care.care_plan.model import ActivityRecord, CarePlanRecord, GoalRecord
from coordinator.fhir import Document, Field, Json, Lens, Remove, kinds, once, patched

GOAL: Final = Lens(
    GoalRecord,
    "Goal",
    (
        Field("identifiers", ("identifier",), kinds.IDENTIFIERS),
        Field("status", ("lifecycleStatus",), kinds.TEXT),
        Field("achievement", ("achievementStatus",), kinds.CONCEPT),
        Field("text", ("description", "text"), kinds.TEXT),
        Field("codings", ("description", "coding"), kinds.CODINGS),
        Field("subject", ("subject",), kinds.REFERENCE),
        Field("start", ("startDate",), kinds.TEXT),
        Field("due", ("target", 0, "dueDate"), kinds.TEXT),
        Field("status_date", ("statusDate",), kinds.TEXT),
        Field("expressed_by", ("expressedBy",), kinds.REFERENCE),
    ),
)


@once
def read_goal(document: Document) -> GoalRecord:
    """Return the goal that a Goal shows."""
    return GOAL.read(document)


def write_goal(record: GoalRecord, document: Document) -> Document:
    """Return the Goal with the record written into it, everything else as it came.

    FHIR allows one start and one due of a target: a date that is written takes the place of a duration or an event.
    """
    edits = []
    if record.due is not None:
        edits.append(Remove(("target", 0, "dueDuration")))
    if record.start is not None:
        edits.append(Remove(("startCodeableConcept",)))
    return GOAL.write(record, patched(document, edits) if read_goal(document) != record else document)


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None


def _read_activity(value: Json) -> ActivityRecord | None:
    if not isinstance(value, dict):
        return None
    detail = _object(value.get("detail"))
    text = _text(_object(detail.get("code")).get("text"))
    return ActivityRecord(
        text=_text(detail.get("description")) if text is None else text,
        kind=_text(detail.get("kind")),
        status=_text(detail.get("status")),
        reference=kinds.REFERENCE.read(value.get("reference")),
    )


def _what(activity: ActivityRecord) -> tuple[str | None, str | None]:
    """Return what an activity is: another reference or text is another activity, to which old progress says nothing."""
    return activity.reference, activity.text


def _write_activity(value: ActivityRecord, old: Json) -> Json:
    before = _read_activity(old)
    if before is not None and _what(before) == _what(value):
        detail = kinds.overlaid(_object(old).get("detail"), {"kind": value.kind, "status": value.status})
        return kinds.overlaid(old, {"detail": detail or None})
    code: Json = None if value.text is None else {"text": value.text}
    told: dict[str, Json] = {"kind": value.kind, "code": code, "status": value.status}
    reference: Json = None if value.reference is None else {"reference": value.reference}
    return kinds.overlaid(None, {"detail": kinds.overlaid(None, told) or None, "reference": reference})


_ACTIVITIES: Final = kinds.many(kinds.Kind(read=_read_activity, write=_write_activity), key=_what)

CARE_PLAN: Final = Lens(
    CarePlanRecord,
    "CarePlan",
    (
        Field("identifiers", ("identifier",), kinds.IDENTIFIERS),
        Field("status", ("status",), kinds.TEXT),
        Field("intent", ("intent",), kinds.TEXT),
        Field("title", ("title",), kinds.TEXT),
        Field("categories", ("category",), kinds.CONCEPTS),
        Field("subject", ("subject",), kinds.REFERENCE),
        Field("start", ("period", "start"), kinds.TEXT),
        Field("end", ("period", "end"), kinds.TEXT),
        Field("goals", ("goal",), kinds.REFERENCES),
        Field("activities", ("activity",), _ACTIVITIES),
    ),
)


@once
def read_care_plan(document: Document) -> CarePlanRecord:
    """Return the plan that a CarePlan shows."""
    return CARE_PLAN.read(document)


def write_care_plan(record: CarePlanRecord, document: Document) -> Document:
    """Return the CarePlan with the record written into it, everything else as it came."""
    return CARE_PLAN.write(record, document)
