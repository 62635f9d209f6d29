"""Goals that are gone somewhere: which answers count, what stays remembered, and when a plan has dropped a goal."""

from datetime import timedelta

import pytest

from coordinator.reconcile import Grade, Presence
from tests.builders import NOW, a_decision, a_plan, a_policy, agreed, evidence
from tests.unit.reconcile.test_goals_taken_out import ABSTAIN, WORK, deleted_and_edited, goal, one_finding, plan

PLANS = (plan("ced", "G-1", "G-2"), plan("iop", "G-1"))
GOALS = (goal("ced"), goal("ced", "G-2", text=WORK), goal("iop"))


# ---- which questions, with which facts -------------------------------------------------------------------------------
def hold_of(account):
    return [one.held for one in account.plan.goals]


def test_a_goal_taken_out_somewhere_is_told_to_nobody_until_that_is_answered(account):
    before = account(goal("iop"), goal("ced")).agreed
    records = (goal("iop"), goal("ced", presence=Presence.DELETED))
    once = account(*records, agreed=before)
    kept = [a_decision(one_finding(once).key, {"keep": True}, facts=one_finding(once).facts)]
    assert (hold_of(once), one_finding(once).rules) == ([True], ("CP-06",))
    assert hold_of(account(*records, agreed=once.agreed, decisions=kept)) == [False]


def test_an_edit_that_was_agreed_before_the_goal_was_taken_out_is_no_edit_beside_it(account):
    before = account(goal("iop", due="2026-06-30"), goal("ced", due="2026-06-30")).agreed
    edited = goal("iop", due="2026-07-31", version="2")
    once = account(edited, goal("ced", due="2026-06-30"), agreed=before)
    made = account(edited, goal("ced", due="2026-06-30", presence=Presence.DELETED), agreed=once.agreed)
    assert one_finding(made).facts["values"] == {"ced": "deleted", "iop": "present"}


@pytest.mark.parametrize("turned", [False, True], ids=["first told first", "first told last"])
@pytest.mark.parametrize(("last", "status"), [(True, "active"), (False, "cancelled")], ids=["kept", "given up"])
def test_of_two_answers_the_later_counts(account, turned, last, status):
    before, records = deleted_and_edited(account)
    once = account(*records, agreed=before)
    found = one_finding(once)
    answers = [
        a_decision(found.key, {"keep": not last}, facts=found.facts, decided_at=NOW - timedelta(hours=1)),
        a_decision(found.key, {"keep": last}, facts=found.facts),
    ]
    made = account(*records, agreed=once.agreed, decisions=reversed(answers) if turned else answers)
    assert (made.findings, made.plan.goals[0].values["lifecycleStatus"]) == ((), status)


def test_an_answer_that_does_not_say_whether_to_keep_the_goal_is_none(account):
    before, records = deleted_and_edited(account)
    once = account(*records, agreed=before)
    found = one_finding(once)
    other = a_decision(found.key, {"accept": "iop/Goal/G-1"}, facts=found.facts)
    assert account(*records, agreed=once.agreed, decisions=[other]).findings == once.findings
    kept = a_decision(found.key, {"keep": True}, facts=found.facts, decided_at=NOW - timedelta(hours=1))
    assert account(*records, agreed=once.agreed, decisions=[kept, other]).findings == ()


def test_an_answer_about_one_goal_is_none_about_another(account):
    two = (goal("iop"), goal("iop", "G-2", text=WORK))
    before = account(*two, goal("ced"), goal("ced", "G-2", text=WORK)).agreed
    gone = (goal("ced", presence=Presence.DELETED), goal("ced", "G-2", text=WORK, presence=Presence.DELETED))
    once = account(*two, *gone, agreed=before)
    first, second = once.findings
    kept = [a_decision(first.key, {"keep": True}, facts=first.facts)]
    assert account(*two, *gone, agreed=once.agreed, decisions=kept).findings == (second,)


