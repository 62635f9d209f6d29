"""Worlds drawn by a seed: the same bytes each time, fit to be served, and full of what EHRs disagree about."""

import hashlib
import json

import pytest

from coordinator.errors import InvalidInput
from coordinator.fhir import check, read_document
from coordinator.sandbox import read_world
from coordinator.sandbox.drawn_world import drawn_world
from coordinator.sandbox.new_world import write_new_world


def digest(files):
    told = hashlib.sha256()
    for name, content in files.items():
        told.update(name.encode() + b"\0" + content + b"\0")
    return told.hexdigest()


def records(files):
    return [
        json.loads(line) for name, content in files.items() if name.endswith(".ndjson") for line in content.splitlines()
    ]


def test_a_seed_draws_the_same_bytes_on_any_day_and_machine():
    """A change here is a change for everybody who keeps a seed."""
    assert digest(drawn_world(people=12, seed=7)) == "cc1ecaa6eebb214eaf40ee505f7870c9fe8fa7f7fb635e931b4ed228e278b469"
    assert digest(drawn_world(people=12, seed=8)) != digest(drawn_world(people=12, seed=7))


def test_more_people_leave_those_that_were_drawn_before_as_they_were():
    few, many = drawn_world(people=3, seed=5), drawn_world(people=9, seed=5)
    held = {json.dumps(one, sort_keys=True) for one in records(many)}
    assert [one["id"] for one in records(few) if json.dumps(one, sort_keys=True) not in held] == []


@pytest.mark.parametrize("seed", range(12))
def test_a_drawn_world_is_one_that_can_be_served(tmp_path, seed):
    written = write_new_world(tmp_path / "world", people=1 + seed, seed=seed)
    world = read_world(tmp_path / "world")
    assert 2 <= len(world.ehrs) <= 4
    assert "world.toml" in written
    for ehr in world.ehrs:
        for raws in ehr.resources.values():
            assert [one for raw in raws for one in check(read_document(raw)) if one.blocks] == []
    assert [one for _, raw in world.consents for one in check(read_document(raw)) if one.blocks] == []


def test_drawn_charts_disagree_and_change_later():
    files = [drawn_world(people=30, seed=seed) for seed in range(4)]
    assert any("/changes/" in name for name in files[0])
    told = [one for world in files for one in records(world)]
    stays = [one for one in told if one["resourceType"] == "EpisodeOfCare"]
    assert {one["status"] for one in stays} == {"active", "finished"}
    dues = {}
    for one in (one for one in told if one["resourceType"] == "Goal"):
        dues.setdefault((one["description"]["text"], one["id"][1:]), set()).add(one["target"][0]["dueDate"])
    assert any(len(found) > 1 for found in dues.values())


def test_nothing_is_overwritten(tmp_path):
    write_new_world(tmp_path / "world", people=2, seed=1)
    with pytest.raises(InvalidInput, match="not empty"):
        write_new_world(tmp_path / "world", people=2, seed=1)
