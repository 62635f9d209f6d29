"""An EHR fetches our keys where we serve them; a rotation with overlap is never noticed by it."""

import json
import signal
import subprocess
from contextlib import contextmanager
from datetime import timedelta

import httpx

from coordinator.ehr import EhrRoom, KeyFolder, check_connection, create_key
from coordinator.sandbox import read_world, serving
from coordinator.sync.records import EhrConnection, SmartAuth
from tests.flow.conftest import COMMAND
from tests.unit.ehr.conftest import EHR, OFFER, RECORDS, WORLD, Clock


@contextmanager
def keys_served(home):
    environment = {"COORDINATOR_HOME": str(home), "PATH": "/usr/bin:/bin"}
    words = [str(COMMAND), "keys", "serve", "--listen", "127.0.0.1:0", "--json"]
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["jwks"]
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0


async def fetched_by(sandbox, url):
    """The EHR fetches our keys, as it does now and then."""
    async with httpx.AsyncClient() as client:
        keys = (await client.get(url)).json()
        told = {"ehr": "iop", "client_id": "us", "jwks": keys}
        (await client.post(f"{sandbox.control}/client", json=told)).raise_for_status()
    return [key["kid"] for key in keys["keys"]]


async def test_a_rotation_with_overlap_never_shuts_us_out(tmp_path):
    home, world, clock = tmp_path / "home", tmp_path / "world", Clock()
    folder = KeyFolder(home / "keys")
    create_key(home / "keys", "main", "ES384", now=clock.now())
    files = {"world.toml": WORLD, "iop/ehr.toml": EHR + "smart = true\n" + OFFER, "iop/records.ndjson": RECORDS}
    for name, text in files.items():
        (world / name).parent.mkdir(parents=True, exist_ok=True)
        (world / name).write_text(text)
    room = EhrRoom(clock=clock, keys=home / "keys")
    with keys_served(home) as url:
        async with serving(read_world(world)) as sandbox:
            smart = SmartAuth(client_id="us", key_id="main", jwks_url=url)
            connection = EhrConnection(name="iop", url=sandbox.ehrs["iop"], organization="riverbend", smart=smart)

            async def is_let_in():
                return (await check_connection(room, connection)).is_usable

            def later(hours):
                clock.move(hours=hours)
                sandbox.app.served.move(clock.now())

            seen = [await fetched_by(sandbox, url)]
            let_in = [await is_let_in()]
            folder.rotate("main", overlap=timedelta(hours=2), now=clock.now())
            let_in.append(await is_let_in())  # the EHR has not fetched the next key yet, and need not
            later(1)
            seen.append(await fetched_by(sandbox, url))
            later(2)
            let_in.append(await is_let_in())
            folder.retire("main", now=clock.now())
            seen.append(await fetched_by(sandbox, url))
            let_in.append(await is_let_in())
    assert seen == [["main"], ["main-2", "main"], ["main-2"]]
    assert let_in == [True, True, True, True]
