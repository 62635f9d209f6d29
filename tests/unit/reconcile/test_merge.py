"""The three-way merge of one field: a row per rule, and what a person's answer does."""

from datetime import timedelta

import pytest

from coordinator.reconcile.merge import Disputed, Settled, Side, accepted, answer, merge
from tests.builders import NOW, a_decision


def sides(**values):
    return [Side(ehr=ehr, value=value, ref=f"{ehr}/Goal/{ehr[0]}@1") for ehr, value in values.items()]


SETTLED = {
    "nobody changed, so the agreed value stands": (
        {"iop": "A", "ced": "A"},
        {"": "A", "iop": "A", "ced": "A"},
        "A",
        {"": "A", "iop": "A", "ced": "A"},
    ),
    "one who was aware changed, and is followed": (
        {"iop": "B", "ced": "A"},
        {"": "A", "iop": "A", "ced": "A"},
        "B",
        {"": "B", "iop": "B", "ced": "A"},
    ),
    "all who changed say the same": (
        {"iop": "B", "ced": "B", "pcp": "A"},
        {"": "A", "iop": "A", "ced": "A", "pcp": "A"},
        "B",
        {"": "B", "iop": "B", "ced": "B", "pcp": "A"},
    ),
    "all in sight say the same, though one of them never saw what had been agreed": (
        {"iop": "B", "ced": "B"},
        {"": "A", "iop": "A", "ced": "C"},
        "B",
        {"": "B", "iop": "B", "ced": "B"},
    ),
    "one who had come to hold the agreed value is agreed with when another moves on": (
        {"iop": "A", "ced": "B"},
        {"": "A", "ced": "A"},
        "B",
        {"": "B", "iop": "A", "ced": "B"},
    ),
    "the other EHR has not yet taken what was agreed": (
        {"iop": "B", "ced": "A"},
        {"": "B", "iop": "B", "ced": "A"},
        "B",
        {"": "B", "iop": "B", "ced": "A"},
    ),
    "the other EHR holds it now": (
        {"iop": "B", "ced": "B"},
        {"": "B", "iop": "B", "ced": "A"},
        "B",
        {"": "B", "iop": "B", "ced": "B"},
    ),
    "nothing was ever agreed and all say the same": (
        {"iop": "A", "ced": "A"},
        {},
        "A",
        {"": "A", "iop": "A", "ced": "A"},
    ),
    "a value is removed by one who was aware": (
        {"iop": None, "ced": "A"},
        {"": "A", "iop": "A", "ced": "A"},
        None,
        {"": None, "iop": None, "ced": "A"},
    ),
    "an EHR joins with the value that is agreed": (
        {"iop": "A", "pcp": "A"},
        {"": "A", "iop": "A"},
        "A",
        {"": "A", "iop": "A", "pcp": "A"},
    ),
    "one changes again before the others have taken its first change": (
        {"iop": "C", "ced": "A"},
        {"": "B", "iop": "B", "ced": "A"},
        "C",
        {"": "C", "iop": "C", "ced": "A"},
    ),
    "one of three changes and the third has yet to take an older change": (
        {"iop": "B", "ced": "C", "pcp": "A"},
        {"": "B", "iop": "B", "ced": "B", "pcp": "A"},
        "C",
        {"": "C", "iop": "B", "ced": "C", "pcp": "A"},
    ),
}


@pytest.mark.parametrize(("values", "agreed", "value", "after"), SETTLED.values(), ids=SETTLED)
def test_sides_settle_on_a_value(values, agreed, value, after):
    assert merge(sides(**values), agreed) == Settled(value=value, agreed=after)


