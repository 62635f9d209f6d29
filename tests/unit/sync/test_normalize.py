"""Entries of a page: what is news, what is not even parsed, and what is set aside with its reason."""

import json
from dataclasses import replace
from hashlib import sha256

import pytest

from coordinator.reconcile import Presence
from coordinator.sync.normalize import sort_entries
from coordinator.sync.records import Known
from tests.builders import NOW, a_goal, an_encounter, an_episode

GOAL = a_goal() | {"meta": {"versionId": "1"}}
RAW = json.dumps(GOAL).encode()


def sorted_entries(*entries, known=None, type_="Goal"):
    return sort_entries(entries, type_, ehr="iop", known=known or {}, now=NOW)


def as_known(raw, **more):
    (one,) = sorted_entries(raw).changed
    held = Known(
        raw_hash=one.raw_hash,
        canonical_hash=one.canonical_hash,
        version=one.version,
        presence=Presence.PRESENT,
        patient=one.patient,
    )
    return {one.id: replace(held, **more)}


def test_a_new_record_is_news_with_its_hashes_version_and_patient():
    found = sorted_entries(RAW)
    (one,) = found.changed
    assert (one.ehr, one.type, one.id, one.version, one.patient, one.body) == ("iop", "Goal", "G-1", "1", "p-1", RAW)
    assert (found.seen, found.quarantined) == (("G-1",), ())


def test_the_same_bytes_are_seen_and_not_parsed():
    """What we hold by hash is not looked into: even bytes that no parser would take."""
    unsound = b'{"resourceType":"Goal","id":"G-1","x":1,"x":2}'
    known = {"G-1": replace(as_known(RAW)["G-1"], raw_hash=sha256(unsound).digest())}
    found = sorted_entries(unsound, known=known)
    assert (found.changed, found.quarantined, found.seen) == ((), (), ("G-1",))


NEWS = {
    "other content and version": (GOAL | {"meta": {"versionId": "2"}, "lifecycleStatus": "completed"}, True),
    "another version of the same content": (GOAL | {"meta": {"versionId": "2"}}, True),
    "other content under the same version": (GOAL | {"lifecycleStatus": "completed"}, True),
    "keys in another order": (dict(reversed(GOAL.items())), False),
    "another moment of the same version": (GOAL | {"meta": {"versionId": "1", "lastUpdated": "2026-04-07"}}, False),
}


@pytest.mark.parametrize(("tree", "is_news"), NEWS.values(), ids=NEWS)
def test_what_is_news(tree, is_news):
    found = sorted_entries(json.dumps(tree).encode(), known=as_known(RAW))
    assert (bool(found.changed), found.seen) == (is_news, ("G-1",))


def test_a_server_that_stamps_each_answer_anew_and_gives_no_versions_brings_no_news():
    def stamped(moment):
        return json.dumps(a_goal() | {"meta": {"lastUpdated": moment}}).encode()

    known = as_known(stamped("2026-04-07T12:00:00Z"))
    assert sorted_entries(stamped("2026-04-07T12:05:00Z"), known=known).changed == ()


@pytest.mark.parametrize("presence", [Presence.DELETED, Presence.HIDDEN])
def test_a_record_that_is_back_is_news_even_with_the_same_bytes(presence):
    assert len(sorted_entries(RAW, known=as_known(RAW, presence=presence)).changed) == 1


ASIDE = {
    "no JSON": (b'{"resourceType":"Goal","id":"G-1",', ""),
    "a key twice": (b'{"resourceType":"Goal","id":"G-1","id":"G-2"}', ""),
    "no resource": (b'["G-1"]', ""),
    "no id": (json.dumps({name: value for name, value in GOAL.items() if name != "id"}).encode(), "Goal.id"),
    "a status that FHIR does not know": (
        json.dumps(GOAL | {"lifecycleStatus": "bogus"}).encode(),
        "Goal.lifecycleStatus",
    ),
}


@pytest.mark.parametrize(("raw", "place"), ASIDE.values(), ids=ASIDE)
def test_what_can_not_be_read_is_set_aside_whole_with_reason_and_place(raw, place):
    found = sorted_entries(raw)
    (aside,) = found.quarantined
    assert (aside.body, aside.ehr, aside.type, found.changed) == (raw, "iop", "Goal", ())
    assert aside.reason
    assert place in aside.place


def test_an_unsound_record_does_not_take_its_page_along():
    found = sorted_entries(b"{", RAW)
    assert (len(found.quarantined), [one.id for one in found.changed]) == (1, ["G-1"])


def test_a_record_of_another_type_among_the_entries_is_left_to_its_own_pull():
    found = sorted_entries(json.dumps(an_episode()).encode())
    assert (found.changed, found.quarantined, found.seen) == ((), (), ())


def test_a_doubtful_target_of_a_reference_loses_nothing():
    odd = json.dumps(GOAL | {"subject": {"reference": "Device/d-1"}}).encode()
    assert len(sorted_entries(odd).changed) == 1


def test_a_period_that_ends_before_it_begins_is_set_aside_with_its_place():
    raw = json.dumps(an_encounter(start="2026-03-02", end="2026-02-02")).encode()
    (aside,) = sorted_entries(raw, type_="Encounter").quarantined
    assert (aside.place, aside.reason) == ("Encounter.period", "the period ends before it starts")


STAYS = {
    "nothing else is wrong": ({}, True),
    "another status than there is": ({"status": "gone"}, False),
    "another period is wrong, too": ({"history": [("active", "2026-03-02", "2026-02-02")]}, False),
}


@pytest.mark.parametrize(("more", "kept"), STAYS.values(), ids=STAYS)
def test_a_stay_that_ends_before_it_begins_is_kept_and_asked_about_where(more, kept):
    """In quarantine nobody who looks at the person would see that the program has a stay of theirs at all."""
    raw = json.dumps(an_episode(start="2026-03-02", end="2026-02-02", **more)).encode()
    found = sorted_entries(raw, type_="EpisodeOfCare")
    assert (len(found.changed), len(found.quarantined)) == ((1, 0) if kept else (0, 1))