def test_an_answer_about_a_goal_that_was_edited_since_asks_anew_and_what_was_given_up_stays_so(account):
    before = account(goal("iop"), goal("ced")).agreed
    gone = goal("ced", presence=Presence.DELETED)
    once = account(goal("iop"), gone, agreed=before)
    dropped = [a_decision(one_finding(once).key, {"keep": False}, facts=one_finding(once).facts)]
    ended = account(goal("iop"), gone, agreed=once.agreed, decisions=dropped)
    edited = goal("iop", text=f"{ABSTAIN} now", version="2")
    asked = account(edited, gone, agreed=ended.agreed, decisions=dropped)
    again = account(edited, gone, agreed=asked.agreed, decisions=dropped)
    for one in (asked, again):
        assert one_finding(one).facts["values"] == {"ced": "deleted", "iop": "edited"}
        assert one.plan.goals[0].values["lifecycleStatus"] == "cancelled"


def test_a_goal_that_was_given_up_keeps_its_words_and_its_date(account):
    before = account(goal("iop", due="2026-06-30"), goal("ced", due="2026-06-30")).agreed
    records = (goal("iop", due="2026-06-30"), goal("ced", presence=Presence.DELETED))
    once = account(*records, agreed=before)
    dropped = [a_decision(one_finding(once).key, {"keep": False}, facts=one_finding(once).facts)]
    (ended,) = account(*records, agreed=once.agreed, decisions=dropped).plan.goals
    assert (ended.values["description"], ended.values["dueDate"]) == (ABSTAIN, "2026-06-30")
    assert ended.rules == ("CP-01", "CP-02")


def given_up_by_three(account):
    kept = (goal("iop"), goal("res"))
    before = account(*kept, goal("ced")).agreed
    gone = goal("ced", presence=Presence.DELETED)
    once = account(*kept, gone, agreed=before)
    dropped = [a_decision(one_finding(once).key, {"keep": False}, facts=one_finding(once).facts)]
    ended = account(*kept, gone, agreed=once.agreed, decisions=dropped)
    written = (goal("iop", status="cancelled", version="2"), goal("res", status="cancelled", version="2"))
    return gone, dropped, written, account(*written, gone, agreed=ended.agreed, decisions=dropped)


def test_a_goal_that_was_given_up_and_is_taken_up_again_by_one_of_two_is_followed(account):
    gone, dropped, written, seen = given_up_by_three(account)
    anew = goal("iop", status="active", version="3")
    made = account(anew, written[1], gone, agreed=seen.agreed, decisions=dropped)
    assert made.plan.goals[0].values["lifecycleStatus"] == "active"
    edited = goal("iop", text=f"{ABSTAIN} now", status="active", version="4")
    later = account(edited, written[1], gone, agreed=made.agreed, decisions=dropped)
    assert one_finding(later).facts["values"] == {"ced": "deleted", "iop": "edited", "res": "present"}
    assert later.plan.goals[0].values["lifecycleStatus"] == "active"


def test_a_goal_that_another_ehr_cancelled_stands_as_it_is_told_once_that_one_is_out_of_sight(account):
    before = account(goal("iop"), goal("ced")).agreed
    moved = account(goal("iop", status="cancelled", version="2"), goal("ced"), agreed=before).agreed
    made = account(goal("ced"), agreed=moved)
    assert made.plan.goals[0].values["lifecycleStatus"] == "active"


# ---- what a plan names -----------------------------------------------------------------------------------------------
DROPPED = [{"ced": "removed", "iop": "present"}]


