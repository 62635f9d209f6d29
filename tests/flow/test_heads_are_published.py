"""Heads go where the deployer says: to a folder, an address, a mailbox; trouble with one stops nobody."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from coordinator.bootstrap import HeadDesk, HeadKeys
from coordinator.sandbox.memory_store import MemoryStore
from coordinator.sandbox.world_clock import WorldClock
from tests.flow.conftest import Coordinator
from tests.ports.rows import NOON, an_event


class _Http(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        lines = list(iter(self.rfile.readline, b"\r\n"))
        length = next(int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length"))
        self.server.told.append(self.rfile.read(length).decode())  # type: ignore[attr-defined]
        self.wfile.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")


class _Mail(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            if line.upper().startswith(b"DATA"):
                self.wfile.write(b"354 go on\r\n")
                self.server.told.append(b"".join(iter(self.rfile.readline, b".\r\n")).decode())  # type: ignore[attr-defined]
            self.wfile.write(b"221 bye\r\n" if line.upper().startswith(b"QUIT") else b"250 ok\r\n")
            if line.upper().startswith(b"QUIT"):
                return


@contextmanager
def answering(handler: type[socketserver.StreamRequestHandler]) -> Iterator[tuple[int, list[str]]]:
    with socketserver.TCPServer(("127.0.0.1", 0), handler) as server:
        server.told = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_address[1], server.told  # type: ignore[attr-defined]
        server.shutdown()
        thread.join()


def test_a_head_is_a_file_for_itself_and_the_latest_one(coordinator: Coordinator, monkeypatch, tmp_path: Path):
    monkeypatch.setenv("COORDINATOR_AUDIT_HEADS", f"file://{tmp_path}/heads")
    coordinator("person", "list")
    coordinator("person", "list")
    told = coordinator("audit", "head")
    folder = tmp_path / "heads" / coordinator.tenant
    assert sorted(one.name for one in folder.iterdir()) == ["000000000001.head", "000000000002.head", "latest.head"]
    assert (folder / "latest.head").read_text() == told.out
    assert coordinator("audit", "verify", "--from-head", folder / "000000000001.head").code == 0


def test_a_head_is_posted_and_mailed(coordinator: Coordinator, monkeypatch):
    with answering(_Http) as (http, posted), answering(_Mail) as (mail, mailed):
        places = f"http://127.0.0.1:{http}/heads mailto:privacy@example.org"
        monkeypatch.setenv("COORDINATOR_AUDIT_HEADS", places)
        monkeypatch.setenv("COORDINATOR_SMTP", f"smtp://127.0.0.1:{mail}")
        coordinator("person", "list")
        note = coordinator("audit", "head").out
    assert posted == [note]
    assert f"Audit log of {coordinator.tenant}: 1 events" in mailed[0].replace("\r\n ", " ")


@pytest.mark.parametrize(
    "place", ["file:///dev/null/x", "http://example.org/x", "gopher://x", "nowhere", "mailto:a@b.c"]
)
def test_a_place_that_takes_no_head_is_told_and_stops_nobody(coordinator: Coordinator, monkeypatch, place):
    monkeypatch.setenv("COORDINATOR_AUDIT_HEADS", place)
    monkeypatch.setenv("COORDINATOR_SMTP", "smtp://127.0.0.1:9")
    told = coordinator("person", "list")
    assert (told.code, "could not be published" in told.err) == (0, True)


async def test_a_clock_that_was_set_back_does_not_keep_the_log_unsigned(tmp_path: Path):
    """A sandbox's clock, too, may be before that of the machine, which counted until the tenant was connected to it."""
    store = MemoryStore()
    for at, size in ((NOON, 1), (NOON - timedelta(days=200), 2), (NOON - timedelta(days=200), None)):
        if size is not None:
            async with store.transaction() as tx:
                await tx.audit.append([an_event()])
        desk = HeadDesk(
            store=store, clock=WorldClock(at, ZoneInfo("America/New_York")), keys=HeadKeys(tmp_path, "memory")
        )
        head = await desk.sign(at_most_each=60)
        assert (head.size if head else None) == size
