"""A first load is killed on its way: the next run takes up what was kept, and needs no more memory than before.

`make faults` does so with 100,000 records.
"""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from coordinator.store import Embedded, open_store
from coordinator.store.embedded import using
from tests.builders import a_patient, an_encounter
from tests.faults.scene import TENANT, Scene
from tests.faults.test_troubled_database import syncing
from tests.flow.story import READ, WorldFolder, told

pytestmark = pytest.mark.slow

RECORDS = int(os.environ.get("RECORDS", "6000"))
PAGE = 200
BATCH = 1000  # records that are kept in one transaction
PEOPLE = RECORDS // 100
MOST_MEMORY = 300 * 1024  # KiB


def a_full_chart(folder):
    world = WorldFolder(folder)
    patients = [
        a_patient(f"p-{n}", mrn=f"A{n}", name=[{"family": f"Kin{n:03}", "given": [f"Lo{n:03}"]}]) for n in range(PEOPLE)
    ]
    visits = [an_encounter(f"e-{n}", patient=f"p-{n % PEOPLE}") for n in range(RECORDS)]
    world.ehr("iop", visits, patients=patients, takes={"Encounter": READ}, personality=f"page_cap = {PAGE}")
    return world


def pages(story):
    """Return how many pages of visits were asked for."""
    return sum("/Encounter" in row.path for row in story._served.log("iop"))


async def turned(story, process, number):
    """Wait until so many pages were asked for, or the process has ended."""
    while process.returncode is None and pages(story) < number:
        await asyncio.wait([asyncio.create_task(process.wait())], timeout=0.005)


async def most_memory(process):
    """Return the most memory that a process ever held until it ended, in KiB, as Linux tells it."""
    most = 0
    while process.returncode is None:
        with suppress(OSError, StopIteration):
            lines = await asyncio.to_thread(Path(f"/proc/{process.pid}/status").read_text, "utf-8")
            most = next(int(line.split()[1]) for line in lines.splitlines() if line.startswith("VmHWM:"))
        await asyncio.wait([asyncio.create_task(process.wait())], timeout=0.02)
    return most


async def kept(home):
    async with open_store(Embedded(home=home), TENANT) as store, store.transaction() as tx:
        return sum((await tx.evidence.counts()).values())


async def test_a_first_load_that_was_killed_goes_on_from_what_was_kept(tmp_path, open_folder):
    home = open_folder / "home"
    with using(home, idle_seconds=1.0):
        async with (
            open_store(Embedded(home=home), TENANT) as store,
            told(a_full_chart(tmp_path / "world"), store) as story,
        ):
            scene = Scene(story, home)
            async with syncing(scene) as process:
                await turned(story, process, round(0.6 * RECORDS / PAGE))
                assert process.returncode is None
                process.send_signal(signal.SIGKILL)
                await process.wait()
            before = await kept(home)
            asked = pages(story)
            async with syncing(scene) as process:
                most = await most_memory(process)
                assert process.returncode == 0
            assert before > 0.6 * RECORDS - 2 * BATCH
            assert await kept(home) == RECORDS + PEOPLE
            assert pages(story) - asked <= RECORDS / PAGE + 1, "each page is asked for once more and no more"
    assert 0 < most < MOST_MEMORY
