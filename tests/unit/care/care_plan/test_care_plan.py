"""Goals and plans: read in our words, matched by what they say, written in the place where they stood."""

import json
from dataclasses import replace
from typing import Any

import pytest

from coordinator.care.care_plan.mapping import read_care_plan, read_goal, write_care_plan, write_goal
from coordinator.care.care_plan.model import ActivityRecord, GoalRecord
from coordinator.care.care_plan.rules import achievement_code, achievement_codings, achievement_concept, same_text
from coordinator.fhir import CodeableConcept, Coding, Document, read_document

ACHIEVEMENT = "http://terminology.hl7.org/CodeSystem/goal-achievement"


def document(resource_type: str, **members: Any) -> Document:
    return read_document(json.dumps({"resourceType": resource_type, "id": "1", **members}).encode())


GOAL = document(
    "Goal",
    lifecycleStatus="active",
    achievementStatus={"coding": [{"system": ACHIEVEMENT, "code": "in-progress", "display": "In Progress"}]},
    description={"text": "Maintain abstinence"},
    subject={"reference": "Patient/p"},
    startDate="2026-04-20",
    target=[{"dueDate": "2026-06-30"}],
)


def test_a_goal_is_read():
    goal = read_goal(GOAL)

    assert (goal.status, achievement_code(goal), goal.text) == ("active", "in-progress", "Maintain abstinence")
    assert (goal.subject, goal.start, goal.due) == ("Patient/p", "2026-04-20", "2026-06-30")


def test_what_changes_in_a_goal_is_written_as_full_codes_and_dates():
    changed = replace(read_goal(GOAL), achievement=achievement_concept("improving"), due="2026-07-31")

    written = write_goal(changed, GOAL)

    assert written.get("achievementStatus") == {
        "coding": [{"system": ACHIEVEMENT, "code": "improving", "display": "Improving"}]
    }
    assert written.get("target") == [{"dueDate": "2026-07-31"}]
    assert written.get("description") == GOAL.get("description")


@pytest.mark.parametrize(
    ("target", "after"),
    [
        (None, [{"dueDate": "2026-07-31"}]),
        ([{"dueDuration": {"value": 3}}], [{"dueDate": "2026-07-31"}]),
        (
            [{"measure": {"text": "m"}, "dueDuration": {"value": 3}}, {"dueDate": "x"}],
            [{"measure": {"text": "m"}, "dueDate": "2026-07-31"}, {"dueDate": "x"}],
        ),
    ],
    ids=["none", "duration", "two targets"],
)
def test_a_due_date_takes_the_place_of_a_duration(target: Any, after: Any):
    """FHIR allows one due of a target: a date beside a duration would make the goal invalid."""
    before = document("Goal", **({} if target is None else {"target": target}))

    assert write_goal(replace(read_goal(before), due="2026-07-31"), before).get("target") == after


def test_a_start_date_takes_the_place_of_an_event():
    before = document("Goal", startCodeableConcept={"text": "at admission"})

    written = write_goal(replace(read_goal(before), start="2026-07-31"), before)

    assert (written.get("startDate"), written.get("startCodeableConcept")) == ("2026-07-31", None)


@pytest.mark.parametrize(
    ("achievement", "code"),
    [
        (CodeableConcept(codings=(Coding(system=ACHIEVEMENT, code="improving"),)), "improving"),
        (
            CodeableConcept(
                codings=(Coding(system="https://x", code="9"), Coding(system=ACHIEVEMENT, code="achieved"))
            ),
            "achieved",
        ),
        (CodeableConcept(codings=(Coding(code="improving"),)), "improving"),
        (CodeableConcept(codings=(Coding(system="https://x", code="improving"),)), None),
        (CodeableConcept(codings=(Coding(system=ACHIEVEMENT, code="great"),)), None),
        (CodeableConcept(text="improving"), None),
        (None, None),
    ],
)
def test_an_achievement_has_the_code_of_hl7_or_none(achievement: CodeableConcept | None, code: str | None):
    assert achievement_code(GoalRecord(achievement=achievement)) == code


def test_the_nine_achievement_codes_of_hl7_are_there():
    assert len(achievement_codings()) == 9
    with pytest.raises(KeyError):
        achievement_concept("great")


