"""A run is killed at any point: the next one ends where an undisturbed run would have, and writes nothing twice."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from coordinator.sandbox.memory_store import MemoryDatabase
from tests.builders import a_consent, a_goal, an_administration, an_order
from tests.flow.story import READ_ONLY, WorldFolder, told


class Killed(Exception):
    """The process ends here."""


class KilledAt:
    """A store whose process dies when the transaction of a number begins, or just after it was committed."""

    def __init__(self, inner, number, *, after):
        self._inner, self._left, self._after = inner, number, after

    @asynccontextmanager
    async def transaction(self):
        self._left -= 1
        if self._left < 0 or (self._left == 0 and not self._after):
            raise Killed
        async with self._inner.transaction() as tx:
            yield tx
        if self._left == 0:
            raise Killed


class KilledAtWrite:
    """EHRs of a process that dies when it has written, before it could keep what became of it."""

    def __init__(self, inner):
        self._inner = inner

    @asynccontextmanager
    async def open(self, connection):
        async with self._inner.open(connection) as ehr:
            yield _DiesAfterWriting(ehr)


class _DiesAfterWriting:
    def __init__(self, ehr):
        self._ehr = ehr

    def __getattr__(self, name):
        return getattr(self._ehr, name)

    async def write(self, *given):
        await self._ehr.write(*given)
        raise Killed


def a_world(tmp_path):
    """Two programs with a goal that one moves, an OTP, and a physician whose list lacks the methadone."""
    world = WorldFolder(tmp_path / "world")
    world.ehr("iop", [a_goal(due="2026-06-30")], later={"2026-04-08T00-00Z": [a_goal(due="2026-07-31"), an_order()]})
    world.ehr("ced", [a_goal("c-1", due="2026-06-30")])
    world.ehr("otp", [an_administration()], takes=READ_ONLY)
    world.ehr("pcp", part2=False)
    for number, (discloser, recipient) in enumerate([("iop", "ced"), ("otp", "pcp")]):
        world.consent(a_consent(f"C-{number}", discloser=discloser, recipient=recipient))
    return world


async def undisturbed(story):
    for now in ("2026-04-07T13:00:00Z", "2026-04-09T12:00:00Z"):
        story.move(now)
        await story.sync()
    return await story.state()


@pytest.fixture
async def expected(tmp_path):
    async with told(a_world(tmp_path / "undisturbed")) as story:
        return await undisturbed(story)


async def killed(story, database, kill):
    """Run with a process that dies as `kill` says; what it held in flight is nobody's afterwards."""
    process = database.open()
    before = asyncio.all_tasks()
    with pytest.raises(Killed):
        await kill(story, process)
    for task in asyncio.all_tasks() - before:
        if task.get_coro().__qualname__.startswith("_"):  # a stage of the dead run, not an answer of a server
            task.cancel()
    await asyncio.sleep(0)
    process.close()


async def ended_alike(tmp_path, kill):
    database = MemoryDatabase()
    async with told(a_world(tmp_path / "killed"), database.open()) as story:
        story.move("2026-04-07T13:00:00Z")
        await story.sync()
        story.move("2026-04-09T12:00:00Z")
        await killed(story, database, kill)
        await story.sync()
        quiet = await story.is_quiet()
        return await story.state(), quiet


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", [1, 4, 7, 10, 14])
async def test_a_run_killed_at_a_transaction_is_finished_by_the_next(tmp_path, expected, number, after):
    async def kill(story, process):
        await story.sync(store=KilledAt(process, number, after=after))
        raise Killed  # it had fewer transactions than that

    state, quiet = await ended_alike(tmp_path, kill)
    assert (state, quiet) == (expected, True)


async def test_a_run_killed_when_it_had_written_reads_back_and_writes_nothing_twice(tmp_path, expected):
    async def kill(story, process):
        await story.sync(store=process, ehrs=KilledAtWrite(story.ehrs))

    state, quiet = await ended_alike(tmp_path, kill)
    assert (state, quiet) == (expected, True)
