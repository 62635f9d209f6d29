"""Bytes at the socket: what is in flight when a consent is revoked is the last that leaves, and counts as disclosed."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from coordinator.ehr import EhrRoom
from coordinator.sandbox.memory_store import MemoryStore
from tests.builders import a_consent, a_goal
from tests.flow.story import WorldFolder, told

BASE, NEW = "2026-06-30", "2026-07-31"
MANY = 12


class Counting:
    """A door between us and an EHR that counts the bytes of writes, and may stop in the middle of one."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.writes: list[bytes] = []
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()
        self.stop_at = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._port)
        back = asyncio.ensure_future(_pass(there_reader, writer))
        while chunk := await reader.read(65536):
            if chunk.startswith((b"PUT ", b"POST ", b"PATCH ")):
                self.writes.append(chunk)
                if len(self.writes) == self.stop_at:
                    self.reached.set()
                    await self.go_on.wait()
            elif self.writes and not chunk.startswith(b"GET "):
                self.writes[-1] += chunk
            there_writer.write(chunk)
            await there_writer.drain()
        there_writer.close()
        await back


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65536):
        writer.write(chunk)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def through(counting):
    server = await asyncio.start_server(counting, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def forty_goals(tmp_path):
    world = WorldFolder(tmp_path / "world")
    goals = [a_goal(f"G-{n}", text=f"Goal number {n}", due=BASE) for n in range(MANY)]
    moved = [a_goal(f"G-{n}", text=f"Goal number {n}", due=NEW) for n in range(MANY)]
    theirs = [a_goal(f"P-{n}", text=f"Goal number {n}", due=BASE) for n in range(MANY)]
    world.ehr("iop", goals, later={"2026-04-08T00-00Z": moved})
    world.ehr("pcp", theirs, part2=False, personality='if_match = "honored"')
    world.consent(a_consent("C-1", discloser="iop", recipient="pcp"))
    return world


@pytest.mark.parametrize("after", [1, 4])
async def test_from_the_commit_of_a_revocation_no_further_byte_leaves(tmp_path, after):
    async with told(forty_goals(tmp_path), MemoryStore()) as story:
        await story.sync()
        story.move("2026-04-09T12:00:00Z")
        port = int(story.address("pcp").rpartition(":")[2].partition("/")[0])
        counting = Counting(port)
        counting.stop_at = after
        async with through(counting) as door:
            await story.register("pcp", url=story.address("pcp").replace(f":{port}", f":{door}"))
            running = asyncio.ensure_future(story.sync(ehrs=EhrRoom(clock=story.clock, keys=story.keys)))
            await asyncio.wait_for(counting.reached.wait(), 60)
            revoked = await story.revoke("C-1")
            counted = sum(map(len, counting.writes))
            counting.go_on.set()
            await running
            rest = sum(map(len, counting.writes)) - counted
        assert len(counting.writes) == after
        assert rest == 0  # the body of the one in flight had left whole
        assert len(await story.disclosures()) == after
        assert len(revoked.sent) == after
        assert [one.is_in_flight for one in revoked.sent] == [False] * (after - 1) + [True]
        stands = [(one.status.value, one.reason) for one in await story.entries() if one.intent.ehr == "pcp"]
        assert stands.count(("withheld", "consent-revoked")) == MANY - after