@pytest.mark.parametrize(
    ("one", "other", "least", "most"),
    [
        ("Build a sober support network", "Build a sober support network", 1, 1),
        ("Build a sober support network", "  build A sober SUPPORT network. ", 1, 1),
        ("Attend groups", "attend group", 1, 1),
        ("Café visits", "cafe visit", 1, 1),
        (
            "Return to work and repair family relationships",
            "Return to part-time work and repair family relationships",
            0.7,
            0.95,
        ),
        ("Build a sober support network", "Build a support network that is sober, with weekly meetings", 0.7, 0.9),
        ("Maintain abstinence from alcohol and other drugs", "Return to work and repair family relationships", 0, 0.2),
        ("30 days of abstinence", "90 days of abstinence", 0.5, 0.7),
        ("of the", "of the", 1, 1),
        ("", "", 0, 0),
        ("Attend groups", "", 0, 0),
    ],
)
def test_texts_are_alike_by_the_words_they_share(one: str, other: str, least: float, most: float):
    assert least <= same_text(one, other) <= most
    assert same_text(one, other) == same_text(other, one)


def test_three_goals_of_one_plan_are_far_from_each_other():
    goals = [
        "Maintain abstinence from alcohol and other drugs",
        "Return to work and repair family relationships",
        "Build a sober support network",
    ]

    assert max(same_text(one, other) for one in goals for other in goals if one != other) < 0.2


def plan(*activities: Any) -> Document:
    return document(
        "CarePlan", status="active", goal=[{"reference": "Goal/1", "display": "g"}], activity=list(activities)
    )


@pytest.mark.parametrize(
    ("activity", "read"),
    [
        (
            {"detail": {"kind": "ServiceRequest", "code": {"text": "Group"}, "status": "in-progress"}},
            ActivityRecord(text="Group", kind="ServiceRequest", status="in-progress"),
        ),
        (
            {"detail": {"description": "Group", "status": "in-progress"}},
            ActivityRecord(text="Group", status="in-progress"),
        ),
        ({"reference": {"reference": "ServiceRequest/9"}}, ActivityRecord(reference="ServiceRequest/9")),
        ({"detail": 3}, ActivityRecord()),
    ],
)
def test_an_activity_is_read_from_its_detail_or_reference(activity: Any, read: ActivityRecord):
    assert read_care_plan(plan(activity)).activities == (read,)


def test_an_activity_with_another_text_is_another_activity():
    """What is noted about one activity must not come to stand under another."""
    before = plan({"detail": {"code": {"text": "Group"}, "status": "scheduled"}, "progress": [{"text": "went well"}]})
    record = read_care_plan(before)

    written = write_care_plan(replace(record, activities=(replace(record.activities[0], text="Family"),)), before)

    assert written.get("activity") == [{"detail": {"code": {"text": "Family"}, "status": "scheduled"}}]


def test_an_activity_that_nothing_is_known_of_stays_as_it_is():
    before = plan({"progress": [{"text": "keep"}]}, {"reference": {"reference": "Task/1"}})
    record = read_care_plan(before)

    written = write_care_plan(replace(record, activities=(*record.activities, ActivityRecord(text="New"))), before)

    assert written.get("activity", 0) == {"progress": [{"text": "keep"}]}
    assert written.get("activity", 2) == {"detail": {"code": {"text": "New"}}}


def test_an_activity_whose_status_changes_keeps_the_rest_of_itself():
    before = plan(
        {"detail": {"code": {"text": "Group"}, "status": "scheduled", "doNotPerform": False}},
        {"reference": {"reference": "Task/1", "display": "t"}},
    )
    record = read_care_plan(before)

    written = write_care_plan(
        replace(record, activities=(replace(record.activities[0], status="completed"), record.activities[1])), before
    )

    assert written.raw == before.raw.replace(b"scheduled", b"completed")


def test_a_reference_of_an_activity_can_be_changed_and_taken_away():
    before = plan({"reference": {"reference": "Task/1", "display": "t"}, "progress": [{"text": "keep"}]})
    record = read_care_plan(before)

    moved = write_care_plan(replace(record, activities=(ActivityRecord(reference="Task/2"),)), before)
    bare = write_care_plan(replace(record, activities=(ActivityRecord(text="Group"),)), before)

    assert read_care_plan(moved).activities == (ActivityRecord(reference="Task/2"),)
    assert read_care_plan(bare).activities == (ActivityRecord(text="Group"),)
