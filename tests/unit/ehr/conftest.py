"""A small EHR of the sandbox, keys, and a clock for tests of the room as a whole."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from coordinator.ehr import EhrRoom, create_key, public_keys
from coordinator.sandbox import Sandbox, read_world, serving
from coordinator.sync.records import EhrConnection, SmartAuth
from tests.builders import NOW

WORLD = """
now = "2026-04-07T12:00:00Z"
zone = "America/New_York"

[organizations.riverbend]
name = "Riverbend IOP"
identifier = { system = "https://directory.example/organization", value = "riverbend" }
part2 = true
"""
EHR = """
organization = "riverbend"
part2 = true
if_match = "honored"
"""
READ = '["read", "search-type"]'
WRITE = '["read", "search-type", "create", "update"]'
OFFER = f"\n[capability]\nPatient = {READ}\nGoal = {WRITE}\nCarePlan = {WRITE}\nEncounter = {READ}\n"
RECORDS = """
{"resourceType": "Patient", "id": "p-1"}
{"resourceType": "Goal", "id": "g-1", "lifecycleStatus": "active", "description": {"text": "Sleep well"},
 "subject": {"reference": "Patient/p-1"}}
""".replace(",\n", ",")


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.told = NOW

    def now(self):
        return self.told

    def move(self, **by: float) -> None:
        self.told += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys `rsa` and `ec`, made once: an RSA key takes a while."""
    folder = tmp_path_factory.mktemp("keys") / "keys"
    create_key(folder, "rsa", "RS384")
    create_key(folder, "ec", "ES384")
    return folder


Served = Callable[..., AbstractAsyncContextManager[Sandbox]]


@pytest.fixture
def served(tmp_path: Path, keys: Path) -> Served:
    """Serve an EHR `iop` with some personality; its SMART client `us` is registered with our public keys."""

    @asynccontextmanager
    async def serve(personality: str = "", *, offer: str = OFFER) -> AsyncIterator[Sandbox]:
        files = {"world.toml": WORLD, "iop/ehr.toml": EHR + personality + offer, "iop/records.ndjson": RECORDS}
        for name, text in files.items():
            path = tmp_path / "world" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        async with serving(read_world(tmp_path / "world")) as sandbox:
            async with httpx.AsyncClient() as client:
                told = {"ehr": "iop", "client_id": "us", "jwks": public_keys(keys)}
                (await client.post(f"{sandbox.control}/client", json=told)).raise_for_status()
            yield sandbox

    return serve


@pytest.fixture
def room(clock: Clock, keys: Path) -> EhrRoom:
    return EhrRoom(clock=clock, keys=keys)


def a_connection(sandbox: Sandbox | str, *, key: str = "", scopes: tuple[str, ...] = (), **more) -> EhrConnection:
    """Return a connection to `iop`; with a key it signs in as `us`."""
    url = sandbox if isinstance(sandbox, str) else sandbox.ehrs["iop"]
    smart = SmartAuth(client_id="us", key_id=key, scopes=scopes) if key else None
    return EhrConnection(name="iop", url=url, organization="riverbend", smart=more.pop("smart", smart), **more)
