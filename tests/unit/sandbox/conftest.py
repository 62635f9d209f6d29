"""Small worlds, written into a folder, and a client that asks their EHRs without a socket."""

import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from coordinator.sandbox import SandboxApp, World, read_world

ADDRESS = "http://sandbox.test"
WORLD_TOML = """
now = "2026-04-07T12:00:00Z"
zone = "America/New_York"

[organizations.riverbend]
name = "Riverbend IOP"
identifier = { system = "https://directory.example/organization", value = "riverbend" }
part2 = true

[programs.riverbend-iop]
name = "Riverbend Intensive Outpatient"
organization = "riverbend"
level = { edition = "4e", code = "2.1" }
"""
EHR_TOML = 'organization = "riverbend"\npart2 = true\n'
ALL = '["read", "vread", "search-type", "create", "update", "patch", "delete"]'
EVERYTHING = f"\n[capability]\nPatient = {ALL}\nGoal = {ALL}\nCarePlan = {ALL}\nTask = {ALL}\nAppointment = {ALL}\n"

PATIENT = {"resourceType": "Patient", "id": "p-1", "identifier": [{"system": "urn:mrn", "value": "A1"}]}


def a_goal(goal_id: str = "g-1", *, text: str = "Sleep well", patient: str = "p-1", **more: Any) -> dict[str, Any]:
    """Return a goal with what matters to a test."""
    return {
        "resourceType": "Goal",
        "id": goal_id,
        "lifecycleStatus": "active",
        "description": {"text": text},
        "subject": {"reference": f"Patient/{patient}"},
        **more,
    }


WorldMaker = Callable[..., World]


@pytest.fixture
def a_world_folder(tmp_path: Path) -> Callable[..., Path]:
    """Write a world with one EHR, `iop`, and return its folder."""

    def write(
        personality: str = "",
        *,
        capability: str = EVERYTHING,
        holds: Iterable[Mapping[str, Any]] = (PATIENT,),
        changes: Mapping[str, Iterable[Mapping[str, Any]]] | None = None,
        files: Mapping[str, str] | None = None,
    ) -> Path:
        texts = {"world.toml": WORLD_TOML, "iop/ehr.toml": EHR_TOML + personality + capability}
        texts["iop/records.ndjson"] = "".join(json.dumps(one) + "\n" for one in holds)
        for when, records in (changes or {}).items():
            texts[f"iop/changes/{when}.ndjson"] = "".join(json.dumps(one) + "\n" for one in records)
        for name, text in {**texts, **(files or {})}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path

    return write


@pytest.fixture
def a_world(a_world_folder: Callable[..., Path]) -> WorldMaker:
    """Write a world as `a_world_folder` does and read it."""
    return lambda *args, **more: read_world(a_world_folder(*args, **more))


@asynccontextmanager
async def _asking(world: World) -> AsyncIterator[httpx.AsyncClient]:
    app = SandboxApp(world, ADDRESS)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=ADDRESS) as client:
        yield client


@pytest.fixture
def asking() -> Callable[[World], AbstractAsyncContextManager[httpx.AsyncClient]]:
    """Return what opens a client for a world; nothing leaves the process."""
    return _asking


@pytest.fixture
def goal() -> Callable[..., dict[str, Any]]:
    """Return the builder of goals."""
    return a_goal
