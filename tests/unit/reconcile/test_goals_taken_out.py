"""Goals that one EHR deleted, dropped from its plan, split or put together: each asks a person once, none goes away."""

import pytest

from coordinator.reconcile import Grade, Presence
from tests.builders import a_decision, a_goal, a_plan, a_policy, evidence

ABSTAIN = "Maintain abstinence from alcohol and other drugs"
BOTH, WORK, FAMILY = "Return to work and repair family relationships", "Return to work", "Repair family relationships"


def goal(ehr, id_="G-1", *, text=ABSTAIN, presence=Presence.PRESENT, version="1", **more):
    return evidence(a_goal(id_, text=text, **more), ehr=ehr, presence=presence, version=version)


def plan(ehr, *goals, id_="CP-1", version="1", **more):
    return evidence(a_plan(id_, goals=goals, **more), ehr=ehr, version=version)


def one_finding(account):
    (found,) = account.findings
    return found


def texts(account):
    return sorted(one.values["description"] for one in account.plan.goals)


# ---- taken out -------------------------------------------------------------------------------------------------------
def deleted_and_edited(account):
    before = account(goal("iop", due="2026-06-30"), goal("ced", due="2026-06-30")).agreed
    return before, (goal("iop", due="2026-07-31"), goal("ced", presence=Presence.DELETED))


def test_a_goal_deleted_here_and_edited_there_asks_with_both(account):
    before, records = deleted_and_edited(account)
    found = one_finding(account(*records, agreed=before))
    assert found.facts["values"] == {"ced": "deleted", "iop": "edited"}
    assert found.evidence == ("ced/Goal/G-1@1", "iop/Goal/G-1@1")


def test_the_edit_beside_a_removal_stays_known_once_its_fields_are_agreed(account):
    """Else the same question would change its words from one run to the next."""
    before, records = deleted_and_edited(account)
    once = account(*records, agreed=before)
    again = account(*records, agreed=once.agreed)
    assert (again.findings, again.agreed) == (once.findings, once.agreed)


def test_a_goal_that_is_kept_asks_no_more(account):
    before, records = deleted_and_edited(account)
    once = account(*records, agreed=before)
    kept = a_decision(one_finding(once).key, {"keep": True}, facts=one_finding(once).facts)
    made = account(*records, agreed=once.agreed, decisions=[kept])
    assert (made.findings, made.plan.goals[0].values["lifecycleStatus"]) == ((), "active")


def test_a_goal_that_is_given_up_ends_where_it_still_is(account):
    before, records = deleted_and_edited(account)
    once = account(*records, agreed=before)
    dropped = a_decision(one_finding(once).key, {"keep": False}, facts=one_finding(once).facts)
    made = account(*records, agreed=once.agreed, decisions=[dropped])
    assert (made.findings, made.plan.goals[0].values["lifecycleStatus"]) == ((), "cancelled")


def test_our_own_end_of_a_goal_that_was_given_up_is_no_edit_that_asks_again(account):
    """What a person gave up is written to where the goal still is; that must not read as somebody's change of it."""
    before = account(goal("iop"), goal("ced")).agreed
    gone = goal("ced", presence=Presence.DELETED)
    once = account(goal("iop"), gone, agreed=before)
    dropped = [a_decision(one_finding(once).key, {"keep": False}, facts=one_finding(once).facts)]
    ended = account(goal("iop"), gone, agreed=once.agreed, decisions=dropped)
    made = account(goal("iop", status="cancelled", version="2"), gone, agreed=ended.agreed, decisions=dropped)
    assert (made.findings, made.plan.goals[0].values["lifecycleStatus"]) == ((), "cancelled")


def test_a_goal_that_was_given_up_and_is_taken_up_again_is_followed(account):
    before, records = deleted_and_edited(account)
    once = account(*records, agreed=before)
    dropped = [a_decision(one_finding(once).key, {"keep": False}, facts=one_finding(once).facts)]
    ended = account(*records, agreed=once.agreed, decisions=dropped)
    written = (goal("iop", due="2026-07-31", status="cancelled", version="2"), records[1])
    seen = account(*written, agreed=ended.agreed, decisions=dropped)
    anew = (goal("iop", due="2026-07-31", status="active", version="3"), records[1])
    made = account(*anew, agreed=seen.agreed, decisions=dropped)
    assert made.plan.goals[0].values["lifecycleStatus"] == "active"
    assert account(*anew, agreed=made.agreed, decisions=dropped).plan.goals[0].values["lifecycleStatus"] == "active"


