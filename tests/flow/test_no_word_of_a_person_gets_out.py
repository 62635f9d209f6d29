"""Canaries in everything that is somebody's: none is in an error, log, metric, trace, address or file name of ours."""

import json
import os
import signal
import subprocess
import threading
from contextlib import contextmanager

import httpx
import pytest

from tests.flow.canaries import BLURTS, ID, WORD, blurting, planted_world
from tests.flow.conftest import COMMAND, served
from tests.flow.test_traces import collector  # noqa: F401 - a fixture

pytestmark = pytest.mark.slow

# What tells how the product is, and nothing about anybody.
QUIET = [
    "doctor", "doctor --json", "run list", "run list --json", "ehr list", "ehr list --json", "keys list", "seal show",
    "audit verify", "audit head", "audit hold list",
]  # fmt: skip
# What is typed wrong, by somebody who has a name before them.
WRONG = [
    f"person show {WORD}", f"why {WORD} {WORD}", f"findings show {WORD}", f"quarantine show {WORD}",
    f"findings resolve {WORD} --value {WORD} --reason {WORD}", f"findings assign {WORD} --to {WORD}",
    f"consent revoke {WORD} --reason {WORD}", f"delivery acknowledge {WORD}", f"person draft-plan {WORD}",
    f"audit query accesses --person {WORD} --since {WORD}", f"person show {WORD} --emergency {WORD}",
    f"person show {WORD} --as-of {WORD}", f"person list --{WORD}", f"{WORD}", f"run show {WORD}",
]  # fmt: skip


def leaks(text):
    """Return where the words stand, with a little of what is around them."""
    said = text if isinstance(text, str) else text.decode("utf-8", "replace")
    found = []
    for word in (WORD, ID):
        place = said.casefold().find(word)
        if place >= 0:
            found.append(said[max(0, place - 80) : place + 40])
    return found


@pytest.fixture
def world(tmp_path):
    folder = tmp_path / "planted"
    planted_world(folder)
    return folder


