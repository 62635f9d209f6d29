"""The program is killed while it brings a database up to date: the next one finishes what was begun."""

import asyncio
import os
import random
import signal

import pytest

from coordinator.store import Embedded, open_store
from coordinator.store.embedded import using
from tests.flow.conftest import COMMAND

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("KILLS", "4"))
SEED = int(os.environ.get("SEED", "1"))


async def looking(home):
    return await asyncio.create_subprocess_exec(
        str(COMMAND), "doctor", "--local",
        env={"COORDINATOR_HOME": str(home), "PATH": os.environ["PATH"]},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip


async def held(home):
    async with open_store(Embedded(home=home), "faults") as store, store.transaction() as tx:
        return await tx.registry.ehrs()


async def test_a_migration_killed_on_its_way_is_finished_by_the_next_program(open_folder):
    rng = random.Random(SEED)
    home = open_folder / "home"
    with using(home, idle_seconds=1.0):
        killed = 0
        for _ in range(KILLS):
            process = await looking(home)
            await asyncio.wait([asyncio.create_task(process.wait())], timeout=rng.uniform(0.3, 1.2))
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
                killed += 1
            await process.wait()
        process = await looking(home)
        said, _ = await process.communicate()
        assert (process.returncode, killed > 0) == (0, True), said.decode()
        assert await held(home) == []