DISPUTED = {
    "both changed, differently": ({"iop": "B", "ced": "C"}, {"": "A", "iop": "A", "ced": "A"}, "A"),
    "nothing was ever agreed and they differ": ({"iop": "A", "ced": "B"}, {}, None),
    "three change to three values": (
        {"iop": "B", "ced": "C", "pcp": "D"},
        {"": "A", "iop": "A", "ced": "A", "pcp": "A"},
        "A",
    ),
    "two of three change alike, the third otherwise": (
        {"iop": "B", "ced": "B", "pcp": "D"},
        {"": "A", "iop": "A", "ced": "A", "pcp": "A"},
        "A",
    ),
    "one changes that has never seen what is agreed now": (
        {"iop": "B", "ced": "C"},
        {"": "B", "iop": "B", "ced": "A"},
        "A",
    ),
    "one changes on, another changes what it had before the first change": (
        {"iop": "D", "ced": "C"},
        {"": "B", "iop": "B", "ced": "A"},
        "A",
    ),
    "two change from what is agreed, a third has yet to take it": (
        {"iop": "C", "ced": "D", "pcp": "A"},
        {"": "B", "iop": "B", "ced": "B", "pcp": "A"},
        "B",
    ),
    "two change that stood at different values": (
        {"iop": "D", "ced": "E", "pcp": "F"},
        {"": "C", "iop": "C", "ced": "A", "pcp": "B"},
        None,
    ),
    "an EHR joins with another value than the agreed one": ({"iop": "A", "pcp": "B"}, {"": "A", "iop": "A"}, "A"),
    "one removes, the other changes": ({"iop": None, "ced": "B"}, {"": "A", "iop": "A", "ced": "A"}, "A"),
}


@pytest.mark.parametrize(("values", "agreed", "base"), DISPUTED.values(), ids=DISPUTED)
def test_sides_dispute_and_what_was_agreed_stays(values, agreed, base):
    disputed = merge(sides(**values), agreed)
    assert disputed == Disputed(base=base, sides=tuple(sides(**values)), agreed=agreed)
    assert disputed.held == agreed.get("")


@pytest.mark.parametrize("lone", [{"iop": "B"}, {"iop": "B", "ced": "A"}], ids=["one EHR", "another that was agreed"])
def test_the_order_of_sides_does_not_matter(lone):
    before = {"": "A", "iop": "A", "ced": "A"}
    assert merge(sides(**lone), before) == merge(list(reversed(sides(**lone))), before)


def test_a_value_whose_teller_is_out_of_sight_does_not_stand():
    """What nobody in sight says or agreed to can't be cited; after a revocation it would tell what is secret."""
    before = {"": "B", "iop": "B", "pcp": "A"}
    assert merge(sides(pcp="A"), before) == Settled(value="A", agreed={"": "A", "pcp": "A"})


def test_that_there_is_no_value_does_not_stand_either_where_nobody_in_sight_agreed_to_that():
    assert merge(sides(iop="B", ced="C"), {"": None, "pcp": None}).agreed == {}


def test_what_an_ehr_in_sight_agreed_to_stands_without_its_teller():
    before = {"": "B", "iop": "B", "pcp": "B"}
    assert merge(sides(pcp="B"), before) == Settled(value="B", agreed=before)


def test_one_who_comes_back_into_sight_with_what_was_agreed_changes_nothing():
    before = {"": "B", "iop": "B", "pcp": "B"}
    alone = merge(sides(pcp="C"), before)
    assert merge(sides(iop="B", pcp="C"), alone.agreed).value == "C"


def test_no_side_at_all_settles_on_nothing():
    assert merge([], {"": "A", "iop": "A"}).value is None


def test_a_person_s_answer_ends_a_dispute():
    before = {"": "A", "iop": "A", "ced": "A"}
    said = sides(iop="B", ced="C")
    assert merge(said, before, decided=said[1]) == Settled(value="C", agreed={"": "C", "iop": "A", "ced": "C"})


def test_an_edit_that_was_overruled_is_no_news_when_the_others_have_come_back():
    """What had been agreed was kept; one EHR took our write of it, another takes none and says its own still."""
    before = {"": "A", "iop": "A", "pcp": "A"}
    said = sides(iop="A", pcp="B", res="C")
    chosen = merge(said, before, decided=said[0])
    assert merge(sides(iop="A", pcp="B", res="A"), chosen.agreed).value == "A"
    assert isinstance(merge(sides(iop="A", pcp="D", res="A"), chosen.agreed), Disputed)


