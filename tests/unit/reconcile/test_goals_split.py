"""Where a goal counts as split or put together and where not: how much of its words lies where, and at which EHR."""

import pytest

from coordinator.reconcile import Presence
from tests.builders import a_decision, a_goal, a_policy, evidence

WHOLE = "Return to work, repair family relationships"  # five words that count; a part of two is not alike enough
WORK, FAMILY = "Return to work", "Repair family"  # four of the five
CUT = {"plan.goal-split", "plan.goal-merged"}


def goal(ehr, id_, text, *, presence=Presence.PRESENT, version="1", **more):
    return evidence(a_goal(id_, text=text, **more), ehr=ehr, presence=presence, version=version)


def gone(ehr, id_, text, presence=Presence.DELETED):
    return goal(ehr, id_, text, presence=presence)


def codes(account):
    return [one.code for one in account.findings]


def by_place(account):
    return {seen.evidence.place: one for one in account.plan.goals for seen in one.members.values()}


def answered(*findings, keep):
    return [a_decision(one.key, {"keep": keep}, facts=one.facts) for one in findings]


# ---- split -----------------------------------------------------------------------------------------------------------
AGREED = (goal("iop", "i-1", WHOLE), goal("ced", "c-1", WHOLE))
PARTS = (gone("ced", "c-1", WHOLE), goal("ced", "c-2", WORK), goal("ced", "c-3", FAMILY))


def test_a_goal_that_is_gone_and_two_new_ones_of_its_words_are_a_split_that_cites_all_three(account):
    made = account(AGREED[0], *PARTS, agreed=account(*AGREED).agreed)
    (found,) = made.findings
    assert found.facts == {"ehr": "ced", "from": [WHOLE], "into": [FAMILY, WORK]}
    assert (found.code, found.rules) == ("plan.goal-split", ("CP-07",))
    assert found.evidence == ("ced/Goal/c-1@1", "ced/Goal/c-2@1", "ced/Goal/c-3@1")
    assert {place: one.held for place, one in by_place(made).items()} == {
        "ced/Goal/c-2": True,
        "ced/Goal/c-3": True,
        "iop/Goal/i-1": False,
    }


@pytest.mark.parametrize(("keep", "status"), [(True, "active"), (False, "cancelled")], ids=["stays", "is replaced"])
def test_a_goal_that_is_gone_for_its_parts_stays_or_ends_elsewhere_as_a_person_said(account, keep, status):
    once = account(AGREED[0], *PARTS, agreed=account(*AGREED).agreed)
    decided = answered(*once.findings, keep=keep)
    made = account(AGREED[0], *PARTS, agreed=once.agreed, decisions=decided)
    again = account(AGREED[0], *PARTS, agreed=made.agreed, decisions=decided)
    for one in (made, again):
        assert one.findings == ()
        assert {place: goal.values["lifecycleStatus"] for place, goal in by_place(one).items()} == {
            "ced/Goal/c-2": "active",
            "ced/Goal/c-3": "active",
            "iop/Goal/i-1": status,
        }
        assert not any(goal.held for goal in one.plan.goals)


WALK = "Walk swim cycle dance"
SPLIT = {
    "three of four words in two new goals": (WALK, None, ["Walk swim", "Dance"], True),
    "two of four words in two new goals": (WALK, None, ["Walk", "Dance"], False),
    "only one new goal": (WALK, None, ["Walk swim cycle"], False),
    "a new goal of which three of four words were there": (WALK, "Cycle dance", ["Walk swim often daily"], False),
    "a new goal of which just enough words were there": (WALK, "Dance", ["Walk swim cycle often"], True),
    "shortened to words of which just enough were there": (
        WHOLE,
        "Return to work, repair gladly",
        ["Family relationships"],
        True,
    ),
    "shortened to words of which too few were there": (
        WHOLE,
        "Return to work gladly, soon",
        ["Repair family relationships"],
        False,
    ),
    "longer than before beside a new goal of its words": (WHOLE, f"{WHOLE} soon", [FAMILY], False),
    "as long as before in another order beside a new goal of its words": (
        WHOLE,
        "Repair family relationships, return to work",
        [FAMILY],
        False,
    ),
    "emptied beside two new goals of its words": (WHOLE, "", [WORK, FAMILY], True),
    "a new goal beside that has none of its words": (WHOLE, WORK, [FAMILY, "Sleep"], True),
    "a new goal beside that has no words": (WHOLE, WORK, [FAMILY, ""], True),
}


