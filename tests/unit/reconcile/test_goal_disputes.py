"""What is asked about the fields of a goal: by which rule, with which facts, and where a later state settles it."""

from itertools import permutations

import pytest

from tests.builders import a_goal, a_plan, a_policy, evidence


def goal(ehr, *, since=None, version="1", saved=None, **more):
    told = (
        a_goal("G-1", **more)
        | ({"statusDate": since} if since else {})
        | ({"meta": {"lastUpdated": saved}} if saved else {})
    )
    return evidence(told, ehr=ehr, version=version)


def the_goal(account):
    (one,) = account.plan.goals
    return one


def fields(account):
    return sorted(one.facts["field"] for one in account.findings)


def test_each_field_that_differs_asks_by_the_rule_of_differences_alone(account):
    made = account(goal("iop", due="2026-06-30", status="active"), goal("ced", due="2026-07-31", status="on-hold"))
    assert fields(made) == ["dueDate", "lifecycleStatus"]
    assert [one.rules for one in made.findings] == [("CP-02",)] * 2
    assert the_goal(made).rules == ("CP-01", "CP-02")


@pytest.mark.parametrize(
    "told", [{"due": "2026-07-31"}, {"text": "Maintain abstinence from alcohol now"}], ids=["due", "words"]
)
def test_only_states_are_settled_by_which_is_later(account, told):
    made = account(goal("iop", since="2026-03-20", **told), goal("ced", since="2026-01-05", due="2026-06-30"))
    assert len(made.findings) >= 1
    assert the_goal(made).rules == ("CP-01", "CP-02")


def test_states_that_agree_are_not_settled_by_which_is_later(account):
    made = account(goal("iop", since="2026-03-20"), goal("ced", since="2026-01-05"))
    assert (the_goal(made).rules, made.findings) == (("CP-01", "CP-02"), ())


def test_states_that_both_changed_since_they_were_agreed_are_for_a_person_though_one_is_later(account):
    before = account(goal("iop"), goal("ced")).agreed
    records = (
        goal("iop", status="completed", since="2026-03-20", version="2"),
        goal("ced", status="on-hold", since="2026-02-05", version="2"),
    )
    made = account(*records, agreed=before)
    assert (fields(made), the_goal(made).values["lifecycleStatus"]) == (["lifecycleStatus"], "active")


@pytest.mark.parametrize(
    ("third", "status"),
    [
        ({"status": "on-hold", "since": "2026-03-01"}, "completed"),
        ({"status": "on-hold", "since": "2026-03-20"}, None),
        ({"status": "cancelled", "since": "2026-03-01"}, None),
        ({"status": "completed", "since": "2026-03-20"}, "completed"),
    ],
    ids=["earlier than the last", "on the same day", "a state that the last may not follow", "the same state"],
)
def test_the_last_of_three_states_holds_if_it_is_after_each_other_and_may_follow_it(account, third, status):
    made = account(
        goal("iop", status="completed", since="2026-03-20"),
        goal("ced", status="active", since="2026-01-05"),
        goal("res", **third),
    )
    assert the_goal(made).values["lifecycleStatus"] == status
    assert fields(made) == ([] if status else ["lifecycleStatus"])


def test_a_goal_names_each_rule_that_made_its_fields_in_their_order(account):
    before = account(goal("iop", status="completed"), goal("ced", status="completed")).agreed
    made = account(
        goal("iop", status="proposed", achievement="achieved", since="2026-03-20", version="2"),
        goal("ced", status="completed", achievement="improving", since="2026-02-01", version="2"),
        agreed=before,
    )
    assert the_goal(made).rules == ("CP-01", "CP-02", "CP-04", "CP-05")


@pytest.mark.parametrize(
    ("told", "when"),
    [
        ({"since": "2026-03-20", "saved": "2026-03-21T10:00:00Z"}, "2026-03-20"),
        ({"saved": "2026-03-21T10:00:00Z"}, "2026-03-21T10:00:00Z"),
        ({"saved": "2026-03-21"}, None),
        ({"saved": "lately"}, None),
        ({}, None),
    ],
    ids=["since when it stands", "when it was saved", "only a day", "no date", "nothing"],
)
def test_a_difference_tells_when_each_side_was_told_as_far_as_the_record_says(account, told, when):
    made = account(goal("iop", due="2026-07-31", **told), goal("ced", due="2026-06-30"))
    (found,) = made.findings
    assert found.facts["told"]["iop"]["when"] == when


# ---- states of plans -------------------------------------------------------------------------------------------------
GOALS = (goal("iop"), goal("ced"))


def plan(ehr, activities=None, *, id_="CP-1", intent="plan", **more):
    return evidence(a_plan(id_, activities=activities, goals=["G-1"], **more) | {"intent": intent}, ehr=ehr)


def test_plans_that_stand_differently_are_named_in_the_order_of_their_places_whichever_began_first(account):
    made = account(*GOALS, plan("iop", start="2026-01-01"), plan("ced", start="2026-02-01", status="revoked"))
    (found,) = made.findings
    assert found.key == "plan.status-differs:ced/CarePlan/CP-1+iop/CarePlan/CP-1"
    assert found.facts == {"field": "status", "base": None, "values": {"ced": "revoked", "iop": "active"}}
    assert found.rules == ("CP-08",)


def test_a_plan_that_is_only_proposed_stands_against_none(account):
    assert account(*GOALS, plan("iop"), plan("ced", status="revoked", intent="proposal")).findings == ()


# ---- activities ------------------------------------------------------------------------------------------------------
def activities(account):
    return [(one.key, one.text, len(one.evidence)) for one in account.plan.activities]


def test_each_activity_whose_state_differs_asks_with_its_facts(account):
    made = account(
        plan("iop", {"Group therapy": "in-progress", "Yoga": "scheduled"}),
        plan("ced", {"Group therapy": "completed", "Yoga": "cancelled"}),
    )
    assert [one.key for one in made.findings] == [
        "plan.activity-differs:activity:group therapy",
        "plan.activity-differs:activity:yoga",
    ]
    assert [one.rules for one in made.findings] == [("CP-03",)] * 2
    values = {"iop": "in-progress", "ced": "completed"}
    assert made.findings[0].facts == {"field": "status", "base": None, "values": values}


def test_two_activities_of_one_ehr_are_two_however_alike(account):
    made = account(plan("iop", {"Walk swim cycle dance sing": "scheduled", "Walk swim cycle dance hum": "scheduled"}))
    assert [count for _, _, count in activities(made)] == [1, 1]


@pytest.mark.parametrize(("alike", "count"), [(0.75, 1), (0.76, 2)], ids=["just alike enough", "just not"])
def test_activities_of_two_ehrs_are_one_if_alike_enough_and_named_by_the_first_words(account, alike, count):
    policy = a_policy(options={"alike_activity": alike})
    made = account(
        plan("ced", {"Walk swim cycle rest": "scheduled"}),
        plan("iop", {"Dance, walk, swim, cycle": "scheduled"}),
        policy=policy,
    )
    assert len(made.plan.activities) == count
    assert activities(made)[0][:2] == ("activity:dance, walk, swim, cycle", "Dance, walk, swim, cycle")


def test_which_activities_are_one_is_the_same_whoever_tells_which(account):
    """The middle one is like both others, which are not alike: it goes with the first by its words."""
    texts = ("Art bike cook dance eat", "Bike cook dance eat fish", "Cook dance eat fish garden")
    for order in permutations(("iop", "ced", "res")):
        made = account(*(plan(ehr, {text: "scheduled"}) for ehr, text in zip(order, texts, strict=True)))
        assert [count for _, _, count in activities(made)] == [2, 1]
