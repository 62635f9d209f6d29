"""EHRs that a process has open: opened once for all its jobs, and never waited for by who only decides."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from coordinator.errors import TemporaryEhrError
from coordinator.sync.records import EhrConnection
from coordinator.worker import OpenEhrs
from tests.simulation.virtual_loop import run_virtually

NORTH = EhrConnection(name="north", url="https://north.example/fhir", organization="north")


class Door:
    """Opens EHRs, or refuses to, and counts both."""

    def __init__(self):
        self.opened, self.closed, self.is_shut, self.is_silent = [], [], False, False

    @asynccontextmanager
    async def open(self, connection):
        self.opened.append(connection.url)
        await asyncio.wait([asyncio.ensure_future(asyncio.wait_for(asyncio.Event().wait(), 0))])
        if self.is_silent:
            await asyncio.get_running_loop().create_future()
        if self.is_shut:
            raise TemporaryEhrError("It does not answer.")
        yield connection
        self.closed.append(connection.url)


@pytest.fixture
def door():
    return Door()


@pytest.fixture
async def ehrs(door):
    found = OpenEhrs(door)
    yield found
    await found.close()


async def test_many_jobs_at_once_open_an_ehr_once(door, ehrs):
    await asyncio.gather(*(ehrs.open(NORTH) for _ in range(5)), ehrs.glance(NORTH))
    await ehrs.open(replace(NORTH, profile={"learned": True}))
    assert door.opened == [NORTH.url]


async def test_a_connection_that_was_changed_is_opened_anew_and_the_old_one_stays_for_who_uses_it(door, ehrs):
    await ehrs.open(NORTH)
    await ehrs.open(replace(NORTH, url="https://new.example/fhir"))
    assert door.opened == [NORTH.url, "https://new.example/fhir"]
    assert door.closed == []
    await ehrs.close()
    assert sorted(door.closed) == sorted(door.opened)


async def test_who_pulls_tries_a_shut_ehr_again_and_who_decides_does_not(door, ehrs):
    door.is_shut = True
    with pytest.raises(TemporaryEhrError):
        await ehrs.open(NORTH)
    assert await ehrs.glance(NORTH) is None
    assert len(door.opened) == 1
    door.is_shut = False
    assert await ehrs.open(NORTH)
    assert await ehrs.glance(NORTH)
    assert len(door.opened) == 2


def test_all_who_decide_wait_for_a_silent_ehr_only_once(door):
    """Of 20 people that it knows, the first waits five seconds, those beside it as long, and the rest not at all."""
    door.is_silent = True

    async def decide_about_many():
        ehrs, time = OpenEhrs(door), asyncio.get_running_loop().time
        found = [*await asyncio.gather(ehrs.glance(NORTH), ehrs.glance(NORTH))]
        found += [await ehrs.glance(NORTH) for _ in range(18)]
        waited = time()
        await ehrs.close()
        return set(found), waited

    assert run_virtually(decide_about_many()) == ({None}, 5.0)
    assert len(door.opened) == 1


def test_nobody_waits_while_an_ehr_that_was_shut_is_tried_again(door):
    door.is_shut = True

    async def decide_later():
        ehrs, time = OpenEhrs(door), asyncio.get_running_loop().time
        await ehrs.glance(NORTH)
        await asyncio.sleep(120)
        began = time()
        door.is_silent = True
        found = await ehrs.glance(NORTH)
        waited = time() - began
        await ehrs.close()
        return found, waited

    assert run_virtually(decide_later()) == (None, 0.0)
    assert len(door.opened) == 2
