"""Traces as a collector gets them: a real one on loopback takes what a command and a worker send by OTLP over HTTP."""

import json
import os
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from coordinator.sandbox.drawn_world import drawn_world
from coordinator.tracing import SPANS
from tests.flow.conftest import COMMAND, served

pytestmark = pytest.mark.slow


class Collector:
    """What came by POST, as bytes and as spans."""

    def __init__(self):
        self.raw = []
        self.paths = set()
        self.address = ""

    @property
    def spans(self):
        asked = [ExportTraceServiceRequest.FromString(body) for body in self.raw]
        return [span for one in asked for resource in one.resource_spans for scope in resource.scope_spans
                for span in scope.spans]  # fmt: skip

    def named(self, name):
        return [one for one in self.spans if one.name == name]


@pytest.fixture
def drawn(tmp_path):
    """Return a world of several people, of whom some EHR is owed something."""
    folder = tmp_path / "drawn"
    for name, content in drawn_world(people=4, seed=3).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def collector() -> Iterator[Collector]:
    with _collecting(200) as one:
        yield one


@contextmanager
def _collecting(status):
    collector = Collector()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self):
            collector.paths.add(self.path)
            collector.raw.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    collector.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()


def _told(span):
    return {one.key.removeprefix("coordinator."): one.value.string_value or one.value.int_value
            for one in span.attributes}  # fmt: skip


def test_a_sync_tells_its_stages_and_exchanges_as_one_tree(coordinator, drawn, collector, monkeypatch):
    with served(drawn, coordinator.home):
        assert coordinator("sandbox", "connect", drawn).code == 0
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address)
        report = coordinator("sync", "--json").json
    assert collector.paths == {"/v1/traces"}
    by_id = {one.span_id: one for one in collector.spans}
    above = {(one.name, by_id[one.parent_span_id].name) for one in by_id.values() if one.parent_span_id in by_id}
    assert {
        ("pull", "run"), ("pull type", "pull"), ("exchange", "pull type"),
        ("decide", "run"), ("push", "run"), ("exchange", "push"), ("verify", "run"),
    } <= above  # fmt: skip
    (run,) = collector.named("run")
    assert {one.trace_id for one in collector.spans} == {run.trace_id}
    told = _told(run)
    assert (told["outcome"], told["people"]) == ("done", report["people"])
    assert told["seen"] == sum(one["seen"] for one in report["ehrs"].values()) > 0
    assert sum(_told(one)["seen"] for one in collector.named("pull")) == told["seen"]
    assert told["applied"] == report["writes"]["applied"] > 0


def test_no_span_has_a_key_beyond_the_table_or_anything_of_a_person(coordinator, drawn, collector, monkeypatch):
    """Held against all that the database knows of people and records by then, as bytes of what went out."""
    with served(drawn, coordinator.home) as addresses:
        assert coordinator("sandbox", "connect", drawn).code == 0
        monkeypatch.setenv("COORDINATOR_TRACES_ENDPOINT", f"{collector.address}/v1/traces")
        assert coordinator("sync").code == 0
        monkeypatch.delenv("COORDINATOR_TRACES_ENDPOINT")
        persons = [row["person"] for row in coordinator("person", "list", "--json").json]
    sent = b"".join(collector.raw)
    for span in collector.spans:
        assert {one.key.removeprefix("coordinator.") for one in span.attributes} <= SPANS[span.name]
        assert list(span.events) == []
        assert span.status.message == ""
    canaries = _canaries(drawn)
    assert len(canaries) > 20
    assert persons
    hosts = {one.partition("://")[2] for one in addresses["ehrs"].values()}
    said = [value for span in collector.spans for value in map(str, _told(span).values())]
    assert [one for one in canaries for value in said if one in value] == []
    long = {one for one in {*canaries, *persons, *hosts} if len(one) > 4}  # drawn ids of spans may hold three letters
    assert [one for one in long if one.encode() in sent] == []


def _canaries(world):
    """Return names, ids, identifiers and birth dates of all records of a world."""
    found = set()
    for path in world.rglob("*.ndjson"):
        for line in path.read_text().splitlines():
            record = json.loads(line)
            found.add(f"{record['resourceType']}/{record['id']}")
            if record["resourceType"] == "Patient":
                found |= {record["id"], record["birthDate"], record["name"][0]["family"]}
                found |= {one["value"] for one in record.get("identifier", [])}
    return {
        one for one in found if len(one) > 4
    }  # the bytes of a span's own id are drawn, and may hold any two letters


def test_a_worker_tells_its_turns(coordinator, new_world, collector):
    with served(new_world, coordinator.home):
        assert coordinator("sandbox", "connect", new_world).code == 0
        done = subprocess.run(
            [str(COMMAND), "--tenant", coordinator.tenant, "worker", "--until-idle", "--json"],
            env={
                "COORDINATOR_HOME": str(coordinator.home),
                "PATH": os.environ["PATH"],
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.address,
            },
            capture_output=True, check=False, timeout=60,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    turns = Counter(_told(one)["work"] for one in collector.named("turn") if _told(one)["outcome"] == "done")
    assert turns == Counter(json.loads(done.stdout)["done"])
    assert all("ehr" not in _told(one) for one in collector.named("turn") if _told(one)["work"] == "person")


def test_a_collector_that_takes_nothing_is_told_once_and_changes_nothing_else(coordinator, new_world, monkeypatch):
    with served(new_world, coordinator.home), _collecting(400) as collector:
        assert coordinator("sandbox", "connect", new_world).code == 0
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address)
        told = coordinator("sync", "--json")
    assert told.code == 0
    assert told.err.count("Traces could not be delivered") == 1
    assert told.err.count("\n") == 1
    assert collector.raw


def test_nothing_is_sent_unless_it_is_asked_for(coordinator, new_world, collector, monkeypatch):
    with served(new_world, coordinator.home):
        assert coordinator("sandbox", "connect", new_world).code == 0
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address)
        monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
        assert coordinator("sync").code == 0
    assert collector.raw == []