@pytest.mark.parametrize(("before", "now", "new", "is_split"), SPLIT.values(), ids=SPLIT)
def test_a_goal_is_split_if_enough_of_its_words_lie_in_what_is_there_now(account, before, now, new, is_split):
    """The tenant holds goals to be one only by nearly the same words, so that no part is taken for the whole."""
    policy = a_policy(options={"alike_text": 0.95})
    first = account(goal("iop", "i-1", before), goal("ced", "c-1", before), policy=policy).agreed
    old = gone("ced", "c-1", before) if now is None else goal("ced", "c-1", now, version="2")
    records = (old, *(goal("ced", f"c-{number}", text) for number, text in enumerate(new, start=2)))
    made = account(goal("iop", "i-1", before), *records, agreed=first, policy=policy)
    found = [one for one in made.findings if one.code in CUT]
    assert [one.code for one in found] == ["plan.goal-split"] * is_split
    assert all(set(one.facts["into"]) <= {now, *new} - {"", None, "Sleep"} for one in found)


def test_a_goal_that_is_only_hidden_is_not_split(account):
    records = (AGREED[0], gone("ced", "c-1", WHOLE, Presence.HIDDEN), *PARTS[1:])
    assert account(*records, agreed=account(*AGREED).agreed).findings == ()


def test_a_goal_shortened_behind_others_that_stayed_the_same_is_split_too(account):
    others = (goal("ced", "a-1", "Sleep well"), goal("ced", "d-1", "Eat breakfast"))
    before = account(*others, *AGREED).agreed
    shorter = goal("ced", "c-1", WORK, version="2")
    made = account(*others, AGREED[0], shorter, goal("ced", "c-2", "Repair family relationships"), agreed=before)
    assert codes(made) == ["plan.goal-split"]


def test_a_goal_that_stayed_the_same_is_in_no_split_though_new_goals_repeat_it(account):
    assert account(*AGREED, *PARTS[1:], agreed=account(*AGREED).agreed).findings == ()


TWO = {"c": (WHOLE, WORK, FAMILY), "d": ("Walk swim cycle dance sing", "Walk swim", "Cycle dance")}


def test_two_goals_split_at_once_ask_twice_and_hold_all_four_new_ones(account):
    kept = [goal("iop", f"i-{key}", whole) for key, (whole, _, _) in TWO.items()]
    before = account(*kept, *(goal("ced", f"{key}-1", whole) for key, (whole, _, _) in TWO.items())).agreed
    parts = [
        one
        for key, (whole, part, rest) in TWO.items()
        for one in (gone("ced", f"{key}-1", whole), goal("ced", f"{key}-2", part), goal("ced", f"{key}-3", rest))
    ]
    once = account(*kept, *parts, agreed=before)
    assert codes(once) == ["plan.goal-split"] * 2
    assert sum(one.held for one in once.plan.goals) == 4
    made = account(*kept, *parts, agreed=once.agreed, decisions=answered(*once.findings, keep=False))
    assert made.findings == ()
    assert [one.values["lifecycleStatus"] for one in made.plan.goals].count("cancelled") == 2


def test_an_answer_about_a_split_into_other_goals_does_not_count(account):
    once = account(AGREED[0], *PARTS, agreed=account(*AGREED).agreed)
    third = goal("ced", "c-4", "Family relationships")
    decided = answered(*once.findings, keep=False)
    made = account(AGREED[0], *PARTS, third, agreed=once.agreed, decisions=decided)
    (found,) = made.findings
    assert found.facts["into"] == ["Family relationships", FAMILY, WORK]