def test_a_person_may_accept_that_a_value_was_removed():
    before = {"": "A", "iop": "A", "ced": "A"}
    said = sides(iop=None, ced="C")
    assert merge(said, before, decided=said[0]) == Settled(value=None, agreed={"": None, "iop": None, "ced": "A"})


def test_an_old_answer_does_not_undo_a_later_change():
    """The clinicians of one EHR come to the value that once was overruled: that is news, not the old dispute."""
    before = {"": "B", "iop": "B", "ced": "B"}
    said = sides(iop="B", ced="C")
    assert merge(said, before, decided=said[0]).value == "C"


# ---- which answer ----------------------------------------------------------------------------------------------------
KEY = "plan.goal-differs:g:dueDate"


def test_an_answer_counts_for_the_values_it_was_made_about():
    made = a_decision(KEY, {"accept": "iop/Goal/i"}, facts={"values": {"iop": "B", "ced": "C"}})
    assert answer([made], KEY, {"iop": "B", "ced": "C"}) == made


@pytest.mark.parametrize(
    ("key", "facts"),
    [(KEY, {"values": {"iop": "B", "ced": "D"}}), (KEY, {}), ("plan.goal-differs:h:dueDate", {"values": {"iop": "B"}})],
    ids=["other values", "no values", "another finding"],
)
def test_an_answer_to_something_else_does_not_count(key, facts):
    made = a_decision(key, {"accept": "iop/Goal/i"}, facts=facts)
    assert answer([made], KEY, {"iop": "B"}) is None


def test_an_answer_holds_when_a_side_has_come_over_to_what_was_accepted():
    """We wrote it there ourselves, while another EHR, that takes no such write, still says what was overruled."""
    made = a_decision(KEY, {"accept": "iop/Goal/i"}, facts={"values": {"iop": "B", "ced": "C", "pcp": "D"}})
    assert answer([made], KEY, {"iop": "B", "ced": "B", "pcp": "D"}) == made


@pytest.mark.parametrize(
    "values",
    [
        {"iop": "B", "ced": "D", "pcp": "D"},
        {"iop": "C", "ced": "C", "pcp": "D"},
        {"iop": "B", "ced": "B"},
        {"iop": "B", "ced": "B", "pcp": None},
    ],
    ids=["another value that was overruled", "the accepted side left", "a side is gone", "a value is gone"],
)
def test_an_answer_is_asked_for_anew_when_a_side_moves_elsewhere(values):
    made = a_decision(KEY, {"accept": "iop/Goal/i"}, facts={"values": {"iop": "B", "ced": "C", "pcp": "D"}})
    assert answer([made], KEY, values) is None


def test_the_latest_answer_counts():
    facts = {"values": {"iop": "B"}}
    first = a_decision(KEY, {"accept": "iop/Goal/i"}, facts=facts)
    second = a_decision(KEY, {"accept": "ced/Goal/c"}, facts=facts, decided_at=NOW + timedelta(minutes=1))
    assert answer([second, first], KEY, {"iop": "B"}) == second


def test_an_answer_names_the_side_by_its_record():
    made = a_decision(KEY, {"accept": "ced/Goal/c"})
    assert accepted(made, sides(iop="B", ced="C")).value == "C"


def test_an_answer_holds_when_the_ehr_has_recreated_the_record():
    """Some EHRs recreate all goals at each save; the answer was about what that EHR says."""
    made = a_decision(KEY, {"accept": "ced/Goal/gone"})
    assert accepted(made, sides(iop="B", ced="C")).value == "C"


@pytest.mark.parametrize("value", [{"accept": "pcp/Goal/p"}, {"accept": 1}, {}], ids=["no side", "no text", "empty"])
def test_an_answer_that_names_no_side_accepts_none(value):
    assert accepted(a_decision(KEY, value), sides(iop="B", ced="C")) is None
