"""A real HAPI FHIR server as one of two EHRs: a story comes out right there, too, and a concurrent edit is not lost."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from coordinator.bootstrap import WorldClock, connect_world
from coordinator.ehr import EhrRoom
from coordinator.outbox import Status
from coordinator.sandbox import EhrOfWorld, Sandbox, World, read_world, serving
from coordinator.store import PostgresStore, row_counts
from coordinator.sync.ports import Found, MayLeave, WriteRequest
from coordinator.sync.run import RunReport, run

pytestmark = [pytest.mark.peer, pytest.mark.slow]

WORLDS = Path(__file__).resolve().parents[1] / "worlds"
FHIR = {"content-type": "application/fhir+json"}
Tree = dict[str, Any]


class Hapi:
    """A HAPI server that plays one EHR of a world; its clinicians save past the product."""

    def __init__(self, base: str, client: httpx.AsyncClient) -> None:
        self.base, self._client = base, client

    async def load(self, records: list[Tree]) -> None:
        """Save records under their own ids, all at once, as references need."""
        entries = [
            {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
            for one in records
        ]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        answer = await self._client.post(self.base, content=json.dumps(bundle), headers=FHIR)
        assert answer.status_code == 200, answer.text

    async def held(self, place: str) -> Tree:
        """Return a record as it is there."""
        tree: Tree = (await self._client.get(f"{self.base}/{place}")).json()
        return tree

    async def save(self, place: str, **changed: Any) -> None:
        """Save a record with some elements changed."""
        told = json.dumps({**await self.held(place), **changed})
        (await self._client.put(f"{self.base}/{place}", content=told, headers=FHIR)).raise_for_status()


class Meddled:
    """Opens EHRs as the room does; once, as a write is about to leave for a goal, somebody there saves it first."""

    def __init__(self, room: EhrRoom, hapi: Hapi, goal: str, **saves: Any) -> None:
        self._room, self._hapi, self._goal, self._saves = room, hapi, goal, saves
        self.outcomes: list[Any] = []

    @asynccontextmanager
    async def open(self, connection):
        """Yield the EHR, with somebody else at work in it."""
        async with self._room.open(connection) as ehr:
            yield _MeddledEhr(ehr, self) if connection.name == "iop" else ehr

    async def write(self, ehr: Any, request: WriteRequest, may_leave: MayLeave) -> Any:
        """Write, after somebody else's save where it is that goal's first time."""

        async def meddled() -> bool:
            if request.target == self._goal and self._saves:
                await self._hapi.save(f"Goal/{self._goal}", **self._saves)
                self._saves = {}
            return await may_leave()

        outcome = await ehr.write(request, meddled)
        self.outcomes.append(outcome)
        return outcome


class _MeddledEhr:
    """An opened EHR whose writes go by way of the meddler."""

    def __init__(self, ehr: Any, meddler: Meddled) -> None:
        self._ehr, self._meddler = ehr, meddler

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ehr, name)

    async def write(self, request: WriteRequest, may_leave: MayLeave) -> Any:
        return await self._meddler.write(self._ehr, request, may_leave)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A world of which HAPI plays `iop`, the sandbox the others; a tenant connected to both."""

    world: World
    sandbox: Sandbox
    hapi: Hapi
    store: PostgresStore
    keys: Path

    @property
    def iop(self) -> EhrOfWorld:
        """Return the EHR that HAPI plays."""
        return next(one for one in self.world.ehrs if one.name == "iop")

    @property
    def room(self) -> EhrRoom:
        """Return what opens EHRs."""
        return EhrRoom(clock=WorldClock(self.world.now), keys=self.keys)

    async def move(self, now: str) -> "Scene":
        """Move the clock; what clinicians save up to then is there in both EHRs."""
        later = replace(self.world, now=datetime.fromisoformat(now))
        async with httpx.AsyncClient() as client:
            (await client.post(f"{self.sandbox.control}/clock", json={"now": now})).raise_for_status()
        for change in self.iop.changes:
            await self.hapi.load([json.loads(one.raw) for one in change.records])
        return replace(self, world=later)

    async def sync(self, ehrs: Any = None) -> RunReport:
        """Run the product once."""
        return await run(self.store, ehrs or self.room, WorldClock(self.world.now))

    async def entries(self, ehr: str) -> list[Any]:
        """Return what is or was owed to an EHR."""
        async with self.store.transaction() as tx:
            return await tx.outbox.entries(ehr=ehr)

    async def findings(self) -> list[str]:
        """Return the codes of the open findings."""
        async with self.store.transaction() as tx:
            return [one.code for _, one in await tx.accounts.findings() if one.status != "resolved"]

    async def versions(self) -> Mapping[str, str]:
        """Return the version that HAPI has of each record of the story."""
        told = [json.loads(raw) for raws in self.iop.resources.values() for raw in raws]
        places = [f"{one['resourceType']}/{one['id']}" for one in told]
        return {place: (await self.hapi.held(place))["meta"]["versionId"] for place in places}

    async def expect_quiet(self) -> None:
        """Assert that one more run changes no row, and writes nothing to anybody."""
        rows, versions, log = await row_counts(self.store), await self.versions(), await self.written()
        report = await self.sync()
        assert report.problems == {}
        assert (report.applied, report.received) == (0, 0)
        assert (await row_counts(self.store), await self.versions(), await self.written()) == (rows, versions, log)

    async def written(self) -> list[Any]:
        """Return the writes that the sandbox's EHRs have seen."""
        async with httpx.AsyncClient() as client:
            logs = [
                (await client.get(f"{self.sandbox.control}/log", params={"ehr": one})).json() for one in self._others
            ]
        return [row for log in logs for row in log if row["method"] != "GET"]

    @property
    def _others(self) -> list[str]:
        return [one.name for one in self.world.ehrs if one.name != "iop"]