def test_a_goal_that_all_have_deleted_leaves_the_plan(account):
    before = account(goal("iop"), goal("ced")).agreed
    made = account(goal("iop", presence=Presence.DELETED), goal("ced", presence=Presence.DELETED), agreed=before)
    assert (made.plan.goals, made.findings) == ((), ())


PLANS = (plan("ced", "G-1", "G-2"), plan("iop", "G-1"))
GOALS = (goal("ced"), goal("ced", "G-2", text=WORK), goal("iop"))


@pytest.mark.parametrize(
    ("grade", "asked"), [(Grade.COMPLETE, True), (Grade.PARTIAL, False)], ids=["complete pull", "partial pull"]
)
def test_a_goal_dropped_from_its_plan_is_asked_about_if_the_pull_was_complete(account, grade, asked):
    before = account(*GOALS, *PLANS).agreed
    policy = a_policy(grades={("ced", "CarePlan"): grade})
    made = account(*GOALS, plan("ced", "G-2", version="2"), PLANS[1], agreed=before, policy=policy)
    values = [one.facts["values"] for one in made.findings]
    assert values == ([{"ced": "removed", "iop": "present"}] if asked else [])


def test_a_goal_that_was_recreated_is_not_dropped_from_a_plan_that_still_names_the_old_record(account):
    before = account(*GOALS, *PLANS).agreed
    anew = (goal("ced", "G-8"), goal("ced", presence=Presence.DELETED), *GOALS[1:])
    once = account(*anew, *PLANS, agreed=before)
    again = account(*anew, *PLANS, agreed=once.agreed)
    assert (once.findings, again.findings) == ((), ())


def test_a_goal_that_a_plan_never_named_is_not_dropped_from_it(account):
    before = account(*GOALS, plan("ced", "G-2"), PLANS[1]).agreed
    assert account(*GOALS, plan("ced", "G-2", version="2"), PLANS[1], agreed=before).findings == ()


def test_goals_and_activities_listed_in_another_order_are_no_change(account):
    activities = {"Group therapy": "in-progress", "Drug screens": "scheduled"}
    first = account(*GOALS, plan("ced", "G-1", "G-2", activities=activities))
    turned = plan("ced", "G-2", "G-1", activities=dict(reversed(activities.items())))
    second = account(*GOALS, turned, agreed=first.agreed)
    assert (second.content, second.agreed) == (account(*GOALS, turned).content | {}, first.agreed)
    assert second.findings == ()


# ---- split -----------------------------------------------------------------------------------------------------------
SPLITS = {
    "deleted, and two new goals": (
        goal("ced", "c-1", text=BOTH, presence=Presence.DELETED),
        goal("ced", "c-2", text=WORK),
        goal("ced", "c-3", text=FAMILY),
    ),
    "shortened, and one new goal": (goal("ced", "c-1", text=WORK, version="2"), goal("ced", "c-3", text=FAMILY)),
}


@pytest.fixture(params=SPLITS, ids=str)
def split(account, request):
    """Return what was agreed, and the records after one EHR had split the goal."""
    before = account(goal("iop", text=BOTH), goal("ced", "c-1", text=BOTH)).agreed
    return before, (goal("iop", text=BOTH), *SPLITS[request.param])


def test_a_goal_split_by_one_ehr_asks_once_and_keeps_its_words(account, split):
    before, records = split
    made = account(*records, agreed=before)
    found = one_finding(made)
    assert (found.code, found.facts) == (
        "plan.goal-split",
        {"ehr": "ced", "from": [BOTH], "into": sorted([WORK, FAMILY])},
    )
    shared = next(one for one in made.plan.goals if "iop" in one.members)
    assert shared.values["description"] == BOTH
    assert [one.held for one in made.plan.goals if "iop" not in one.members] == [True] * (len(made.plan.goals) - 1)
    assert account(*records, agreed=made.agreed).findings == made.findings


