"""What counts of the evidence: each version once, as learned of last, and what is there and not our own echo."""

from datetime import timedelta

import pytest

from coordinator.reconcile import Presence
from coordinator.reconcile.chart import chart_of, distinct
from tests.builders import NOW, an_encounter, an_episode, evidence

EARLIER = NOW - timedelta(hours=1)

TWICE = {
    "learned of again later": ({"learned_at": EARLIER}, {"learned_at": NOW}),
    "gone by then": ({"learned_at": EARLIER}, {"learned_at": NOW, "presence": Presence.DELETED}),
    "back by then": ({"learned_at": EARLIER, "presence": Presence.HIDDEN}, {"learned_at": NOW}),
    "at one instant, once as gone": ({"presence": Presence.DELETED}, {}),
    "at one instant, once as our own": ({}, {"ours": True}),
}


@pytest.mark.parametrize(("first", "second"), TWICE.values(), ids=TWICE)
def test_a_version_that_arrived_twice_counts_once_as_learned_of_last(first, second):
    one, other = evidence(an_episode(), **first), evidence(an_episode(), **second)
    assert distinct([one, other]) == distinct([other, one]) == [other]


def test_versions_are_told_in_the_order_of_their_citations():
    second, first = evidence(an_episode("E-2")), evidence(an_episode("E-1"))
    assert distinct([second, first]) == [first, second]


def test_a_chart_holds_what_is_there_and_not_our_own():
    there = evidence(an_episode("E-1"))
    ours = evidence(an_episode("E-2"), ours=True)
    gone = evidence(an_episode("E-3"), presence=Presence.DELETED)
    chart = chart_of(distinct([there, ours, gone, evidence(an_encounter())]))
    assert [one.ref for one in chart.episodes] == [there.ref]
    assert [one.ref for one in chart.vanished] == [gone.ref]
    assert len(chart.encounters) == 1
