"""States of goals, plans and activities: which may follow which, who was later, and what differs between EHRs."""

import pytest

from coordinator.care.care_plan.rules import is_in_order
from tests.builders import a_decision, a_goal, a_plan, evidence

ABSTAIN = "Maintain abstinence from alcohol"


def goal(ehr, *, since=None, version="1", **more):
    told = a_goal("G-1", **{"text": ABSTAIN} | more) | ({"statusDate": since} if since else {})
    return evidence(told, ehr=ehr, version=version)


def status(account):
    (one,) = account.plan.goals
    return one.values["lifecycleStatus"]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("proposed", "active", True),
        ("active", "completed", True),
        ("completed", "active", True),
        ("completed", "proposed", False),
        ("cancelled", "completed", False),
        ("active", "planned", False),
        ("active", "active", True),
        ("active", "of their own", True),
    ],
)
def test_a_goal_s_state_follows_another_by_the_table(before, after, expected):
    assert is_in_order("lifecycleStatus", before, after) is expected


def test_where_nothing_was_agreed_the_later_state_that_may_follow_holds(account):
    made = account(
        goal("iop", status="completed", since="2026-03-20"), goal("ced", status="active", since="2026-01-05")
    )
    assert (status(made), made.findings) == ("completed", ())
    assert "CP-04" in made.plan.goals[0].rules


@pytest.mark.parametrize(
    ("iop", "ced"),
    [
        ({"status": "completed", "since": "2026-03-20"}, {"status": "active"}),
        ({"status": "completed", "since": "2026-03"}, {"status": "active", "since": "2026-01-05"}),
        ({"status": "completed", "since": "2026-03-20"}, {"status": "active", "since": "2026-03-20"}),
        ({"status": "proposed", "since": "2026-03-20"}, {"status": "active", "since": "2026-01-05"}),
    ],
    ids=["no date", "a month", "the same day", "out of order"],
)
def test_where_it_can_not_be_told_which_state_is_later_a_person_is_asked(account, iop, ced):
    made = account(goal("iop", **iop), goal("ced", **ced))
    assert [one.facts["field"] for one in made.findings] == ["lifecycleStatus"]


def test_a_state_that_may_not_follow_is_for_a_person_though_one_side_changed(account):
    before = account(goal("iop", status="completed"), goal("ced", status="completed")).agreed
    records = (goal("iop", status="proposed", version="2"), goal("ced", status="completed"))
    made = account(*records, agreed=before)
    (found,) = made.findings
    assert (found.facts["values"], status(made)) == ({"iop": "proposed", "ced": "completed"}, "completed")
    assert "CP-05" in found.rules
    accepted = a_decision(found.key, {"accept": "iop/Goal/G-1"}, facts=found.facts)
    made = account(*records, agreed=made.agreed, decisions=[accepted])
    assert (made.findings, status(made)) == ((), "proposed")


def test_a_difference_tells_who_said_what_and_when(account):
    said = a_goal("G-1", text=ABSTAIN, due="2026-07-31") | {
        "statusDate": "2026-03-20",
        "expressedBy": {"reference": "Practitioner/dr-1"},
        "meta": {"lastUpdated": "2026-03-21T10:00:00Z"},
    }
    made = account(evidence(said), goal("ced", due="2026-06-30"))
    (found,) = made.findings
    assert found.facts["told"] == {
        "iop": {"record": "iop/Goal/G-1@1", "when": "2026-03-20", "who": "Practitioner/dr-1"},
        "ced": {"record": "ced/Goal/G-1@1", "when": None, "who": None},
    }


# ---- how records were told to be one goal ----------------------------------------------------------------------------
def coded(ehr, text, code, **more):
    told = a_goal("G-1", text=text, **more)
    told["description"]["coding"] = [{"system": "http://snomed.info/sct", "code": code}]
    return evidence(told, ehr=ehr)


