"""By what a record is told to be a goal that is known: its number, its words, or those of records that are gone."""

import pytest

from coordinator.reconcile import Presence
from tests.builders import a_goal, a_policy, agreed, evidence

ABSTAIN, SLEEP = "Maintain abstinence from alcohol and other drugs", "Sleep eight hours"


def goal(ehr, id_="G-1", text=ABSTAIN, *, numbers=(), presence=Presence.PRESENT, version="1", **more):
    told = a_goal(id_, text=text, **more)
    listed = [{name: value for name, value in (("system", one), ("value", two)) if value} for one, two in numbers]
    return evidence(told | ({"identifier": listed} if listed else {}), ehr=ehr, presence=presence, version=version)


def places(account):
    return sorted(sorted(seen.evidence.place for seen in one.members.values()) for one in account.plan.goals)


def matched(account):
    (one,) = account.plan.goals
    return dict(one.matched)


LIST = "https://plans.example"


def test_a_goal_whose_records_are_all_out_of_sight_is_known_by_its_agreed_words(account):
    before = account(goal("iop"))
    made = account(goal("ced"), agreed=before.agreed)
    assert [one.key for one in made.plan.goals] == [one.key for one in before.plan.goals]
    assert matched(made) == {"ced": "words 1.00"}


def test_a_goal_is_known_by_the_words_that_a_record_had_when_it_was_deleted_as_well_as_by_those_agreed(account):
    before = account(goal("iop"), goal("ced")).agreed
    moved = account(goal("iop", text=SLEEP, version="2"), goal("ced"), agreed=before).agreed
    gone = goal("ced", presence=Presence.DELETED)
    for text in (ABSTAIN, SLEEP):
        made = account(goal("iop", text=SLEEP, version="2"), gone, goal("ced", "G-9", text), agreed=moved)
        assert places(made) == [["ced/Goal/G-9", "iop/Goal/G-1"]]


def test_a_goal_that_was_agreed_before_it_was_remembered_by_what_it_was_told_is_told_by_its_id(account):
    key, place = "goal:iop/Goal/G-1", "iop/Goal/G-1"
    made = account(goal("iop"), agreed=agreed(**{key: {"member": {"iop": place}}}))
    assert ([one.key for one in made.plan.goals], matched(made)) == ([key], {"iop": "id"})


def test_a_goal_of_which_neither_words_nor_records_are_known_is_no_other_goal(account):
    made = account(goal("iop"), agreed=agreed(**{"goal:ced/Goal/x": {"lifecycleStatus": {"": "active"}}}))
    assert [one.key for one in made.plan.goals] == ["goal:iop/Goal/G-1"]


def test_what_else_is_agreed_does_not_hide_a_goal_that_is_agreed(account):
    before = account(goal("iop")).agreed.items
    others = {"activity:group": {"status": {"": "active"}}}
    made = account(goal("iop", text=SLEEP, version="2"), goal("ced"), agreed=agreed(**others, **before))
    assert places(made) == [["ced/Goal/G-1", "iop/Goal/G-1"]]


# ---- by number -------------------------------------------------------------------------------------------------------
def test_a_second_goal_of_one_ehr_under_a_known_number_is_another_goal(account):
    own = goal("iop", numbers=[(LIST, "7")])
    made = account(own, goal("iop", "G-2", SLEEP, numbers=[(LIST, "7")]), agreed=account(own).agreed)
    assert places(made) == [["iop/Goal/G-1"], ["iop/Goal/G-2"]]


@pytest.mark.parametrize("number", [(LIST, None), (None, "7")], ids=["a list without number", "a number of no list"])
@pytest.mark.parametrize("known", [True, False], ids=["known", "new"])
def test_half_a_number_makes_no_two_goals_one(account, number, known):
    own = goal("iop", numbers=[number])
    before = account(own).agreed if known else None
    assert len(account(own, goal("ced", text=SLEEP, numbers=[number]), agreed=before).plan.goals) == 2


def test_new_goals_under_two_numbers_are_two(account):
    assert (
        len(account(goal("iop", numbers=[(LIST, "7")]), goal("ced", "x", SLEEP, numbers=[(LIST, "8")])).plan.goals) == 2
    )


@pytest.mark.parametrize("order", [("7", "9"), ("9", "7")], ids="-".join)
def test_a_record_under_the_numbers_of_two_goals_is_the_same_one_in_any_order(account, order):
    own = (goal("iop", numbers=[(LIST, "7")]), goal("iop", "G-2", SLEEP, numbers=[(LIST, "9")]))
    other = goal("ced", "c-1", "Walk daily", numbers=[(LIST, one) for one in order])
    made = account(*own, other, agreed=account(*own).agreed)
    assert places(made) == [["ced/Goal/c-1", "iop/Goal/G-1"], ["iop/Goal/G-2"]]


# ---- by likeness -----------------------------------------------------------------------------------------------------
WALK = "Walk swim cycle dance"


@pytest.mark.parametrize("known", [True, False], ids=["known", "new"])
@pytest.mark.parametrize(("text", "count"), [("Walk swim cycle rest", 1), ("Walk swim rest sing", 2)])
def test_goals_are_one_if_just_alike_enough(account, text, count, known):
    """Three of four words: exactly what this tenant asks for."""
    policy = a_policy(options={"alike_text": 0.75})
    before = account(goal("iop", text=WALK), policy=policy).agreed if known else None
    made = account(goal("iop", text=WALK), goal("ced", text=text), agreed=before, policy=policy)
    assert len(made.plan.goals) == count


def test_a_record_like_two_known_goals_is_one_of_them(account):
    own = (goal("iop"), goal("iop", "G-2", f"{ABSTAIN} now"))
    made = account(*own, goal("ced", "c-1"), agreed=account(*own).agreed)
    assert places(made) == [["ced/Goal/c-1", "iop/Goal/G-1"], ["iop/Goal/G-2"]]


def test_a_pair_that_is_less_alike_is_joined_though_a_likelier_one_can_not_be(account):
    made = account(
        goal("ced", "c-1", WALK),
        goal("ced", "c-2", "Walk swim cycle sing hum"),
        goal("iop", "i-1", WALK),
        goal("iop", "i-2", "Walk cycle sing hum rest"),
    )
    assert places(made) == [["ced/Goal/c-1", "iop/Goal/i-1"], ["ced/Goal/c-2", "iop/Goal/i-2"]]


def test_of_three_new_records_two_are_told_by_their_words_whichever_pair_is_likest(account):
    """The first and the last say the same; the one between them is like the last by its date, too."""
    made = account(
        goal("ced", text=WALK),
        goal("iop", text="Walk swim cycle rest", due="2026-06-30"),
        goal("res", text=WALK, due="2026-06-30"),
    )
    assert matched(made) == {"ced": "id", "iop": "words 0.75", "res": "words 1.00"}
