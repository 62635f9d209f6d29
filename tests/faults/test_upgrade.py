"""An upgrade while workers work: the program of before and the next one at one database, at the same time.

The next program is this one with two more steps of the schema: one that adds, which may be made beside this program,
and one that takes away, which may not. So what is tried is the way from this version on; none before it is run.
"""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import psycopg
import pytest

import coordinator
from coordinator.store.embedded import using
from coordinator.store.migrations import migrations
from tests.faults.scene import LATER, a_scene, undisturbed

pytestmark = pytest.mark.slow

PEOPLE = 30


@pytest.fixture
def next_program(tmp_path):
    """Return a folder with the next version of the program."""
    folder = tmp_path / "next"
    shutil.copytree(Path(coordinator.__file__).parent, folder / "coordinator", ignore=shutil.ignore_patterns("*.pyc"))
    steps = folder / "coordinator" / "store" / "migrations"
    last = len(migrations())
    (steps / f"{last + 1:04}_pre_later.sql").write_text("alter table outbox add column later text;\n")
    (steps / f"{last + 2:04}_post_later.sql").write_text("alter table outbox rename column later to needed;\n")
    return folder


def later_steps(home):
    """Return how many steps the database has beyond those of this program."""
    with (
        using(home) as found,
        psycopg.connect(host=found.host, user=found.user, password=found.password, dbname=found.dbname) as connection,
    ):
        rows = connection.execute("select count(*) from coordinator.schema_migration").fetchone()
    return rows[0] - len(migrations())


def all_told_once(scene):
    paths = [path for _, path, _ in scene.story.writes("ced")]
    return sorted(paths) == sorted({f"Goal/g-{number}" for number in range(PEOPLE)})


async def opened(home, program):
    """Open the database of a home by a program in a process of its own; return the exit code."""
    text = "import asyncio, sys; from pathlib import Path; from coordinator.store import Embedded, open_store\n"
    text += (
        "async def go():\n  async with open_store(Embedded(home=Path(sys.argv[1])), 'faults'): pass\nasyncio.run(go())"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", text, str(home),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(program)}, cwd=home.parent,
    )  # fmt: skip
    return await process.wait()


async def test_old_and_new_work_side_by_side_and_nothing_is_lost_or_written_twice(tmp_path, open_folder, next_program):
    async with a_scene(tmp_path, open_folder, PEOPLE) as scene:
        assert await scene.finish() == 0
        scene.story.move(LATER)
        scene.story.fault("ced", "hold", after_writes=1)  # so that something is left to do for both
        async with scene.worker() as old:
            await scene.reached(old, scene.requests() + 3)
            async with scene.worker(program=next_program) as new:
                while not await asyncio.to_thread(later_steps, scene.home):
                    assert (old.returncode, new.returncode) == (None, None)
                wrote = len(scene.story.writes("ced"))
                assert await scene.finish() == 1, "an old one that is started now is refused: there is a newer"
                assert wrote < PEOPLE, "there was something left to do for both"
                scene.story.fault("ced", "release")
                # 3: what met a table while it was changed was told as failed, and asked for again
                assert (await old.wait() in {0, 3}, await new.wait()) == (True, 0)
            assert later_steps(scene.home) == 1, "what the old one needs is not taken away"
        assert await scene.finish(program=next_program) == 0
        assert all_told_once(scene)
        assert await scene.story.state() == await undisturbed(tmp_path / "undisturbed", PEOPLE)
        assert later_steps(scene.home) == 1
    assert await opened(scene.home, next_program) == 0
    assert later_steps(scene.home) == 2, "once no old program is left"
