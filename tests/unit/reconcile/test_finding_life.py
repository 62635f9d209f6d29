"""How a finding stands follows from its turns alone, and its turns from what was found before and now."""

from dataclasses import replace
from datetime import timedelta

import pytest

from coordinator.reconcile.finding_life import (
    Cause,
    FindingEvent,
    Turn,
    events_of,
    life_of,
    lives,
    turned,
)
from coordinator.reconcile.findings import finding
from tests.builders import NOW

GAP = finding("mat.coverage-gap", "course", facts={"days": 9}, evidence=["pcp/MedicationDispense/1@1"])
STAY = finding("stay.end-missing", "stay", facts={}, evidence=["res/EpisodeOfCare/1@1"])


def event(turn, actor="system:sync", hours=0, **more):
    return FindingEvent(key="k", turn=turn, at=NOW + timedelta(hours=hours), actor=actor, **more)


OPENED = event(Turn.OPENED)
SEEN = event(Turn.SEEN, "ada", 1)
ASSIGNED = event(Turn.ASSIGNED, "ada", 2, assignee="ben")
ANSWERED = event(Turn.ANSWERED, "casey", 3)
RESOLVED = event(Turn.RESOLVED, "casey", 4, cause=Cause.PERSON)
REOPENED = event(Turn.REOPENED, hours=5)


@pytest.mark.parametrize(
    ("events", "state", "since", "assignee", "cause"),
    [
        ([], "open", None, "", Cause.NONE),
        ([OPENED], "open", NOW, "", Cause.NONE),
        ([OPENED, SEEN], "seen", NOW, "", Cause.NONE),
        ([OPENED, ASSIGNED, SEEN], "assigned", NOW, "ben", Cause.NONE),
        ([OPENED, ASSIGNED, event(Turn.ASSIGNED, "ben", 3, assignee="cy")], "assigned", NOW, "cy", Cause.NONE),
        ([OPENED, ANSWERED, ASSIGNED], "answered", NOW, "ben", Cause.NONE),
        ([OPENED, ANSWERED, RESOLVED], "resolved", NOW, "", Cause.PERSON),
        ([OPENED, ASSIGNED, RESOLVED, REOPENED], "reopened", REOPENED.at, "ben", Cause.NONE),
        ([OPENED, RESOLVED, REOPENED, SEEN], "seen", REOPENED.at, "", Cause.NONE),
        ([SEEN], "seen", None, "", Cause.NONE),
    ],
    ids=[
        "untold",
        "opened",
        "seen",
        "assigned, then seen",
        "to another",
        "answered",
        "resolved",
        "came back",
        "seen anew",
        "no start",
    ],
)
def test_how_a_finding_stands(events, state, since, assignee, cause):
    life = life_of(events)
    assert (life.state, life.since, life.assignee, life.cause) == (state, since, assignee, cause)
    assert life.events == tuple(events)


def test_a_look_counts_until_the_finding_comes_back_and_for_who_looked():
    assert life_of([OPENED, SEEN]).was_seen_by("ada")
    assert not life_of([OPENED, SEEN]).was_seen_by("ben")
    assert not life_of([OPENED, ASSIGNED]).was_seen_by("ada")
    assert not life_of([OPENED, SEEN, RESOLVED, REOPENED]).was_seen_by("ada")


def test_lives_are_told_apart_by_person_and_key():
    other = replace(SEEN, key="other")
    told = lives([("p", OPENED), ("q", OPENED), ("p", SEEN), ("p", other)])
    assert {place: one.events for place, one in told.items()} == {
        ("p", "k"): (OPENED, SEEN),
        ("q", "k"): (OPENED,),
        ("p", "other"): (other,),
    }


def resolved(one):
    return replace(one, status="resolved")


@pytest.mark.parametrize(
    ("before", "found", "changed", "turns"),
    [
        ([], [], [], {}),
        ([], [GAP], [GAP], {GAP.key: Turn.OPENED}),
        ([GAP], [GAP], [], {}),
        ([GAP], [replace(GAP, facts={"days": 10})], [replace(GAP, facts={"days": 10})], {}),
        ([GAP, STAY], [STAY], [resolved(GAP)], {GAP.key: Turn.RESOLVED}),
        ([resolved(GAP)], [], [], {}),
        ([resolved(GAP)], [GAP], [GAP], {GAP.key: Turn.REOPENED}),
    ],
    ids=["none", "new", "the same", "other facts", "no more", "no more, still", "again"],
)
def test_what_is_found_now_turns_what_was_found_before(before, found, changed, turns):
    assert turned({one.key: one for one in before}, found) == (changed, turns)


@pytest.mark.parametrize(
    ("turn", "told", "actor", "cause"),
    [
        (Turn.OPENED, [], "system:sync", Cause.NONE),
        (Turn.REOPENED, [OPENED, ANSWERED, RESOLVED], "system:sync", Cause.NONE),
        (Turn.RESOLVED, [OPENED], "system:sync", Cause.EVIDENCE),
        (Turn.RESOLVED, [OPENED, SEEN], "system:sync", Cause.EVIDENCE),
        (Turn.RESOLVED, [OPENED, event(Turn.ANSWERED, "ada", 1), ANSWERED], "casey", Cause.PERSON),
        (Turn.RESOLVED, [OPENED, ANSWERED, RESOLVED, REOPENED], "system:sync", Cause.EVIDENCE),
        (Turn.RESOLVED, [OPENED, replace(ANSWERED, key="other")], "system:sync", Cause.EVIDENCE),
    ],
    ids=["opened", "reopened", "by evidence", "seen alone", "by the last who answered", "answered before", "another's"],
)
def test_who_turned_a_finding_and_by_what(turn, told, actor, cause):
    at = NOW + timedelta(hours=9)
    assert events_of({"k": turn}, told, at) == [FindingEvent(key="k", turn=turn, at=at, actor=actor, cause=cause)]


def test_turns_are_told_in_the_order_of_their_keys():
    told = events_of({"b": Turn.OPENED, "a": Turn.RESOLVED}, [], NOW)
    assert [(one.key, one.turn) for one in told] == [("a", Turn.RESOLVED), ("b", Turn.OPENED)]
