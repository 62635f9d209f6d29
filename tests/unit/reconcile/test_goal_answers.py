"""An answer about a goal counts in every view that may know its records, whatever name the view has for the goal."""

import pytest

from coordinator.reconcile import Presence
from tests.builders import a_decision, a_goal, evidence

ABSTAIN, OTHER = "Maintain abstinence from alcohol and other drugs", "Build a sober support network"
WHOLE, WORK, FAMILY = "Return to work, repair family relationships", "Return to work", "Repair family"


def goal(ehr, id_="G-1", *, text=ABSTAIN, presence=Presence.PRESENT, version="1", **more):
    return evidence(a_goal(id_, text=text, **more), ehr=ehr, presence=presence, version=version)


def by_iop(account, *records):
    """Return what is agreed where iop's records were met first and give the goals their names."""
    first = account(*(one for one in records if one.ehr == "iop")).agreed
    return account(*records, agreed=first).agreed


def by_ced(account, *records):
    """Return what is agreed where all records were met at once: the first in order gives a goal its name."""
    return account(*records).agreed


def answered(made, value):
    """Return the answer to the one question of an account, resting on what the question rests on."""
    (found,) = made.findings
    return a_decision(found.key, value, facts=found.facts, evidence=found.evidence)


BOTH = (goal("iop", due="2026-06-30"), goal("ced", due="2026-06-30"))
EDITED = (goal("iop", due="2026-07-31", version="2"), goal("ced", due="2026-08-31", version="2"))
ACCEPT = {"accept": "iop/Goal/G-1"}


@pytest.mark.parametrize(("one", "other"), [(by_iop, by_ced), (by_ced, by_iop)], ids=["iop's name", "ced's name"])
def test_a_value_that_a_person_chose_holds_where_the_goal_has_another_name(account, one, other):
    asked, here = account(*EDITED, agreed=one(account, *BOTH)), other(account, *BOTH)
    made = account(*EDITED, agreed=here, decisions=[answered(asked, ACCEPT)])
    assert asked.findings[0].key != account(*EDITED, agreed=here).findings[0].key
    assert made.findings == ()
    assert [goal.values["dueDate"] for goal in made.plan.goals] == ["2026-07-31"]


def test_an_answer_about_one_field_is_none_about_another_of_the_same_values(account):
    """A due day and words may be the same by chance; which field was asked about is part of the question."""
    texts = (goal("iop", text=f"{ABSTAIN} now", version="2"), goal("ced", text=f"{ABSTAIN} daily", version="2"))
    asked = answered(account(*texts, agreed=by_iop(account, *BOTH)), ACCEPT)
    other = a_decision(asked.key, ACCEPT, facts={**asked.facts, "field": "dueDate"}, evidence=asked.evidence)
    assert len(account(*texts, agreed=by_ced(account, *BOTH), decisions=[other]).findings) == 1


def test_an_answer_whose_records_are_of_another_goal_is_none_about_this_one(account):
    asked = answered(account(*EDITED, agreed=by_iop(account, *BOTH)), ACCEPT)
    other = a_decision(asked.key, ACCEPT, facts=asked.facts, evidence=("iop/Goal/G-9@1", "ced/Goal/G-9@1"))
    assert len(account(*EDITED, agreed=by_ced(account, *BOTH), decisions=[other]).findings) == 1


def test_an_answer_about_records_that_are_two_goals_here_counts_for_neither(account):
    more = (goal("iop", "G-2", text=OTHER, due="2026-06-30"), goal("ced", "G-2", text=OTHER, due="2026-06-30"))
    before = by_ced(account, *BOTH, *more)
    asked = answered(account(*EDITED, agreed=by_iop(account, *BOTH)), ACCEPT)
    mixed = a_decision(asked.key, ACCEPT, facts=asked.facts, evidence=("iop/Goal/G-1@2", "ced/Goal/G-2@1"))
    assert len(account(*EDITED, *more, agreed=before, decisions=[mixed]).findings) == 1


def test_an_answer_of_another_kind_about_the_same_records_is_none(account):
    asked = answered(account(*EDITED, agreed=by_iop(account, *BOTH)), ACCEPT)
    other = a_decision("plan.status-differs:goal", ACCEPT, facts=asked.facts, evidence=asked.evidence)
    assert len(account(*EDITED, agreed=by_ced(account, *BOTH), decisions=[other]).findings) == 1