def test_while_a_split_is_asked_about_other_fields_of_the_goal_ask_on_their_own(account):
    before = account(goal("iop", "i-1", WHOLE, due="2026-06-30"), goal("ced", "c-1", WHOLE, due="2026-06-30")).agreed
    made = account(
        goal("iop", "i-1", WHOLE, due="2026-07-31", version="2"),
        goal("ced", "c-1", WORK, due="2026-08-31", version="2"),
        goal("ced", "c-3", "Repair family relationships"),
        agreed=before,
    )
    assert [(one.code, one.facts.get("field")) for one in made.findings] == [
        ("plan.goal-differs", "dueDate"),
        ("plan.goal-split", None),
    ]


SHORTENED = (goal("ced", "c-1", WORK, version="2"), goal("ced", "c-3", "Repair family relationships"))


def test_where_the_old_goal_stays_the_shortened_one_is_a_goal_of_its_own(account):
    once = account(AGREED[0], *SHORTENED, agreed=account(*AGREED).agreed)
    made = account(AGREED[0], *SHORTENED, agreed=once.agreed, decisions=answered(*once.findings, keep=True))
    told = by_place(made)
    assert {place: (one.values["description"], dict(one.matched)) for place, one in told.items()} == {
        "iop/Goal/i-1": (WHOLE, {"iop": told["iop/Goal/i-1"].matched["iop"]}),
        "ced/Goal/c-1": (WORK, {"ced": "id"}),
        "ced/Goal/c-3": ("Repair family relationships", {"ced": "id"}),
    }


def test_where_nobody_else_has_the_old_goal_only_its_parts_are_left(account):
    before = account(AGREED[1]).agreed
    once = account(*SHORTENED, agreed=before)
    made = account(*SHORTENED, agreed=once.agreed, decisions=answered(*once.findings, keep=True))
    assert sorted(one.values["description"] for one in made.plan.goals) == ["Repair family relationships", WORK]
    assert made.findings == ()


# ---- put together ----------------------------------------------------------------------------------------------------
TWO_GOALS = (goal("iop", "i-1", WORK), goal("iop", "i-2", FAMILY))
BEFORE = (*TWO_GOALS, goal("ced", "c-1", WORK), goal("ced", "c-2", FAMILY))
JOINED = (*TWO_GOALS, gone("ced", "c-1", WORK), gone("ced", "c-2", FAMILY), goal("ced", "c-9", WHOLE))


def test_two_goals_that_are_gone_for_a_new_one_of_their_words_ask_with_all_three(account):
    made = account(*JOINED, agreed=account(*BEFORE).agreed)
    (found,) = made.findings
    assert found.facts == {"ehr": "ced", "from": [FAMILY, WORK], "into": [WHOLE]}
    assert (found.code, found.rules) == ("plan.goal-merged", ("CP-07",))
    assert found.evidence == ("ced/Goal/c-1@1", "ced/Goal/c-2@1", "ced/Goal/c-9@1")
    assert [place for place, one in by_place(made).items() if one.held] == ["ced/Goal/c-9"]


@pytest.mark.parametrize(("keep", "status"), [(True, "active"), (False, "cancelled")], ids=["stay", "are replaced"])
def test_two_goals_that_are_gone_for_one_stay_or_end_elsewhere_as_a_person_said(account, keep, status):
    once = account(*JOINED, agreed=account(*BEFORE).agreed)
    decided = answered(*once.findings, keep=keep)
    made = account(*JOINED, agreed=once.agreed, decisions=decided)
    assert {place: one.values["lifecycleStatus"] for place, one in by_place(made).items()} == {
        "iop/Goal/i-1": status,
        "iop/Goal/i-2": status,
        "ced/Goal/c-9": "active",
    }
    assert (made.findings, by_place(made)["ced/Goal/c-9"].key) == ((), by_place(once)["ced/Goal/c-9"].key)


