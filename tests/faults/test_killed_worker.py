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


async def test_workers_killed_at_any_request_leave_nothing_undone_and_nothing_done_twice(tmp_path, open_folder):
    rng = random.Random(SEED)
    async with a_scene(tmp_path, open_folder, PEOPLE) as scene:
        killed = 0
        for number in range(KILLS):
            if number == KILLS // 2:
                assert await scene.finish() == 0
                scene.story.move(LATER)
            killed += await scene.kill_at(scene.requests() + rng.randint(1, 30 + 4 * PEOPLE))
        assert await scene.finish() == 0
        state = await scene.state()
        writes = [write for ehr in ("iop", "ced") for write in scene.story.writes(ehr)]
    assert killed, "no kill came before the work was done: nothing was tried"
    assert state == await undisturbed(tmp_path / "undisturbed", PEOPLE)
    assert len(writes) == len({path for _, path, _ in writes}) == PEOPLE, "one write for each intent"


async def test_connections_cut_while_it_works_cost_time_and_nothing_else(tmp_path, open_folder):
    rng = random.Random(SEED)
    async with a_scene(tmp_path, open_folder, PEOPLE) as scene:
        assert await scene.finish() == 0
        scene.story.move(LATER)
        assert await scene.cut_at(scene.requests() + rng.randint(10, 60)) > 0
        assert await scene.finish() == 0
        assert await scene.state() == await undisturbed(tmp_path / "undisturbed", PEOPLE)