@contextmanager
def a_worker(coordinator, *words, **environment):
    """Run a worker that serves; yield its address and what it says in the end."""
    with subprocess.Popen(
        [str(COMMAND), "--tenant", coordinator.tenant, "worker", "--listen", "127.0.0.1:0", *words],
        env={"COORDINATOR_HOME": str(coordinator.home), "PATH": os.environ["PATH"], **environment},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        said = []
        try:
            first = process.stderr.readline()
            said.append(first)
            yield f"http://{json.loads(first)['listen']}", said
            process.send_signal(signal.SIGTERM)
            said += process.communicate(timeout=60)
        finally:
            process.kill()


def names_below(folder):
    """Return the names of all files and folders that we keep, but for those of the database server's own."""
    return [str(path.relative_to(folder)) for path in folder.rglob("*")]


def test_the_words_are_there(world, coordinator):
    """A search for what is nowhere finds nothing: people, plans and consents show them to who may look."""
    with served(world, coordinator.home):
        assert coordinator("sandbox", "connect", world).code == 0
        assert coordinator("sync").code in {0, 3}
        people = coordinator("person", "list")
        persons = [row["person"] for row in coordinator("person", "list", "--json").json]
        shown = "".join(coordinator("person", "show", person).out for person in persons)
    assert leaks(people.out)
    assert leaks(shown)
    assert ID in people.out + shown


def test_a_run_over_planted_people_tells_of_none(world, coordinator, collector, monkeypatch, tmp_path):  # noqa: F811
    with served(world, coordinator.home) as addresses:
        assert coordinator("sandbox", "connect", world).code == 0
        monkeypatch.setenv("COORDINATOR_TRACES_ENDPOINT", f"{collector.address}/v1/traces")
        told = {f"import {name}": coordinator("import", "--ehr", name, *sorted((world / name).glob("*.ndjson")))
                for name in sorted(addresses["ehrs"])}  # fmt: skip
        planned = coordinator("plan", "--out", tmp_path / "owed.plan")
        told["apply"] = coordinator("apply", tmp_path / "owed.plan")
        told |= {"sync": coordinator("sync"), "sync --json": coordinator("sync", "--json")}
        monkeypatch.delenv("COORDINATOR_TRACES_ENDPOINT")
        told |= {words: coordinator(*words.split()) for words in QUIET}
        asked = [row for name in addresses["ehrs"] for row in _log(addresses["control"], name)]
    assert {words: leaks(one.out) + leaks(one.err) for words, one in told.items() if leaks(one.out + one.err)} == {}
    assert leaks(planned.err) == []
    kept = (tmp_path / "owed.plan").read_text()
    assert json.loads(kept)["writes"]
    assert leaks(kept) == []
    assert collector.raw
    assert [leak for body in collector.raw for leak in leaks(body)] == []
    assert asked
    assert [path for path in asked if WORD in path.casefold()] == []
    assert [name for name in names_below(coordinator.home) if leaks(name)] == []


def _log(control, ehr):
    return [row["path"] for row in httpx.get(f"{control}/log", params={"ehr": ehr}).json()]


def test_what_is_typed_wrong_is_not_repeated(world, coordinator):
    with served(world, coordinator.home):
        assert coordinator("sandbox", "connect", world).code == 0
        assert coordinator("sync").code in {0, 3}
        told = {words: coordinator(*words.split()) for words in WRONG}
    assert {words for words, one in told.items() if one.code == 0} == set()
    assert {words: leaks(one.err) for words, one in told.items() if leaks(one.err)} == {}


def test_a_worker_logs_counts_and_answers_without_a_word_of_anybody(world, coordinator, collector):  # noqa: F811
    traced = {"COORDINATOR_TRACES_ENDPOINT": f"{collector.address}/v1/traces"}
    with served(world, coordinator.home):
        assert coordinator("sandbox", "connect", world).code == 0
        with a_worker(coordinator, **traced) as (address, said):
            answers = [httpx.get(f"{address}/metrics").text]
            for _ in range(100):
                if "coordinator_people_owed 0" in answers[-1] or len(answers) > 40:
                    break
                threading.Event().wait(0.1)
                answers.append(httpx.get(f"{address}/metrics").text)
            for path in (f"/{WORD}", f"/hooks/{WORD}", f"/readyz?name={WORD}", f"/.well-known/{WORD}"):
                answers += [httpx.get(f"{address}{path}").text, httpx.post(f"{address}{path}", content=WORD).text]
    assert len(said) > 1
    assert [leak for one in said for leak in leaks(one)] == []
    assert [leak for one in answers for leak in leaks(one)] == []
    assert [leak for body in collector.raw for leak in leaks(body)] == []


def test_what_an_ehr_blurts_out_goes_no_further(coordinator, collector, monkeypatch):  # noqa: F811
    with blurting() as (bases, asked):
        told = {}
        for name, base in bases.items():
            added = coordinator("ehr", "add", name, base, "--organization", name, "--roster", "all")
            told[f"add {name}"] = added
        monkeypatch.setenv("COORDINATOR_TRACES_ENDPOINT", f"{collector.address}/v1/traces")
        told |= {"sync": coordinator("sync"), "sync --json": coordinator("sync", "--json")}
        monkeypatch.delenv("COORDINATOR_TRACES_ENDPOINT")
        told |= {f"check {name}": coordinator("ehr", "check", name) for name in BLURTS}
        told |= {words: coordinator(*words.split()) for words in [*QUIET, "quarantine list"]}
        with a_worker(coordinator, "--until-idle") as (_, said):
            pass
    assert {path.split("/")[1] for path in asked if "/metadata" not in path} == set(BLURTS)
    assert [path for path in asked if leaks(path)] == []
    assert {words: leaks(one.out) + leaks(one.err) for words, one in told.items() if leaks(one.out + one.err)} == {}
    assert [leak for one in said for leak in leaks(one)] == []
    assert [leak for body in collector.raw for leak in leaks(body)] == []


BROKEN = {
    "people.ndjson": f'{{"resourceType": "Patient", "id": "{ID}1", "name": [{{"family": "{WORD}"\n{WORD}\n',
    "people.csv": f"id,family,{WORD}\n{ID}1,{WORD},{WORD}\n",
    "people.hl7": f"MSH|^~\\&|{WORD}|{WORD}\rPID|1||{ID}^^^{WORD}||{WORD}^{WORD}||{WORD}\rPV1|{WORD}\r",
    "people.json": f'["{WORD}", {{"{WORD}": {WORD}}}]',
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_without_its_words(name, coordinator, tmp_path):
    assert coordinator("ehr", "add", "files", "file:", "--organization", "files").code == 0
    path = tmp_path / name
    path.write_text(BROKEN[name], encoding="utf-8")
    told = coordinator("import", "--ehr", "files", path)
    consent = coordinator("consent", "add", path)
    for one in (told, consent):
        assert one.code != 0, one
        assert "--help" not in one.err
        assert leaks(one.out + one.err) == []
    assert [leaks(one.out + one.err) for one in (coordinator("quarantine", "list"), coordinator("run", "list"))] == [
        [],
        [],
    ]