@pytest.mark.parametrize("keep", [True, False], ids=["the old goal stays", "the new ones take its place"])
def test_a_split_that_was_decided_asks_no_more_and_holds_no_goal(account, split, keep):
    before, records = split
    once = account(*records, agreed=before)
    decided = [a_decision(one_finding(once).key, {"keep": keep}, facts=one_finding(once).facts)]
    made = account(*records, agreed=once.agreed, decisions=decided)
    assert made.findings == ()
    assert not any(one.held for one in made.plan.goals)
    shared = next(one for one in made.plan.goals if "iop" in one.members)
    still = (shared.values["description"], shared.values["lifecycleStatus"])
    assert (still == (BOTH, "active")) is keep


def test_new_goals_that_are_in_doubt_stay_what_they_are_when_asked_again(account):
    """One EHR puts two goals together, another splits one of the same words: its parts are no other goal next time."""
    halves = [goal("res", "r-1", text=WORK), goal("res", "r-2", text=FAMILY)]
    before = account(
        *halves,
        goal("iop", "i-1", text=WORK),
        goal("iop", "i-2", text=FAMILY),
        goal("ced", "c", text=BOTH),
        goal("res", "r", text=BOTH),
    ).agreed
    records = (
        *halves,
        goal("iop", "i-1", text=WORK, presence=Presence.DELETED),
        goal("iop", "i-2", text=FAMILY, presence=Presence.DELETED),
        goal("iop", "i-9", text=BOTH),
        goal("ced", "c", text=BOTH),
        goal("res", "r", text=WORK, version="2"),
        goal("res", "r-8", text=WORK),
        goal("res", "r-9", text=FAMILY),
    )
    joint = next(one for one in account(*records, agreed=before).findings if one.code == "plan.goal-merged")
    kept = [a_decision(joint.key, {"keep": True}, facts=joint.facts)]
    once = account(*records, agreed=before, decisions=kept)
    again = account(*records, agreed=once.agreed, decisions=kept)
    assert [one.code for one in once.findings] == ["plan.goal-split"]
    assert again.content == once.content


def test_a_goal_that_a_part_of_another_is_taken_for_keeps_what_was_agreed_of_it_while_that_is_asked(account):
    others = (goal("iop", "i-1", text=BOTH), goal("iop", "i-2", text=FAMILY))
    before = account(*others, goal("ced", "c-1", text=BOTH)).agreed
    parts = (goal("ced", "c-1", text=WORK, version="2"), goal("ced", "c-2", text=FAMILY))
    made = account(*others, *parts, agreed=before)
    assert one_finding(made).code == "plan.goal-split"
    known, now = (each.items["goal:iop/Goal/i-2"] for each in (before, made.agreed))
    assert now["description"] == known["description"] == {"": FAMILY, "iop": FAMILY}
    assert now["member"] == {"ced": "ced/Goal/c-2", "iop": "iop/Goal/i-2"}


# ---- put together ----------------------------------------------------------------------------------------------------
@pytest.fixture
def joint(account):
    """Return what was agreed, and the records after one EHR had put two goals together."""
    two = (goal("iop", "G-1", text=WORK), goal("iop", "G-2", text=FAMILY))
    before = account(*two, goal("ced", "c-1", text=WORK), goal("ced", "c-2", text=FAMILY)).agreed
    gone = (
        goal("ced", "c-1", text=WORK, presence=Presence.DELETED),
        goal("ced", "c-2", text=FAMILY, presence=Presence.DELETED),
    )
    return before, (*two, *gone, goal("ced", "c-9", text=BOTH))


def test_goals_put_together_by_one_ehr_ask_once_and_stay(account, joint):
    before, records = joint
    made = account(*records, agreed=before)
    found = one_finding(made)
    assert (found.code, found.facts) == (
        "plan.goal-merged",
        {"ehr": "ced", "from": sorted([WORK, FAMILY]), "into": [BOTH]},
    )
    assert {WORK, FAMILY} <= set(texts(made))
    assert account(*records, agreed=made.agreed).findings == made.findings


