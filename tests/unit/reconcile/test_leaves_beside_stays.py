"""Leaves while another stay runs: what is an overlap then, and which stay needs an end."""

import pytest

from tests.builders import a_policy, an_encounter, an_episode, evidence


def iop(**more):
    return evidence(an_episode("I-1", **{"level": "4e 2.1", "start": "2026-02-02"} | more))


def elsewhere(number="H-1", *, class_="IMP", ehr="pcp", **more):
    return evidence(an_encounter(number, class_=class_, **more), ehr=ehr)


def moves(made):
    return [(one.kind, one.reason, str(one.on.first)) for one in made.timeline.transitions[1:]]


def codes(made):
    return [one.code for one in made.findings]


def test_residential_care_during_a_leave_is_no_overlap_and_a_step_up(account):
    """TR-12: the IOP goes on hold while the person is in residential care."""
    held = iop(history=[("onhold", "2026-03-02", "2026-03-28")])
    there = evidence(an_episode("R-1", level="3e 3.5", start="2026-03-03", end="2026-03-27"), ehr="res")
    made = account(held, there)
    assert "stay.overlap" not in codes(made)
    assert [move[0] for move in moves(made)] == ["leave", "step-up", "discharge", "return"]


def test_residential_care_beside_an_iop_that_is_not_on_hold_is_an_overlap(account):
    there = evidence(an_episode("R-1", level="3e 3.5", start="2026-03-03", end="2026-03-27"), ehr="res")
    session = evidence(an_encounter("N-1", start="2026-03-12T09:00:00-04:00"))
    assert "stay.overlap" in codes(account(iop(), there, session))


LEFT = {
    "before the other stay began": ("2026-02-20", "2026-03-01", True),
    "until the day on which it began": ("2026-02-20", "2026-03-03", False),
    "from that day on": ("2026-03-03", "2026-03-09", False),
    "later": ("2026-03-20", "2026-03-28", True),
}


@pytest.mark.parametrize(("first", "last", "is_open"), LEFT.values(), ids=LEFT)
def test_a_stay_that_was_on_hold_as_another_began_needs_no_end(account, first, last, is_open):
    held = iop(history=[("onhold", first, last)])
    there = evidence(an_episode("R-1", level="3e 3.5", start="2026-03-03", end="2026-03-27"), ehr="res")
    assert ("stay.end-missing" in codes(account(held, there))) is is_open


def test_who_was_in_a_hospital_as_another_stay_began_was_not_on_hold(account):
    there = evidence(an_episode("R-1", level="3e 3.5", start="2026-03-05", end="2026-03-27"), ehr="res")
    made = account(iop(), elsewhere(start="2026-03-03", end="2026-03-06"), there)
    assert "stay.end-missing" in codes(made)


LATER = {
    "while both ran": ([("onhold", "2026-03-10", "2026-03-19")], 15),
    "after the other had ended": ([("onhold", "2026-03-29", "2026-04-02")], 25),
    "from before the other began": ([("onhold", "2026-02-27", "2026-03-05")], 22),
    "until its last day": ([("onhold", "2026-03-27", "2026-03-30")], 24),
    "partly after": ([("onhold", "2026-03-20", "2026-04-02")], 17),
    "twice": ([("onhold", "2026-03-05", "2026-03-06"), ("onhold", "2026-03-10", "2026-03-11")], 21),
    "told twice over the same days": (
        [("onhold", "2026-03-05", "2026-03-09"), ("onhold", "2026-03-07", "2026-03-09")],
        20,
    ),
}


@pytest.mark.parametrize(("history", "days"), LATER.values(), ids=LATER)
def test_days_of_a_leave_are_no_days_of_an_overlap(account, history, days):
    there = evidence(an_episode("R-1", level="3e 3.5", start="2026-03-03", end="2026-03-27"), ehr="res")
    session = evidence(an_encounter("N-1", start="2026-03-04T09:00:00-05:00"))
    (found,) = [one for one in account(iop(history=history), there, session).findings if one.code == "stay.overlap"]
    assert found.facts["calendar_days"] == days


def test_a_leave_that_goes_on_is_no_part_of_an_overlap_from_its_first_day(account):
    held = iop(status="onhold", history=[("active", "2026-02-02", "2026-03-10"), ("onhold", "2026-03-10", None)])
    there = evidence(an_episode("R-1", level="3e 3.5", start="2026-03-03", end="2026-03-27"), ehr="res")
    session = evidence(an_encounter("N-1", start="2026-03-04T09:00:00-05:00"))
    (found,) = [one for one in account(held, there, session).findings if one.code == "stay.overlap"]
    assert found.facts["calendar_days"] == 7


FEW_DAYS = ("2026-03-06", "2026-03-08")


def test_leaves_from_both_stays_are_no_days_of_their_overlap_whichever_began_first(account):
    held = iop(history=[("onhold", "2026-03-15", "2026-03-17")])
    there = evidence(
        an_episode("R-1", level="3e 3.5", start="2026-03-03", end="2026-03-27", history=[("onhold", *FEW_DAYS)]),
        ehr="res",
    )
    session = evidence(an_encounter("N-1", start="2026-03-04T09:00:00-05:00"))
    (found,) = [one for one in account(held, there, session).findings if one.code == "stay.overlap"]
    assert found.facts["calendar_days"] == 19


def test_days_in_a_hospital_are_days_of_an_overlap_of_two_other_stays(account):
    """Neither program says that the person was on leave from it."""
    there = evidence(an_episode("R-1", level="3e 3.5", start="2026-03-03", end="2026-03-27"), ehr="res")
    session = evidence(an_encounter("N-1", start="2026-03-04T09:00:00-05:00"))
    made = account(iop(), there, session, elsewhere(start="2026-03-10", end="2026-03-12"))
    (found,) = [one for one in made.findings if one.code == "stay.overlap"]
    assert found.facts["calendar_days"] == 25


SEEN = {
    "once": ([(3, 12)], "2026-03-27", 10),
    "twice": ([(3, 5), (3, 12)], "2026-03-27", 10),
    "on the very day on which the hold was learned of": ([(4, 7)], None, 35),
}


@pytest.mark.parametrize(("sessions", "end", "days"), SEEN.values(), ids=SEEN)
def test_who_was_still_seen_at_a_program_had_not_left_it_yet(account, sessions, end, days):
    """An episode that is on hold without a day: what came before its last session is no leave."""
    there = evidence(an_episode("R-1", level="3e 3.5", start="2026-03-03", end=end), ehr="res")
    seen = [
        evidence(an_encounter(f"N-{month}-{day}", start=f"2026-{month:02}-{day:02}T09:00:00-04:00"))
        for month, day in sessions
    ]
    (found,) = [one for one in account(iop(status="onhold"), there, *seen).findings if one.code == "stay.overlap"]
    assert found.facts["calendar_days"] == days


def test_who_was_seen_on_the_first_day_on_which_a_leave_may_have_begun_was_there_on_that_day(account):
    there = evidence(an_episode("R-1", level="3e 3.5", start="2026-02-02", end="2026-02-20"), ehr="res")
    session = evidence(an_encounter("N-1", start="2026-02-02T09:00:00-05:00"))
    policy = a_policy(options={"handover_days": 0})
    made = account(iop(status="onhold"), there, session, policy=policy)
    assert [one.facts["calendar_days"] for one in made.findings if one.code == "stay.overlap"] == [1]
