"""An EHR that does not answer ends a pull with a grade, never without end: a run has other EHRs to care for."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer

import pytest

from coordinator.ehr import EhrRoom
from coordinator.ehr.wire import Limits
from coordinator.reconcile import Grade
from coordinator.sync.records import EhrConnection
from tests.unit.ehr.stated import a_type, stated

TYPES = ("Patient", "Goal", "Task", "CarePlan", "Encounter", "Observation", "Communication")
STATEMENT = json.dumps(stated(*(a_type(type_, "read search-type") for type_ in TYPES))).encode()
EMPTY = b'{"resourceType":"Bundle","type":"searchset"}'


class Said(BaseHTTPRequestHandler):
    """Answers each search with nothing found, without total, links or entries, and keeps the connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = STATEMENT if self.path.endswith("/metadata") else EMPTY
        self.send_response(200)
        self.send_header("content-type", "application/fhir+json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Mute(Said):
    """Tells what it is, then answers no search."""

    over = threading.Event()

    def do_GET(self) -> None:
        if not self.path.endswith("/metadata"):
            self.over.wait()
        super().do_GET()


@contextmanager
def listening(kind: type[HTTPServer], says: type[Said]) -> Iterator[str]:
    Mute.over.clear()
    with kind(("127.0.0.1", 0), says) as server:
        server.handle_error = lambda *_: None  # we go away while it still speaks
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/fhir"
        finally:
            Mute.over.set()
            server.shutdown()
            thread.join()


async def grades(room: EhrRoom, url: str, **more):
    async with room.open(EhrConnection(name="iop", url=url, organization="iop", **more)) as ehr:
        return {one.type: one.grade async for one in ehr.pull(TYPES, None) if one.page is None}


@pytest.fixture
def hasty(clock, tmp_path) -> EhrRoom:
    return EhrRoom(clock=clock, keys=tmp_path, limits=Limits(seconds=0.2))


async def test_types_of_which_there_is_nothing_are_complete(hasty):
    with listening(ThreadingHTTPServer, Said) as url:
        assert await grades(hasty, url) == dict.fromkeys(TYPES, Grade.COMPLETE)


@pytest.mark.slow
async def test_a_server_that_has_time_for_one_connection_only_does_not_hold_the_pull(hasty):
    """It answers whoever came first and keeps that connection: the others wait until their deadline."""
    with listening(HTTPServer, Said) as url:
        told = await asyncio.wait_for(grades(hasty, url), timeout=30)
    assert set(told) == set(TYPES)
    assert told["Patient"] is Grade.COMPLETE


@pytest.mark.slow
async def test_a_server_that_answers_no_search_is_given_up_for_all_patients_of_the_roster(hasty):
    roster = tuple(f"p-{number}" for number in range(500))
    with listening(ThreadingHTTPServer, Mute) as url:
        told = await asyncio.wait_for(grades(hasty, url, roster="file:f", patients=roster), timeout=30)
    assert told == dict.fromkeys(TYPES, Grade.PARTIAL)