JOINT = {
    "a goal that is gone of which just enough words are there now": (
        ["Walk swim cycle rest"],
        "Sing",
        "walk swim cycle sing",
        True,
    ),
    "a goal that is gone of which too few words are there now": (
        ["Walk swim rest"],
        "Sing",
        "walk swim sing hum",
        False,
    ),
    "a goal that says just enough of what it said": (["Sing hum"], WALK, "Walk swim cycle, sing, hum", True),
    "just enough of the new words were there": (["Walk"], "Swim cycle", "Walk swim cycle dance", True),
    "too few of the new words were there": (["Walk"], "Swim cycle", "Walk swim cycle dance sing", False),
    "a goal that no more says what it said": (["Walk swim"], "Cycle dance", "Walk swim", False),
    "nothing gone but one of other words": (["Sleep well"], "Walk swim", "Walk swim daily", False),
    "a goal emptied of its words": (["Walk swim"], "Cycle dance", "", False),
}


@pytest.mark.parametrize(("lost", "before", "now", "is_joint"), JOINT.values(), ids=JOINT)
def test_goals_are_put_together_if_enough_of_their_words_lie_in_one(account, lost, before, now, is_joint):
    policy = a_policy(options={"alike_text": 0.95})
    texts = {"1": before, **{str(number): text for number, text in enumerate(lost, start=2)}}
    kept = [goal("iop", f"i-{key}", text) for key, text in texts.items()]
    first = account(*kept, *(goal("ced", f"c-{key}", text) for key, text in texts.items()), policy=policy).agreed
    left = [gone("ced", f"c-{key}", text) for key, text in texts.items() if key != "1"]
    made = account(*kept, *left, goal("ced", "c-1", now, version="2"), agreed=first, policy=policy)
    assert [one.code for one in made.findings if one.code in CUT] == ["plan.goal-merged"] * is_joint
    assert not any(one.held for one in made.plan.goals if "ced" in one.members and len(one.members) == 2)


def test_a_goal_whose_words_were_taken_out_holds_nothing_of_one_that_is_gone(account):
    wordless = a_goal("c-1") | {"description": {"coding": [{"system": "http://snomed.info/sct", "code": "408907000"}]}}
    left = (evidence(wordless, ehr="ced", version="2"), gone("ced", "c-2", FAMILY))
    made = account(*TWO_GOALS, *left, agreed=account(*BEFORE).agreed)
    assert [one.facts.get("field") for one in made.findings] == ["presence"]


def test_goals_that_are_only_hidden_are_not_put_together(account):
    hidden = (gone("ced", "c-1", WORK, Presence.HIDDEN), gone("ced", "c-2", FAMILY, Presence.HIDDEN))
    assert account(*TWO_GOALS, *hidden, JOINED[-1], agreed=account(*BEFORE).agreed).findings == ()


def test_a_goal_that_held_another_s_words_before_holds_no_more_when_that_is_gone(account):
    """Nothing was put together: it said all of it already while the other was there."""
    both = (goal("iop", "i-1", WHOLE), goal("iop", "i-2", WORK))
    before = account(*both, goal("ced", "c-1", WHOLE), goal("ced", "c-2", WORK)).agreed
    made = account(*both, goal("ced", "c-1", WHOLE), gone("ced", "c-2", WORK), agreed=before)
    assert [(one.code, one.facts["values"]) for one in made.findings] == [
        ("plan.goal-differs", {"ced": "deleted", "iop": "present"})
    ]


def test_two_pairs_put_together_at_once_ask_twice_and_end_all_four_goals(account):
    parts = [(f"{key}-{n}", text) for key, (_, *halves) in TWO.items() for n, text in enumerate(halves)]
    kept = [goal("iop", id_, text) for id_, text in parts]
    before = account(*kept, *(goal("ced", id_, text) for id_, text in parts)).agreed
    wholes = [goal("ced", f"{key}-9", whole) for key, (whole, _, _) in TWO.items()]
    records = (*kept, *(gone("ced", id_, text) for id_, text in parts), *wholes)
    once = account(*records, agreed=before)
    assert codes(once) == ["plan.goal-merged"] * 2
    made = account(*records, agreed=once.agreed, decisions=answered(*once.findings, keep=False))
    assert made.findings == ()
    assert [one.values["lifecycleStatus"] for one in made.plan.goals].count("cancelled") == 4
