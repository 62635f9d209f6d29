"""EHRs that a process has open: opened once for all its jobs, and never waited for by who only decides."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from coordinator.errors import TemporaryEhrError
from coordinator.sync.records import EhrConnection
from coordinator.worker import OpenEhrs

NORTH = EhrConnection(name="north", url="https://north.example/fhir", organization="north")


class Door:
    """Opens EHRs, or refuses to, and counts both."""

    def __init__(self):
        self.opened, self.closed, self.is_shut = [], [], False

    @asynccontextmanager
    async def open(self, connection):
        self.opened.append(connection.url)
        await asyncio.wait([asyncio.ensure_future(asyncio.wait_for(asyncio.Event().wait(), 0))])
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
