"""A scene for real faults: a world of many people, workers in processes of their own, and what they end in."""

import asyncio
import os
import random
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg

from coordinator.sandbox.memory_store import MemoryStore
from coordinator.store import Embedded, open_store
from coordinator.store.embedded import using
from tests.builders import a_consent, a_goal, a_patient
from tests.flow.conftest import COMMAND
from tests.flow.story import WorldFolder, told

TENANT = "faults"
LATER = "2026-04-09T12:00:00Z"


def a_crowd(folder, people, *, page_cap=50):
    """Two programs that both know everybody; one moves each person's goal, and the other is to be told."""
    world = WorldFolder(folder)
    patients = [a_person(number) for number in range(people)]
    goals = [a_goal(f"g-{n}", due="2026-06-30", patient=f"p-{n}") for n in range(people)]
    moved = [a_goal(f"g-{n}", due="2026-07-31", patient=f"p-{n}") for n in range(people)]
    pages = f"page_cap = {page_cap}"
    world.ehr("iop", goals, patients=patients, later={"2026-04-08T00-00Z": moved}, personality=pages)
    world.ehr("ced", goals, patients=patients, personality=pages)
    for number in range(people):
        world.consent(a_consent(f"C-{number}", discloser="iop", recipient="ced", mrn=f"A{number}"))
    return world


def a_person(number):
    """Return a patient who is nobody else: another name, birth date and phone."""
    rng = random.Random(number)
    family = "".join(rng.choice("bdfgklmnprst") + rng.choice("aeiou") for _ in range(4)).title()
    given = "".join(rng.choice("bdfgklmnprst") + rng.choice("aeiou") for _ in range(3)).title()
    return a_patient(
        f"p-{number}",
        mrn=f"A{number}",
        name=[{"family": family, "given": [given]}],
        birthDate=f"19{60 + number % 40}-{1 + number % 12:02}-{1 + number % 28:02}",
        telecom=[{"system": "phone", "value": f"+1-518-555-{1000 + number}"}],
    )


async def undisturbed(folder, people):
    """Return what runs by hand end in, on a store in memory, when nothing goes wrong."""
    async with told(a_crowd(folder, people), MemoryStore()) as story:
        await story.sync()
        story.move(LATER)
        await story.sync()
        return await story.state()


class Scene:
    """A served world, a database of its own, and workers that can be started."""

    def __init__(self, story, home: Path) -> None:
        self.story, self.home = story, home

    def requests(self):
        return self.story.requests()

    @asynccontextmanager
    async def worker(self, *, until_idle=True, program=None):
        """Yield a worker in a process of its own, which ends when nothing is left to do, or with the block.

        `program` is a folder with another version of the program; else it is this one.
        """
        words = [COMMAND] if program is None else [sys.executable, "-c", "from coordinator.cli import main; main()"]
        other = {} if program is None else {"PYTHONPATH": str(program)}
        process = await asyncio.create_subprocess_exec(
            *map(str, words), "--tenant", TENANT, "worker", *(["--until-idle"] if until_idle else []), "--json",
            env={"COORDINATOR_HOME": str(self.home), "PATH": os.environ["PATH"], **other},
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, cwd=self.home.parent,
        )  # fmt: skip
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def finish(self, *, program=None):
        """Work until nothing is left to do; return the exit code."""
        async with self.worker(program=program) as process:
            return await process.wait()

    async def kill_at(self, requests):
        """Kill a worker with SIGKILL once the EHRs have seen so many requests; return whether it still ran."""
        async with self.worker() as process:
            await self.reached(process, requests)
            if process.returncode is not None:
                return False
            process.send_signal(signal.SIGKILL)
            await process.wait()
            return True

    async def cut_at(self, requests):
        """Cut all connections to the database once the EHRs have seen so many requests; return how many were cut."""
        async with self.worker() as process:
            await self.reached(process, requests)
            cut = await asyncio.to_thread(self._cut)
            assert await process.wait() in {0, 3}
            return cut

    async def state(self):
        """Return what the world and the store ended in, seen over connections that nobody has cut."""
        async with open_store(Embedded(home=self.home), TENANT) as store:
            self.story.store = store
            return await self.story.state()

    async def reached(self, process, requests):
        """Wait until the EHRs have seen so many requests, or the process has ended."""
        while process.returncode is None and self.requests() < requests:
            await asyncio.wait([asyncio.create_task(process.wait())], timeout=0.005)

    def _cut(self):
        with (
            using(self.home) as found,
            psycopg.connect(
                host=found.host, user=found.user, password=found.password, dbname=found.dbname, autocommit=True
            ) as connection,
        ):
            asked = "select count(pg_terminate_backend(pid)) from pg_stat_activity where pid <> pg_backend_pid()"
            return connection.execute(f"{asked} and datname = current_database()").fetchone()[0]


@asynccontextmanager
async def a_scene(tmp_path, open_folder, people):
    """Serve a crowd and connect a tenant of a database of its own to it."""
    home = open_folder / "home"
    with using(home, idle_seconds=1.0):
        async with (
            open_store(Embedded(home=home), TENANT) as store,
            told(a_crowd(tmp_path / "world", people), store) as story,
        ):
            yield Scene(story, home)