def test_records_with_one_business_identifier_are_one_goal_whatever_their_words(account):
    number = {"identifier": [{"system": "https://plans.example", "value": "7"}]}
    made = account(
        evidence(a_goal("G-1", text=ABSTAIN) | number), evidence(a_goal("G-9", text="Stay sober") | number, ehr="ced")
    )
    (one,) = made.plan.goals
    assert one.matched == {"ced": "id", "iop": "identifier"}


@pytest.mark.parametrize(
    ("codes", "count"),
    [(("408907000", "408907000"), 1), (("408907000", "1255"), 2)],
    ids=["one code helps", "two codes part"],
)
def test_a_code_helps_or_parts_goals_whose_words_are_half_alike(account, codes, count):
    made = account(coded("iop", "Drink no alcohol", codes[0]), coded("ced", "No alcohol in April", codes[1]))
    assert len(made.plan.goals) == count


def test_how_a_goal_was_matched_is_told_and_stays_told(account):
    first = account(goal("iop"), goal("ced", text=f"{ABSTAIN} and drugs"))
    again = account(goal("iop"), goal("ced", text=f"{ABSTAIN} and drugs"), agreed=first.agreed)
    assert first.plan.goals[0].matched == again.plan.goals[0].matched == {"ced": "id", "iop": "words 0.86"}


# ---- activities and plans --------------------------------------------------------------------------------------------
def plan(ehr, activities=None, *, version="1", **more):
    return evidence(a_plan("CP-1", activities=activities, **more), ehr=ehr, version=version)


def test_an_activity_s_state_that_one_side_changed_is_followed(account):
    before = account(plan("iop", {"Group therapy": "scheduled"}), plan("ced", {"Group therapy": "scheduled"})).agreed
    made = account(
        plan("iop", {"Group therapy": "in-progress"}, version="2"),
        plan("ced", {"Group therapy": "scheduled"}),
        agreed=before,
    )
    assert (made.plan.activities[0].status, made.findings) == ("in-progress", ())


def test_an_activity_that_was_answered_asks_no_more(account):
    records = (plan("iop", {"Group therapy": "in-progress"}), plan("ced", {"Group therapy": "completed"}))
    (found,) = account(*records).findings
    made = account(*records, decisions=[a_decision(found.key, {"accept": "ced/CarePlan/CP-1"}, facts=found.facts)])
    assert (made.plan.activities[0].status, made.findings) == ("completed", ())


def test_activities_are_one_by_nearly_the_same_words_of_two_ehrs(account):
    made = account(
        plan("iop", {"Weekly individual counseling with family": "scheduled"}),
        plan("ced", {"Individual counseling weekly, family": "scheduled", "Group counseling weekly": "scheduled"}),
    )
    assert [len(one.evidence) for one in made.plan.activities] == [1, 2]


@pytest.mark.parametrize("said", ["unknown", None], ids=str)
def test_an_ehr_that_tells_no_state_takes_no_side_in_it(account, said):
    made = account(plan("iop", {"Group therapy": said}), plan("ced", {"Group therapy": "completed"}))
    assert (made.plan.activities[0].status, made.findings) == ("completed", ())


GOALS = (goal("iop"), goal("ced"))


def test_plans_of_the_same_goals_that_stand_differently_are_for_a_person(account):
    made = account(*GOALS, plan("iop", goals=["G-1"]), plan("ced", goals=["G-1"], status="revoked"))
    (found,) = made.findings
    assert (found.code, found.facts["values"]) == ("plan.status-differs", {"ced": "revoked", "iop": "active"})
    assert found.evidence == ("ced/CarePlan/CP-1@1", "iop/CarePlan/CP-1@1")


@pytest.mark.parametrize(
    "other",
    [{"goals": ["G-1"]}, {"goals": ["G-7"], "status": "completed"}, {"goals": ["G-1"], "status": "draft"}],
    ids=["both active", "of other goals", "a draft"],
)
def test_plans_that_agree_or_are_about_other_things_ask_nobody(account, other):
    assert account(*GOALS, plan("iop", goals=["G-1"]), plan("ced", **other)).findings == ()