@pytest.mark.parametrize("keep", [True, False], ids=["stays", "is given up"])
def test_whether_a_goal_that_is_gone_somewhere_stays_holds_where_it_has_another_name(account, keep):
    """The record that is gone is a member no more; that it was one is remembered."""
    now = (BOTH[0], goal("ced", due="2026-06-30", presence=Presence.DELETED))
    asked = answered(account(*now, agreed=by_iop(account, *BOTH)), {"keep": keep})
    by_gone = a_decision(asked.key, asked.value, facts=asked.facts, evidence=("ced/Goal/G-1@1",))
    for decided in (asked, by_gone):
        made = account(*now, agreed=by_ced(account, *BOTH), decisions=[decided])
        (left,) = made.plan.goals
        assert (made.findings, left.values["lifecycleStatus"]) == ((), "active" if keep else "cancelled")


WHOLES = (goal("iop", text=WHOLE), goal("ced", text=WHOLE))
PARTS = (goal("ced", text=WHOLE, presence=Presence.DELETED), goal("ced", "c-2", text=WORK))
SPLIT = (WHOLES[0], *PARTS, goal("ced", "c-3", text=FAMILY))


def test_whether_a_goal_was_split_holds_where_it_has_another_name(account):
    asked = account(*SPLIT, agreed=by_iop(account, *WHOLES))
    made = account(*SPLIT, agreed=by_ced(account, *WHOLES), decisions=[answered(asked, {"keep": False})])
    assert [one.code for one in asked.findings] == ["plan.goal-split"]
    assert made.findings == ()
    states = {one.values["description"]: one.values["lifecycleStatus"] for one in made.plan.goals}
    assert states == {WHOLE: "cancelled", WORK: "active", FAMILY: "active"}


def test_whether_goals_were_put_together_holds_where_they_have_other_names(account):
    lost = (goal("ced", "c-1", text=WORK), goal("ced", "c-2", text=FAMILY))
    before = (goal("iop", "i-1", text=WORK), goal("iop", "i-2", text=FAMILY), *lost)
    gone = goal("ced", "c-2", text=FAMILY, presence=Presence.DELETED)
    now = (*before[:2], goal("ced", "c-1", text=WHOLE, version="2"), gone)
    asked = account(*now, agreed=by_iop(account, *before))
    here = by_ced(account, *before)
    assert [one.code for one in asked.findings] == ["plan.goal-merged"]
    assert account(*now, agreed=here, decisions=[answered(asked, {"keep": False})]).findings == ()


# ---- between whom ----------------------------------------------------------------------------------------------------
THREE = (*BOTH, goal("pcp", due="2026-06-30"))
THREE_EDITED = (*EDITED, goal("pcp", due="2026-09-30", version="2"))


def test_an_answer_between_fewer_ehrs_leaves_that_between_all_of_them_as_it_was(account):
    """One key is asked twice: in the account, and in the view of a recipient that may not know all of them."""
    whole, part = account(*THREE), account(*BOTH)
    all_of_them = answered(account(*THREE_EDITED, agreed=whole.agreed), ACCEPT)
    some = answered(account(*EDITED, agreed=part.agreed), {"accept": "ced/Goal/G-1"})
    decisions = [all_of_them, a_decision(some.key, some.value, facts=some.facts, actor="dana", evidence=some.evidence)]
    assert all_of_them.key == some.key
    told = account(*THREE_EDITED, agreed=whole.agreed, decisions=decisions)
    assert [one.values["dueDate"] for one in told.plan.goals] == ["2026-07-31"]
    told = account(*EDITED, agreed=part.agreed, decisions=decisions)
    assert [one.values["dueDate"] for one in told.plan.goals] == ["2026-08-31"]


def test_that_a_goal_stays_as_fewer_ehrs_have_it_is_no_answer_for_all_of_them(account):
    gone = goal("ced", due="2026-06-30", presence=Presence.DELETED)
    whole, part = account(*THREE), account(*BOTH)
    all_of_them = answered(account(BOTH[0], gone, THREE[2], agreed=whole.agreed), {"keep": True})
    some = answered(account(BOTH[0], gone, agreed=part.agreed), {"keep": False})
    later = a_decision(some.key, some.value, facts=some.facts, actor="dana", evidence=some.evidence)
    told = account(BOTH[0], gone, THREE[2], agreed=whole.agreed, decisions=[all_of_them, later])
    assert [one.values["lifecycleStatus"] for one in told.plan.goals] == ["active"]
    assert told.findings == ()
