"""A world over real loopback HTTP: lost answers, held answers, and the end of serving."""

import asyncio
import json
import signal
import socket
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from coordinator.errors import ConfigurationError
from coordinator.sandbox import read_world, serving

WORLDS = Path(__file__).parents[2] / "worlds"
SERVE = """
import json, pathlib, sys
from coordinator.sandbox import read_world, run_until_stopped
world = read_world(pathlib.Path(sys.argv[1]))
run_until_stopped(world, ready=lambda addresses: print(json.dumps(addresses), flush=True))
print("stopped", flush=True)
"""


@asynccontextmanager
async def served(world):
    async with serving(world) as sandbox, httpx.AsyncClient(trust_env=False) as client:
        yield sandbox, client


async def log_of(client, sandbox, name="iop"):
    return (await client.get(f"{sandbox.control}/log?ehr={name}")).json()


async def until_logged(client, sandbox, rows, name="iop"):
    while True:
        if len(log := await log_of(client, sandbox, name)) >= rows:
            return log


async def test_every_ehr_has_a_base_of_its_own_and_the_control_address_is_told():
    async with served(read_world(WORLDS / "S1-stay-never-closed")) as (sandbox, client):
        addresses = sandbox.addresses()
        statements = [await client.get(f"{base}/metadata") for base in addresses["ehrs"].values()]
        clock = await client.get(f"{addresses['control']}/clock")

    assert list(addresses["ehrs"]) == ["iop", "res"]
    assert all(base.startswith("http://127.0.0.1:") for base in addresses["ehrs"].values())
    assert [one.json()["fhirVersion"] for one in statements] == ["4.0.1", "4.0.1"]
    assert clock.json() == {"now": "2026-04-07T08:00:00-04:00"}


async def test_a_lost_answer_leaves_the_write_done_and_logged(a_world, goal):
    fault = {"ehr": "iop", "kind": "drop-answer", "type": "Goal", "times": 1}
    async with served(a_world()) as (sandbox, client):
        base = sandbox.ehrs["iop"]
        await client.post(f"{sandbox.control}/fault", json=fault)
        refused = await client.post(f"{base}/Goal", content=b"{")
        other = await client.post(f"{base}/Task", json={**goal(), "resourceType": "Task"})
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post(f"{base}/Goal", json=goal())
        after = await client.post(f"{base}/Goal", json=goal())
        total = (await client.get(f"{base}/Goal?_summary=count")).json()["total"]
        log = await log_of(client, sandbox)

    assert [one.status_code for one in (refused, other, after)] == [400, 201, 201]
    assert [row["status"] for row in log] == [400, 201, 201, 201, 200]
    assert total == 2


async def test_held_writes_are_taken_whole_and_answered_once_they_are_released(a_world, goal):
    async with served(a_world(holds=[goal()])) as (sandbox, client):
        base = sandbox.ehrs["iop"]
        await client.post(f"{sandbox.control}/fault", json={"ehr": "iop", "kind": "hold", "after_writes": 1})
        first = await client.put(f"{base}/Goal/g-1", json=goal(text="one"))
        held = [asyncio.create_task(client.post(f"{base}/Goal", json=goal(text=text))) for text in ("two", "three")]
        waiting = await until_logged(client, sandbox, 3)
        reads = await client.get(f"{base}/Goal?_summary=count")
        assert not any(one.done() for one in held)
        await client.post(f"{sandbox.control}/fault", json={"ehr": "iop", "kind": "release"})
        answers = await asyncio.gather(*held)
        after = await client.post(f"{base}/Goal", json=goal(text="four"))
        log = await log_of(client, sandbox)

    assert first.status_code == 200
    assert [(row["method"], row["status"]) for row in waiting] == [("PUT", 200), ("POST", None), ("POST", None)]
    assert "three" in waiting[2]["body"]
    assert reads.json()["total"] == 3
    assert [one.status_code for one in (*answers, after)] == [201, 201, 201]
    assert [row["status"] for row in log] == [200, 201, 201, 200, 201]


