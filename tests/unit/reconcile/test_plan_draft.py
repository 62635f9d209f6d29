"""A plan drafted from a template: what the person has already, in whatever words, is not proposed again."""

import pytest

from coordinator.care.care_plan.template import GOAL_SYSTEM, templates
from coordinator.reconcile.care_plan.draft import draft_json, drafted
from tests.builders import a_goal, a_plan, evidence

FOUR = ["maintain-abstinence", "change-behavior", "build-support-system", "solve-problems"]


def draft_for(account, *trees, **options):
    made = account(*(evidence(tree) for tree in trees))
    return draft_json(drafted(templates()["iop"], made.plan, options))


def held(draft, part="goals"):
    return {one["code"]: one["evidence"] for one in draft[part] if one["evidence"]}


def test_the_template_of_an_iop_has_four_goals_each_with_its_activities():
    template = templates()["iop"]
    assert [one.code for one in template.goals] == FOUR
    known = {one.code for one in template.activities}
    assert known == {"counseling", "psychotherapy", "family-program", "stress-and-finances"}
    assert all(one.activities and set(one.activities) <= known for one in template.goals)


def test_for_a_person_without_a_plan_everything_is_proposed(account):
    draft = draft_for(account)
    assert ([one["code"] for one in draft["goals"]], held(draft), held(draft, "activities")) == (FOUR, {}, {})
    assert {one["status"] for one in draft["goals"]} == {"proposed"}


CODED = {"coding": [{"system": GOAL_SYSTEM, "code": "solve-problems"}]}

SAME = {
    "in alike words": (a_goal(text="Maintain abstinence from alcohol"), {"maintain-abstinence": ["iop/Goal/G-1@1"]}),
    "by its code": (a_goal() | {"description": CODED}, {"solve-problems": ["iop/Goal/G-1@1"]}),
    "in other words": (a_goal(text="See the children every week"), {}),
}


@pytest.mark.parametrize(("goal", "expected"), SAME.values(), ids=SAME)
def test_a_goal_that_the_person_has_is_cited_and_not_proposed(account, goal, expected):
    assert held(draft_for(account, goal)) == expected


def test_of_two_goals_that_say_the_same_the_more_alike_is_cited(account):
    goals = (a_goal("G-1", text="Maintain abstinence from alcohol"), a_goal("G-2", text="Maintain abstinence"))
    assert held(draft_for(account, *goals)) == {"maintain-abstinence": ["iop/Goal/G-2@1"]}


def test_the_goal_tells_the_words_and_the_status_that_the_person_has(account):
    draft = draft_for(account, a_goal(text="Maintain abstinence from alcohol", status="on-hold"))
    assert draft["goals"][0] == {
        "code": "maintain-abstinence",
        "text": "Maintain abstinence",
        "activities": ["counseling"],
        "in_plan": "Maintain abstinence from alcohol",
        "status": "on-hold",
        "evidence": ["iop/Goal/G-1@1"],
    }


def test_an_activity_that_is_in_the_plan_is_cited(account):
    plan = a_plan(activities={"Family program": "in-progress", "Yoga": "in-progress"})
    assert held(draft_for(account, plan), "activities") == {"family-program": ["iop/CarePlan/CP-1@1"]}


def test_a_draft_says_that_it_is_one_and_what_each_activity_is(account):
    draft = draft_for(account, a_plan(activities={"Family program": "in-progress"}))
    assert (draft["template"], draft["status"]) == ("iop", "draft")
    found = {one["code"]: one for one in draft["activities"]}
    template = {one.code: one for one in templates()["iop"].activities}
    assert found["family-program"] == {
        "code": "family-program",
        "text": template["family-program"].words,
        "kind": template["family-program"].kind,
        "in_plan": "Family program",
        "evidence": ["iop/CarePlan/CP-1@1"],
    }
    assert found["counseling"]["in_plan"] is None


def test_of_two_activities_that_say_the_same_the_first_by_its_words_is_cited(account):
    """Both say the same to a reader; which is cited must not depend on the order in which they came."""
    plans = (
        a_plan("CP-1", activities={"Family program": "in-progress", "The family program": "in-progress"}),
        a_plan("CP-2", activities={"Program family": "in-progress"}),
    )
    (found,) = [one for one in draft_for(account, *plans)["activities"] if one["code"] == "family-program"]
    assert found["in_plan"] == "Family program"


def test_a_goal_is_as_like_the_template_as_the_likest_of_its_records(account):
    """The goal stays one by its id when an EHR writes other words; the template still finds it in the other's."""
    own = evidence(a_goal("G-1", text="Maintain abstinence"))
    before = account(own, evidence(a_goal("c-1", text="Maintain abstinence"), ehr="ced")).agreed
    changed = evidence(a_goal("c-1", text="Stay on the path each day"), ehr="ced", version="2")
    made = account(own, changed, agreed=before)
    draft = draft_json(drafted(templates()["iop"], made.plan, {}))
    assert list(held(draft)) == ["maintain-abstinence"]


def test_a_tenant_may_ask_for_words_more_alike(account):
    assert held(draft_for(account, a_goal(text="Maintain abstinence from alcohol"), alike_text=0.95)) == {}


def test_words_that_are_just_alike_enough_are_the_same_goal(account):
    """Two of three words, against two: four of five."""
    assert list(held(draft_for(account, a_goal(text="Maintain abstinence from alcohol"), alike_text=0.8))) == FOUR[:1]


def test_a_goal_that_one_of_two_ehrs_tells_in_such_words_is_held(account):
    number = {"identifier": [{"system": "https://plans.example", "value": "7"}]}
    made = account(
        evidence(a_goal(text="Maintain abstinence") | number),
        evidence(a_goal("c-1", text="See the children every week") | number, ehr="ced"),
    )
    draft = draft_json(drafted(templates()["iop"], made.plan, {}))
    assert held(draft) == {"maintain-abstinence": ["ced/Goal/c-1@1", "iop/Goal/G-1@1"]}


@pytest.mark.parametrize(("alike", "cited"), [(0.8, "CP-1"), (0.81, None)], ids=["just alike enough", "just not"])
def test_an_activity_tells_its_own_words_and_those_that_the_person_has(account, alike, cited):
    draft = draft_for(account, a_plan(activities={"Family program weekly": "in-progress"}), alike_activity=alike)
    (family,) = (one for one in draft["activities"] if one["code"] == "family-program")
    assert family == {
        "code": "family-program",
        "text": "Family program",
        "kind": "ServiceRequest",
        "in_plan": "Family program weekly" if cited else None,
        "evidence": [f"iop/CarePlan/{cited}@1"] if cited else [],
    }
    assert (draft["template"], draft["status"]) == ("iop", "draft")


def test_of_two_activities_that_say_the_same_the_more_alike_is_cited(account):
    trees = (
        a_plan("CP-1", activities={"Family program": "in-progress"}),
        a_plan("CP-2", activities={"A weekly family program": "in-progress"}),
    )
    assert held(draft_for(account, *trees), "activities") == {"family-program": ["iop/CarePlan/CP-1@1"]}