@asynccontextmanager
async def a_scene(name: str, base: str, store: PostgresStore, keys: Path) -> AsyncIterator[Scene]:
    world = read_world(WORLDS / name)
    async with serving(world) as sandbox, httpx.AsyncClient(timeout=60) as client:
        scene = Scene(world=world, sandbox=sandbox, hapi=Hapi(base, client), store=store, keys=keys)
        await scene.hapi.load([json.loads(raw) for raws in scene.iop.resources.values() for raw in raws])
        addresses = {"control": sandbox.control, "ehrs": {**sandbox.ehrs, "iop": base}}
        patients = tuple(json.loads(raw)["id"] for raw in scene.iop.resources["Patient"])
        async with store.transaction() as tx:
            await connect_world(tx, world, addresses, actor="test", now=world.now)
            [iop] = [one for one in await tx.registry.ehrs() if one.name == "iop"]
            # The server is shared by all tests: the roster says whose records are meant.
            await tx.registry.put_ehr(replace(iop, roster="file:story", patients=patients))
        yield scene


SERVERS = pytest.mark.parametrize("server", ["hapi", "hapi_of_its_own_way"])


@pytest.fixture
async def goals_edited(request, postgres_store, tmp_path, server):
    """Story S6 up to the point where both EHRs have edited the agreed goals."""
    base = request.getfixturevalue(server)
    async with a_scene("S6-goal-edited-in-both", base, postgres_store, tmp_path) as scene:
        first = await scene.sync()
        assert first.problems == {}
        assert [one.intent.type for one in await scene.entries("iop")] == []
        yield await scene.move("2026-05-22T12:00:00+00:00")


def due(goal: Tree) -> str:
    return str(goal["target"][0]["dueDate"])


def achievement(goal: Tree) -> str:
    return str(goal["achievementStatus"]["coding"][0]["code"])


@SERVERS
async def test_goals_edited_in_both_are_merged_into_hapi_verified_and_then_all_is_quiet(goals_edited):
    report = await goals_edited.sync()
    assert report.problems == {}
    assert (report.applied, report.verified) == (3, 3)
    one, two, three = [await goals_edited.hapi.held(f"Goal/G-{number}") for number in (1, 2, 3)]
    assert (due(one), achievement(one)) == ("2026-07-31", "improving")
    assert two["description"]["text"] == "Return to work part-time and repair family relationships"
    assert three["lifecycleStatus"] == "completed"  # a person decides between the two: nothing is written
    assert await goals_edited.findings() == ["plan.goal-differs"]
    assert {entry.status for entry in await goals_edited.entries("iop")} == {Status.VERIFIED}
    await goals_edited.expect_quiet()


@SERVERS
async def test_a_concurrent_edit_in_hapi_is_decided_anew_and_not_lost(goals_edited):
    """412 or, as HAPI has it out of the box, 409: what somebody saved between our look and our write stays."""
    note = [{"text": "Spoke with the family today."}]
    meddled = Meddled(goals_edited.room, goals_edited.hapi, "G-1", note=note)
    report = await goals_edited.sync(meddled)
    assert report.problems == {}
    by = [getattr(one, "by", "") for one in meddled.outcomes if getattr(one, "by", "")]
    assert by in (["412"], ["409"])
    goal = await goals_edited.hapi.held("Goal/G-1")
    assert goal["note"] == note
    assert (due(goal), achievement(goal)) == ("2026-07-31", "improving")
    assert {entry.status for entry in await goals_edited.entries("iop")} == {Status.VERIFIED}
    await goals_edited.expect_quiet()


@SERVERS
async def test_a_concurrent_edit_of_the_same_element_becomes_a_question_and_is_not_overwritten(goals_edited):
    theirs = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/goal-achievement", "code": "worsening"}]}
    meddled = Meddled(goals_edited.room, goals_edited.hapi, "G-1", achievementStatus=theirs)
    await goals_edited.sync(meddled)
    assert achievement(await goals_edited.hapi.held("Goal/G-1")) == "worsening"
    assert (await goals_edited.findings()).count("plan.goal-differs") == 2  # this one, and that of the story
    await goals_edited.expect_quiet()


async def test_a_stay_never_closed_is_found_beside_an_enrollment_that_hapi_holds(hapi, postgres_store, tmp_path):
    """Story S1: the proposal is owed to the residential EHR, which takes none; HAPI's own records stay untouched."""
    async with a_scene("S1-stay-never-closed", hapi, postgres_store, tmp_path) as scene:
        before = await scene.versions()
        report = await scene.sync()
        assert report.problems == {}
        assert await scene.findings() == ["stay.end-missing"]
        [proposal] = [one for one in await scene.entries("res") if one.status is Status.OWED]
        assert proposal.intent.form.value == "none"
        assert (await scene.versions(), await scene.written()) == (before, [])
        async with scene.room.open(await _iop(scene)) as ehr:
            assert isinstance(await ehr.read("EpisodeOfCare", "I-55"), Found)
        await scene.expect_quiet()


async def _iop(scene: Scene):
    async with scene.store.transaction() as tx:
        return next(one for one in await tx.registry.ehrs() if one.name == "iop")