@pytest.mark.parametrize(("keep", "ended"), [(False, 1), (True, 0)], ids=["as one", "as two"])
def test_goals_put_together_end_where_they_still_are_only_with_a_person_s_word(account, joint, keep, ended):
    before, records = joint
    once = account(*records, agreed=before)
    decided = [a_decision(one_finding(once).key, {"keep": keep}, facts=one_finding(once).facts)]
    made = account(*records, agreed=once.agreed, decisions=decided)
    assert made.findings == ()
    assert [one.values["lifecycleStatus"] for one in made.plan.goals].count("cancelled") == ended


def test_a_goal_that_its_only_teller_split_leaves_the_plan_to_the_new_ones(account):
    before = account(goal("ced", "c-1", text=BOTH)).agreed
    records = SPLITS["deleted, and two new goals"]
    once = account(*records, agreed=before)
    decided = [a_decision(one_finding(once).key, {"keep": False}, facts=one_finding(once).facts)]
    made = account(*records, agreed=once.agreed, decisions=decided)
    assert (sorted(texts(made)), made.findings) == (sorted([WORK, FAMILY]), ())


def test_the_words_that_we_wrote_into_a_goal_put_nothing_together(account):
    """Another goal was deleted there meanwhile, and an edit elsewhere that we brought over holds its words, too."""
    two = (goal("iop", "G-1", text=WORK), goal("iop", "G-2", text=FAMILY))
    before = account(*two, goal("ced", "c-1", text=WORK), goal("ced", "c-2", text=FAMILY)).agreed
    lost = goal("ced", "c-2", text=FAMILY, presence=Presence.DELETED)
    edited = (goal("iop", "G-1", text=BOTH, version="2"), two[1], lost)
    once = account(*edited, goal("ced", "c-1", text=WORK), agreed=before)
    made = account(*edited, goal("ced", "c-1", text=BOTH, version="2"), agreed=once.agreed)
    assert one_finding(made) == one_finding(once)
    assert one_finding(made).facts["values"] == {"ced": "deleted", "iop": "present"}


def test_what_one_answer_explains_no_other_question_rests_on(account):
    """Two pairs of the same words, put together one after the other: the answer about one leaves the other's own."""
    halves = [(f"{number}-{part}", text) for number in (1, 2) for part, text in enumerate((WORK, FAMILY))]
    kept = [goal("iop", f"i-{id_}", text=text) for id_, text in halves]
    before = account(*kept, *(goal("ced", f"c-{id_}", text=text) for id_, text in halves)).agreed
    gone = [goal("ced", f"c-{id_}", text=text, presence=Presence.DELETED) for id_, text in halves]
    records = [*kept, *gone, goal("ced", "c-8", text=BOTH), goal("ced", "c-9", text=BOTH)]
    asked = account(*records, agreed=before)
    first = asked.findings[0]
    once = account(*records, agreed=before, decisions=[a_decision(first.key, {"keep": False}, facts=first.facts)])
    again = account(*records, agreed=once.agreed, decisions=[a_decision(first.key, {"keep": False}, facts=first.facts)])
    assert first.code == "plan.goal-merged"
    assert (again.content, again.agreed) == (once.content, once.agreed)


@pytest.mark.parametrize(
    "records",
    [
        (goal("ced", "c-1", text=f"{BOTH} this summer", version="2"),),
        (goal("ced", "c-1", text="Take a walk every day", version="2"), goal("ced", "c-2", text=FAMILY)),
        (goal("ced", "c-1", text=BOTH), goal("ced", "c-2", text=ABSTAIN)),
        (goal("ced", "c-1", text=BOTH, presence=Presence.DELETED), goal("ced", "c-2", text=BOTH)),
    ],
    ids=["more words", "other words", "another goal beside", "recreated"],
)
def test_an_edit_a_new_goal_or_a_recreated_one_is_no_split(account, records):
    before = account(goal("iop", text=BOTH), goal("ced", "c-1", text=BOTH)).agreed
    codes = {one.code for one in account(goal("iop", text=BOTH), *records, agreed=before).findings}
    assert not codes & {"plan.goal-split", "plan.goal-merged"}
