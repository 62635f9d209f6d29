"""When a lane is asked, and what a full compare holds against it."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from coordinator.errors import NotFound
from coordinator.fhir import read_document
from coordinator.sandbox.memory_store import MemoryStore
from coordinator.sync.lanes import MOST_RESTAMPED, Check, compared, course, turn_lanes, walked
from coordinator.sync.ports import Pulled
from coordinator.sync.records import Cursor
from coordinator.sync.versions import received
from coordinator.sync.ways import FastLane
from tests.builders import NOW, a_goal

LANE = FastLane(way="last-updated", basis="here", full_every=timedelta(hours=24))
CURSOR = Cursor(ehr="iop", type="Goal", way="last-updated", basis="here", mark=NOW, compared_at=NOW)


class Offers:
    """An EHR that offers one lane, or none."""

    name = "iop"

    def __init__(self, lane):
        self.lane_of_all = lane

    def lane(self, type_):
        return self.lane_of_all


WAYS = {
    "between two compares": (LANE, CURSOR, 1, "fast"),
    "just before a compare is due": (LANE, CURSOR, 23.99, "fast"),
    "a compare is due": (LANE, CURSOR, 24, "checked"),
    "our clock went back": (LANE, CURSOR, -1, "checked"),
    "nothing to go on from": (LANE, None, 1, "full"),
    "turned off": (LANE, replace(CURSOR, off="it missed some"), 1, "full"),
    "no longer offered": (None, CURSOR, 1, "full"),
    "by another way": (replace(LANE, way="history"), CURSOR, 1, "full"),
    "at another address": (replace(LANE, basis="there"), CURSOR, 1, "full"),
}


@pytest.mark.parametrize(("lane", "cursor", "hours", "way"), WAYS.values(), ids=WAYS)
def test_a_lane_is_asked_between_two_compares_of_the_same_basis(lane, cursor, hours, way):
    cursors = {"Goal": cursor} if cursor else {}
    found = course(Offers(lane), ["Goal"], cursors=cursors, now=NOW + timedelta(hours=hours))
    assert [name for name in ("fast", "checked", "full") if "Goal" in getattr(found, name)] == [way]
    assert found.since == ({} if way == "full" else {"Goal": NOW})


# --- what a full compare finds --------------------------------------------------------------------------------------


def goal(id_, minutes=None, **more):
    """Return a goal that is stamped so many minutes after the mark."""
    stamp = {"meta": {"lastUpdated": (NOW + timedelta(minutes=minutes)).isoformat()}} if minutes is not None else {}
    return json.dumps(a_goal(id_) | stamp | more).encode()


def missed(shown, *, changed=(), brought=(), until=60):
    """Return how many a lane missed that brought these, and must have shown all until so many minutes."""
    check = Check(since=NOW, until=NOW + timedelta(minutes=until), brought=frozenset(brought))
    check.look(shown)
    check.news(received(read_document(raw), raw, ehr="iop", now=NOW) for raw in changed)
    return check.count(Pulled(type="Goal"))


def test_what_is_stamped_since_must_have_been_shown_whether_we_held_it_or_not():
    assert missed([goal("a", 5), goal("b", 5), goal("old", -5)], brought=["a"]) == 1


def test_what_changed_without_its_stamp_moving_is_missed_for_ever():
    late = goal("a", -5)
    assert missed([late], changed=[late]) == 1
    unstamped = goal("b")
    assert missed([unstamped], changed=[unstamped]) == 1


def test_what_was_saved_while_both_walked_is_not_its_fault():
    new = goal("a", 61)
    assert missed([new], changed=[new]) == 0


@pytest.mark.parametrize(("count", "found"), [(MOST_RESTAMPED - 1, 0), (MOST_RESTAMPED, MOST_RESTAMPED)])
def test_stamps_of_the_answer_are_no_stamps_of_a_change(count, found):
    """Some servers stamp every record with the moment of the answer: such a lane can show nothing of worth."""
    assert missed([goal(f"g-{number}", 90) for number in range(count)]) == found


def test_what_can_not_be_read_is_held_against_nobody():
    assert missed([b"{", b"[]"]) == 0


def test_a_lane_that_showed_nothing_must_have_shown_where_its_mark_came_from():
    check = Check(since=NOW, until=None, brought=frozenset())
    check.look([goal("a", 10), goal("b", 30)])
    ten = timedelta(minutes=10)
    assert check.count(Pulled(type="Goal", newest=NOW + 3 * ten, mark=NOW + 2 * ten)) == 1
    assert check.count(Pulled(type="Goal")) == 0


# --- how a lane stands afterwards -----------------------------------------------------------------------------------


def test_a_walk_never_moves_a_mark_back():
    later = NOW + timedelta(hours=1)
    assert walked(CURSOR, Pulled(type="Goal", mark=later)).mark == later
    assert walked(replace(CURSOR, mark=later), Pulled(type="Goal", mark=NOW)).mark == later
    assert walked(CURSOR, Pulled(type="Goal")) == CURSOR


def test_what_was_missed_adds_up_and_the_first_time_turns_the_lane_off():
    first = compared(CURSOR, CURSOR, 2)
    again = compared(first, CURSOR, 3)
    assert (first.missed, again.missed) == (2, 5)
    assert first.off == again.off == "a full compare found 2 changes that it had not shown"
    assert compared(CURSOR, CURSOR, 0) == CURSOR
    assert compared(replace(first, basis="there"), CURSOR, 0) == CURSOR, "elsewhere it begins anew"


async def test_lanes_are_turned_off_and_on_by_a_person_and_that_is_in_the_log():
    store = MemoryStore()
    async with store.transaction() as tx:
        await tx.pulls.put_cursor(CURSOR)
        await tx.pulls.put_cursor(replace(CURSOR, type="Task"))
        (turned,) = await turn_lanes(tx, "iop", ["Goal"], off="by hand", by=("ann", NOW))
        assert (turned.off, (await tx.pulls.cursors("iop"))["Task"].off) == ("by hand", "")
        assert len(await turn_lanes(tx, "iop", [], off="", by=("ann", NOW))) == 2
        assert {one.off for one in (await tx.pulls.cursors("iop")).values()} == {""}
        assert [(one.actor, one.ehr) for one in await tx.audit.query("configuration")] == [("ann", "iop")] * 2
        for ehr, types in (("iop", ["CarePlan"]), ("elsewhere", [])):
            with pytest.raises(NotFound):
                await turn_lanes(tx, ehr, types, off="", by=("ann", NOW))
