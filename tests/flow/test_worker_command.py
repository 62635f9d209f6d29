"""The worker as one starts and stops it: a process, its log lines, its exit codes."""

import json
import os
import signal
import subprocess
import threading

import httpx
import pytest

from tests.flow.conftest import COMMAND, served

pytestmark = pytest.mark.slow


def _environment(home):
    return {"COORDINATOR_HOME": str(home), "PATH": os.environ["PATH"]}


def _words(coordinator, *words):
    return [str(COMMAND), "--tenant", coordinator.tenant, "worker", *words]


def test_until_idle_it_does_what_sync_does_and_a_sync_after_it_finds_nothing(coordinator, new_world):
    with served(new_world, coordinator.home):
        assert coordinator("sandbox", "connect", new_world).code == 0
        done = subprocess.run(
            _words(coordinator, "--until-idle", "--json"),
            env=_environment(coordinator.home), capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert told["failed"] == {}
        assert set(told["done"]) >= {"person", "pull"}
        lines = [json.loads(line) for line in done.stderr.splitlines()]
        assert (lines[0]["id"], lines[-1]["id"]) == ("W001", "W003")
        report = coordinator("sync", "--json").json
    assert report["writes"]["applied"] == 0
    assert report["changed"] == 0


def test_told_to_stop_it_ends_in_good_order(coordinator, new_world):
    with served(new_world, coordinator.home):
        assert coordinator("sandbox", "connect", new_world).code == 0
        with subprocess.Popen(
            _words(coordinator), env=_environment(coordinator.home), stderr=subprocess.PIPE
        ) as process:
            assert json.loads(process.stderr.readline())["id"] == "W001"
            process.send_signal(signal.SIGTERM)
            try:
                _, said = process.communicate(timeout=30)
            finally:
                process.kill()
    assert process.returncode == 0
    assert json.loads(said.splitlines()[-1])["id"] == "W003"


def test_while_it_works_it_tells_that_it_is_ready_and_counts_without_naming_anybody(coordinator, new_world):
    with served(new_world, coordinator.home):
        assert coordinator("sandbox", "connect", new_world).code == 0
        assert coordinator("sync").code == 0
        persons = [row["person"] for row in coordinator("person", "list", "--json").json]
        with subprocess.Popen(
            _words(coordinator, "--listen", "127.0.0.1:0"), env=_environment(coordinator.home), stderr=subprocess.PIPE
        ) as process:
            try:
                address = f"http://{json.loads(process.stderr.readline())['listen']}"
                assert json.loads(process.stderr.readline())["id"] == "W001"
                assert httpx.get(f"{address}/healthz").status_code == 200
                ready = _ready(address)
                metrics = httpx.get(f"{address}/metrics").text
                keys = httpx.get(f"{address}/.well-known/jwks.json")
                process.send_signal(signal.SIGTERM)
                process.communicate(timeout=30)
            finally:
                process.kill()
    assert [one["name"] for one in ready["checks"]] == ["database", "schema", "queue"]
    assert "coordinator_people_owed" in metrics
    assert 'coordinator_runs{ehr="' in metrics
    assert 'coordinator_ehr_open{ehr="' in metrics
    assert [person for person in persons if person in metrics] == []
    assert keys.status_code == 200
    assert process.returncode == 0


def _ready(address):
    """Return what /readyz tells once it tells of no trouble."""
    for _ in range(200):
        answer = httpx.get(f"{address}/readyz")
        if answer.status_code == 200:
            return answer.json()
        threading.Event().wait(0.05)
    raise AssertionError(answer.text)


def test_what_can_not_be_done_is_told_by_the_exit_code(coordinator, new_world):
    with served(new_world, coordinator.home):
        assert coordinator("sandbox", "connect", new_world).code == 0
        added = coordinator("ehr", "add", "away", "http://127.0.0.1:9/fhir", "--organization", "away")
        assert added.code == 0, added.err
        told = subprocess.run(
            _words(coordinator, "--until-idle", "--json"),
            env=_environment(coordinator.home), capture_output=True, check=False, timeout=90,
        )  # fmt: skip
    assert told.returncode == 3, told.stderr
    assert json.loads(told.stdout)["failed"] == {"pull": 1}
    assert b"Traceback" not in told.stderr


def test_a_number_that_is_none_is_refused(coordinator):
    assert coordinator("worker", "--concurrency", "0").code == 2


def test_an_address_that_is_none_is_refused_in_a_sentence(coordinator):
    told = coordinator("worker", "--listen", "here", "--until-idle")
    assert told.code == 1
    assert "This is no address to listen at." in told.err