async def test_a_silent_ehr_takes_requests_and_answers_none_until_it_is_released(a_world, goal):
    async with served(a_world(holds=[goal()])) as (sandbox, client):
        base = sandbox.ehrs["iop"]
        await client.post(f"{sandbox.control}/fault", json={"ehr": "iop", "kind": "silent"})
        asked = [
            asyncio.create_task(client.get(f"{base}/Goal/g-1")),
            asyncio.create_task(client.put(f"{base}/Goal/g-1", json=goal(text="one"))),
        ]
        waiting = await until_logged(client, sandbox, 2)
        assert not any(one.done() for one in asked)
        await client.post(f"{sandbox.control}/fault", json={"ehr": "iop", "kind": "release"})
        answers = await asyncio.gather(*asked)

    assert [row["status"] for row in waiting] == [None, None]
    assert [one.status_code for one in answers] == [200, 200]


async def test_a_write_that_breaks_off_half_way_is_logged_and_does_nothing(a_world, goal, caplog):
    """Who sends may be killed between the head of a request and its body."""
    async with served(a_world(holds=[goal(text="before")])) as (sandbox, client):
        base = httpx.URL(sandbox.ehrs["iop"])
        _, writer = await asyncio.open_connection(base.host, base.port)
        head = f"PUT {base.path}/Goal/g-1 HTTP/1.1\r\nhost: iop\r\ncontent-length: 1000\r\n\r\n"
        writer.write(head.encode() + json.dumps(goal(text="after")).encode()[:20])
        await writer.drain()
        log = await until_logged(client, sandbox, 1)
        writer.close()
        after = (await client.get(f"{base}/Goal/g-1")).json()
        (row, _) = sandbox.app.served.log("iop")

    assert [(one["method"], one["status"], one["body"]) for one in log] == [("PUT", None, None)]
    assert after["description"]["text"] == "before"
    assert row.is_cut
    assert not caplog.records


async def test_a_client_that_goes_away_while_it_is_held_harms_nobody(a_world, goal):
    async with served(a_world()) as (sandbox, client):
        base = sandbox.ehrs["iop"]
        await client.post(f"{sandbox.control}/fault", json={"ehr": "iop", "kind": "hold"})
        held = asyncio.create_task(client.post(f"{base}/Goal", json=goal()))
        await until_logged(client, sandbox, 1)
        held.cancel()
        await asyncio.gather(held, return_exceptions=True)
        await client.post(f"{sandbox.control}/fault", json={"ehr": "iop", "kind": "release"})
        total = (await client.get(f"{base}/Goal?_summary=count")).json()["total"]

    assert total == 1


async def test_serving_ends_though_an_answer_is_held(a_world, goal):
    async with httpx.AsyncClient(trust_env=False) as client:
        async with serving(a_world()) as sandbox:
            await client.post(f"{sandbox.control}/fault", json={"ehr": "iop", "kind": "hold"})
            held = asyncio.create_task(client.post(f"{sandbox.ehrs['iop']}/Goal", json=goal()))
            await until_logged(client, sandbox, 1)
        answer = await held

    assert answer.status_code == 201


async def test_many_at_once_are_logged_in_the_order_in_which_they_began(a_world, goal):
    async with served(a_world()) as (sandbox, client):
        sent = [client.post(f"{sandbox.ehrs['iop']}/Goal", json=goal(text=f"{n}")) for n in range(30)]
        answers = await asyncio.gather(*sent)
        log = await log_of(client, sandbox)

    assert len({answer.json()["id"] for answer in answers}) == 30
    assert [json.loads(row["body"])["description"]["text"] for row in log] == [
        one.json()["description"]["text"]
        for one in sorted(answers, key=lambda one: int(one.json()["id"].split("-")[2]))
    ]


async def test_a_port_that_is_taken_is_told_in_a_sentence(a_world):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(ConfigurationError, match="Port"):
            async with serving(a_world(), port=other.getsockname()[1]):
                pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_serving_runs_until_it_is_stopped_by_a_signal(number):
    world = str(WORLDS / "S1-stay-never-closed")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-c", SERVE, world,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    first = json.loads(await process.stdout.readline())
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{first['ehrs']['res']}/Patient")
    process.send_signal(number)
    rest, errors = await process.communicate()

    assert answer.status_code == 200
    assert (process.returncode, rest, errors) == (0, b"stopped\n", b"")
