"""How long events are kept, and how a prune is told."""

import json
from datetime import timedelta

import pytest

from coordinator.audit import (
    Hold,
    audit_row,
    held_persons,
    hold_of,
    holds_json,
    in_parts,
    prunable_before,
    prune_of,
    pruned_places,
    ranges_of,
    read_holds,
)
from coordinator.audit.kinds import kinds
from coordinator.audit.retention import least_years
from tests.builders import NOW

OF_ALL = Hold(name="case-1", person=None, reason="court", actor="ann", since=NOW)
OF_ONE = Hold(name="case-2", person="pe-1", reason="court", actor="bob", since=NOW)


@pytest.mark.parametrize("kind", kinds())
def test_the_law_asks_for_six_years_of_every_kind_of_event(kind):
    assert least_years(kind) == 6


def test_a_tenant_may_keep_longer_and_never_shorter():
    six = NOW - timedelta(days=6 * 366)
    assert [prunable_before(NOW), prunable_before(NOW, kept_years=3), prunable_before(NOW, kept_years=6)] == [six] * 3
    assert prunable_before(NOW, kept_years=10) == NOW - timedelta(days=10 * 366)


@pytest.mark.parametrize(
    ("places", "ranges"),
    [([], []), ([7], [(7, 7)]), ([3, 1, 2], [(1, 3)]), ([1, 2, 4, 6, 7], [(1, 2), (4, 4), (6, 7)])],
    ids=str,
)
def test_places_are_told_as_ranges(places, ranges):
    assert ranges_of(places) == ranges


def test_a_prune_tells_the_places_that_it_takes():
    ranges = [(1, 2), (4, 4)]
    row = audit_row(prune_of(ranges, actor="ann", now=NOW))
    assert (row.kind, row.actor, row.at, row.subject) == ("prune", "ann", NOW, "audit log")
    assert pruned_places(row.body) == set(ranges)


def test_one_event_tells_of_so_many_ranges_and_the_next_of_more():
    ranges = [(2 * n, 2 * n) for n in range(1001)]
    parts = in_parts(ranges)
    assert [len(one) for one in parts] == [500, 500, 1]
    assert [one for part in parts for one in part] == ranges
    assert in_parts([]) == []


def test_a_hold_of_everybody_holds_all_and_one_of_a_person_theirs():
    assert held_persons([]) == ()
    assert held_persons([OF_ONE]) == ("pe-1",)
    assert held_persons([OF_ONE, OF_ALL]) is None


def test_holds_come_back_as_they_were_kept():
    assert read_holds(json.loads(json.dumps(holds_json([OF_ALL, OF_ONE])))) == [OF_ALL, OF_ONE]
    assert read_holds(None) == read_holds([7]) == []


@pytest.mark.parametrize(("is_end", "kind"), [(False, "hold"), (True, "release-hold")])
def test_a_hold_and_its_end_are_events(is_end, kind):
    row = audit_row(hold_of(OF_ONE, is_end=is_end, actor="cy", now=NOW))
    assert (row.kind, row.actor, row.person, row.subject) == (kind, "cy", "pe-1", "hold case-2")
    assert b'"valueString":"court"' in row.body
    assert b'"valueString":"case-2"' in row.body