@pytest.mark.parametrize(
    ("now", "asked"),
    [
        ([plan("ced", "G-2", version="2")], True),
        ([plan("ced", "G-2", version="2"), plan("ced", "G-1", id_="CP-0", status="completed")], True),
        ([plan("ced", "G-2", version="2"), plan("ced", "G-1", id_="CP-3")], False),
        ([plan("ced", version="2")], False),
        ([plan("ced", "G-2", version="2", status="on-hold")], False),
    ],
    ids=["another goal", "in an old plan only", "in a second plan", "no goal at all", "a plan that rests"],
)
def test_a_goal_is_dropped_when_the_live_plans_that_name_goals_name_it_no_more(account, now, asked):
    before = account(*GOALS, *PLANS).agreed
    made = account(*GOALS, *now, PLANS[1], agreed=before)
    differing = [one for one in made.findings if one.code == "plan.goal-differs"]
    assert [one.facts["values"] for one in differing] == (DROPPED if asked else [])


def test_a_goal_dropped_where_the_pull_was_complete_is_asked_about_though_another_s_was_not(account):
    before = account(*GOALS, *PLANS).agreed
    policy = a_policy(grades={("ced", "CarePlan"): Grade.PARTIAL})
    made = account(*GOALS, PLANS[0], plan("iop", "G-7", version="2"), agreed=before, policy=policy)
    assert [one.facts["values"] for one in made.findings] == [{"iop": "removed", "ced": "present"}]


def test_a_goal_dropped_by_the_only_one_that_has_it_asks_nobody(account):
    before = account(*GOALS[:2], PLANS[0]).agreed
    assert account(*GOALS[:2], plan("ced", "G-2", version="2"), agreed=before).findings == ()


def test_that_a_plan_named_a_goal_is_remembered_while_no_plan_can_be_seen(account):
    before = account(*GOALS, *PLANS).agreed
    unseen = account(*GOALS, PLANS[1], agreed=before)
    made = account(*GOALS, plan("ced", "G-2", version="2"), PLANS[1], agreed=unseen.agreed)
    assert (unseen.findings, [one.facts["values"] for one in made.findings]) == ((), DROPPED)


def test_a_goal_that_no_plan_named_and_that_comes_back_after_it_was_deleted_is_not_dropped(account):
    other = plan("ced", "G-2")
    before = account(*GOALS, other).agreed
    once = account(goal("ced", presence=Presence.DELETED), *GOALS[1:], other, agreed=before)
    assert account(goal("ced", version="3"), *GOALS[1:], other, agreed=once.agreed).findings == ()


def test_a_goal_that_is_hidden_while_its_plan_names_others_asks_nobody(account):
    before = account(*GOALS, *PLANS).agreed
    hidden = goal("ced", presence=Presence.HIDDEN)
    assert account(hidden, *GOALS[1:], plan("ced", "G-2", version="2"), PLANS[1], agreed=before).findings == ()


@pytest.mark.parametrize(
    ("reference", "asked"),
    [("Goal/G-1", False), ("https://ced.example/fhir/Goal/G-1", False), ("#G-1", True), ("urn:oid:1.2.3", True)],
    ids=["relative", "absolute", "within the plan itself", "a name"],
)
def test_a_plan_names_a_goal_by_references_to_its_record(account, reference, asked):
    before = account(*GOALS, *PLANS).agreed
    tree = a_plan("CP-1", goals=["G-2"])
    tree["goal"] = [*tree["goal"], {"reference": reference}]
    made = account(*GOALS, evidence(tree, ehr="ced", version="2"), PLANS[1], agreed=before)
    assert [one.facts["values"] for one in made.findings] == (DROPPED if asked else [])


def test_that_a_plan_named_a_record_of_which_nobody_knows_tells_nothing(account):
    known = {"goal:x": {"description": {"": ABSTAIN, "iop": ABSTAIN}, "presence": {"iop": "listed"}}}
    made = account(goal("iop"), agreed=agreed(**known))
    assert [(one.key, "presence" in made.agreed.items[one.key]) for one in made.plan.goals] == [("goal:x", False)]


def test_nothing_is_remembered_of_plans_about_a_goal_that_none_names(account):
    made = account(goal("iop"), goal("ced"), plan("iop", "G-7"))
    assert "presence" not in made.agreed.items[made.plan.goals[0].key]
