"""Workers are killed and cut off from the database at any moment: all ends as if they had not been, nothing twice.

`make faults` kills more often, over more people.
"""

import os
import random

import pytest

from tests.faults.scene import LATER, a_scene, undisturbed

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("KILLS", "3"))
PEOPLE = int(os.environ.get("PEOPLE", "6"))
SEED = int(os.environ.get("SEED", "1"))
STEP = 60  # a kill comes after at most so many requests more
TOLD_FROM = 20  # so many kills take minutes: each round is told


async def test_workers_killed_at_any_request_leave_nothing_undone_and_nothing_done_twice(tmp_path, open_folder):
    """Rounds of one story, each killed at random points, until so many kills have met a worker at work."""
    rng = random.Random(SEED)
    expected = await undisturbed(tmp_path / "undisturbed", PEOPLE)
    killed = rounds = 0
    while killed < KILLS:
        rounds += 1
        hit = await _killed_round(tmp_path / f"{rounds}", open_folder / f"{rounds}", rng, expected)
        killed += hit
        assert killed * 10 >= rounds, "hardly a kill came before the work was done: next to nothing was tried"
        if KILLS >= TOLD_FROM:
            print(f"round {rounds}: {hit} kills, {killed} of {KILLS}", flush=True)


async def _killed_round(world, home, rng, expected):
    """Live through the story once, killed again and again in both its halves; return how many kills met work."""
    async with a_scene(world, home, PEOPLE) as scene:
        hit = await _killed_until_done(scene, rng)
        scene.story.move(LATER)
        hit += await _killed_until_done(scene, rng)
        state = await scene.state()
        writes = [write for ehr in ("iop", "ced") for write in scene.story.writes(ehr)]
    assert state == expected
    assert len(writes) == len({path for _, path, _ in writes}) == PEOPLE, "one write for each intent"
    return hit


async def _killed_until_done(scene, rng):
    hit = 0
    while await scene.kill_at(scene.requests() + rng.randint(1, STEP)):
        hit += 1
    assert await scene.finish() == 0
    return hit


async def test_connections_cut_while_it_works_cost_time_and_nothing_else(tmp_path, open_folder):
    rng = random.Random(SEED)
    async with a_scene(tmp_path, open_folder, PEOPLE) as scene:
        assert await scene.finish() == 0
        scene.story.move(LATER)
        assert await scene.cut_at(scene.requests() + rng.randint(10, 60)) > 0
        assert await scene.finish() == 0
        assert await scene.state() == await undisturbed(tmp_path / "undisturbed", PEOPLE)
