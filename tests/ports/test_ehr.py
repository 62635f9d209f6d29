"""The port `Ehr` over HTTP: one suite, judged against the sandbox and against a real HAPI server."""

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from coordinator.ehr import EhrRoom, OpenEhr
from coordinator.fhir import instant_of, read_document
from coordinator.reconcile import Grade
from coordinator.sandbox import read_world, serving
from coordinator.sync.ports import Absent, Applied, Conflict, Found, Pulled, Refused, WriteRequest
from coordinator.sync.records import EhrConnection
from tests.builders import NOW

CLAIM = "https://coordinator.example/fhir/claim"
FHIR = {"content-type": "application/fhir+json"}
ALL = '["read", "search-type", "history-type", "create", "update", "delete"]'
WORLD = """
now = "2026-04-07T12:00:00Z"
zone = "America/New_York"

[organizations.riverbend]
name = "Riverbend IOP"
identifier = { system = "https://directory.example/organization", value = "riverbend" }
part2 = true
"""
PERSONALITY = f"""
organization = "riverbend"
part2 = true
if_match = "honored"
page_cap = 50
update_creates = true
last_updated_search = true
post_search = true

[capability]
Patient = {ALL}
Goal = {ALL}
"""

Tree = dict[str, Any]


class Now:
    """A clock that stands still."""

    def now(self):
        return NOW


@dataclass
class Ground:
    """One EHR to stand on: opened as the product does, and reached past it as its clinicians would."""

    ehr: OpenEhr
    client: httpx.AsyncClient
    conflict: str
    patient: str = field(default_factory=lambda: f"p-{uuid.uuid4()}")

    async def save(self, record: Tree) -> None:
        """Save a record as a clinician does."""
        place = f"{self.ehr.base.url}/{record['resourceType']}/{record['id']}"
        (await self.client.put(place, content=json.dumps(record), headers=FHIR)).raise_for_status()

    async def delete(self, record: Tree) -> None:
        """Delete a record as a clinician does."""
        (await self.client.delete(f"{self.ehr.base.url}/{record['resourceType']}/{record['id']}")).raise_for_status()

    async def held(self, id_: str) -> Tree:
        """Return a goal as the EHR holds it."""
        tree: Tree = (await self.client.get(f"{self.ehr.base.url}/Goal/{id_}", headers={"accept": "*/*"})).json()
        return tree

    def goal(self, id_: str | None = None, *, text: str = "Sleep well", claim: str | None = None) -> Tree:
        """Return a goal of this ground's patient."""
        told: Tree = {"resourceType": "Goal", "lifecycleStatus": "active", "description": {"text": text}}
        told |= {"id": id_} if id_ else {}
        told |= {"identifier": [{"system": CLAIM, "value": claim}]} if claim else {}
        return {**told, "subject": {"reference": f"Patient/{self.patient}"}}

    async def a_saved_goal(self) -> Tree:
        """Return a goal that a clinician saved, as the EHR holds it."""
        goal = self.goal(f"g-{uuid.uuid4()}")
        await self.save(goal)
        return await self.held(goal["id"])


@pytest.fixture(
    params=[
        "sandbox",
        pytest.param("hapi", marks=pytest.mark.peer),
        pytest.param("hapi_of_its_own_way", marks=pytest.mark.peer),
    ]
)
async def ground(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ground]:
    """Return an EHR with one patient of this test's own."""
    async with AsyncExitStack() as stack:
        if request.param == "sandbox":
            (tmp_path / "iop").mkdir()
            (tmp_path / "world.toml").write_text(WORLD)
            (tmp_path / "iop/ehr.toml").write_text(PERSONALITY)
            url = (await stack.enter_async_context(serving(read_world(tmp_path)))).ehrs["iop"]
        else:
            url = request.getfixturevalue(request.param)
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=30))
        room = EhrRoom(clock=Now(), keys=tmp_path / "keys")
        ehr = await stack.enter_async_context(room.open(EhrConnection(name="iop", url=url, organization="riverbend")))
        ground = Ground(ehr=ehr, client=client, conflict="409" if "own" in request.param else "412")
        await ground.save({"resourceType": "Patient", "id": ground.patient})
        yield ground


async def yes() -> bool:
    return True


def a_create(record: Tree, *, claim: str, resume: bool = False) -> WriteRequest:
    body = json.dumps(record).encode()
    return WriteRequest(type="Goal", target=None, body=body, base_hash=b"", claim=(CLAIM, claim), resume=resume)


def an_update(held: Tree, **changed: Any) -> WriteRequest:
    return WriteRequest(
        type="Goal",
        target=held["id"],
        body=json.dumps({**held, **changed}).encode(),
        base_hash=read_document(json.dumps(held).encode()).canonical_hash,
        claim=None,
    )


async def pulled(ground: Ground, *types: str) -> tuple[list[str], dict[str, Grade]]:
    """Return ids in the order they came, and the grades."""
    ids: list[str] = []
    grades: dict[str, Grade] = {}
    async for one in ground.ehr.pull(types, [ground.patient]):
        if one.page is None:
            grades[one.type] = one.grade
        else:
            ids += [read_document(raw).id for raw in one.page.entries]
    return ids, grades


async def test_what_is_created_can_be_read_and_is_pulled(ground):
    claim = str(uuid.uuid4())
    outcome = await ground.ehr.write(a_create(ground.goal(claim=claim), claim=claim), yes)
    assert isinstance(outcome, Applied)
    assert not outcome.adopted
    found = await ground.ehr.read("Goal", outcome.id)
    assert isinstance(found, Found)
    assert read_document(found.body).get("description", "text") == "Sleep well"
    assert found.etag
    assert await pulled(ground, "Patient", "Goal") == (
        [ground.patient, outcome.id],
        {"Patient": Grade.COMPLETE, "Goal": Grade.COMPLETE},
    )


async def test_a_search_sees_what_was_created_a_moment_ago(ground):
    """A server that answers the same search from a cache would let us send a second time."""
    before = await pulled(ground, "Goal")
    held = await ground.a_saved_goal()
    assert (before[0], (await pulled(ground, "Goal"))[0]) == ([], [held["id"]])


@pytest.mark.parametrize("resume", [False, True])
async def test_a_create_that_was_done_already_adopts_what_is_there(ground, resume):
    """Its answer may have been lost: nobody gets two goals for one."""
    claim = str(uuid.uuid4())
    first = await ground.ehr.write(a_create(ground.goal(claim=claim), claim=claim), yes)
    again = await ground.ehr.write(a_create(ground.goal(claim=claim), claim=claim, resume=resume), yes)
    assert again == Applied(id=first.id, adopted=True)
    assert (await pulled(ground, "Goal"))[0] == [first.id]


async def test_an_update_replaces_the_record_that_it_was_made_from(ground):
    held = await ground.a_saved_goal()
    outcome = await ground.ehr.write(an_update(held, description={"text": "Sleep better"}), yes)
    now = await ground.held(held["id"])
    assert (outcome, now["description"]["text"]) == (
        Applied(id=held["id"], version=now.get("meta", {}).get("versionId")),
        "Sleep better",
    )
    assert now["meta"]["versionId"] != held["meta"]["versionId"]
    again = await ground.ehr.write(an_update(held, description={"text": "Sleep better"}), yes)
    assert again == Applied(id=held["id"], adopted=True)


async def test_a_record_that_moved_before_we_looked_is_a_conflict_and_stays_as_it_is(ground):
    held = await ground.a_saved_goal()
    await ground.save({**held, "description": {"text": "Theirs"}})
    assert await ground.ehr.write(an_update(held, description={"text": "Ours"}), yes) == Conflict(by="compare")
    assert (await ground.held(held["id"]))["description"]["text"] == "Theirs"


async def test_a_record_that_moves_between_our_look_and_our_write_is_a_conflict_and_stays_as_it_is(ground):
    """If-Match, sent as it was received; HAPI itself answers 409 where FHIR says 412."""
    held = await ground.a_saved_goal()

    async def somebody_saves_first() -> bool:
        await ground.save({**held, "description": {"text": "Theirs"}})
        return True

    outcome = await ground.ehr.write(an_update(held, description={"text": "Ours"}), somebody_saves_first)
    assert outcome == Conflict(by=ground.conflict)
    assert (await ground.held(held["id"]))["description"]["text"] == "Theirs"


async def test_after_a_no_nothing_has_changed(ground):
    held = await ground.a_saved_goal()

    async def no() -> bool:
        return False

    await ground.ehr.write(an_update(held, description={"text": "Ours"}), no)
    assert await ground.held(held["id"]) == held


async def test_pages_are_walked_to_the_last(ground):
    goals = [ground.goal(f"{ground.patient}-{number}") for number in range(230)]
    for goal in goals:
        await ground.save(goal)
    ids, grades = await pulled(ground, "Goal")
    assert (len(ids), set(ids), grades) == (230, {goal["id"] for goal in goals}, {"Goal": Grade.COMPLETE})


async def test_a_deleted_record_is_told_from_one_that_never_was(ground):
    held = await ground.a_saved_goal()
    await ground.delete(held)
    assert await ground.ehr.read("Goal", held["id"]) == Absent(kind="deleted")
    assert await ground.ehr.read("Goal", f"never-{uuid.uuid4()}") == Absent(kind="not-found")
    assert await ground.ehr.write(an_update(held, description={"text": "Ours"}), yes) == Conflict(by="gone")
    assert (await pulled(ground, "Goal"))[0] == []


async def test_a_type_that_is_not_served_is_never_complete(ground):
    assert await pulled(ground, "NoSuchType") == ([], {"NoSuchType": Grade.PARTIAL})
    assert isinstance(await ground.ehr.read("NoSuchType", "1"), Absent)
    body = b'{"resourceType": "NoSuchType"}'
    request = WriteRequest(type="NoSuchType", target=None, body=body, base_hash=b"", claim=None)
    assert isinstance(await ground.ehr.write(request, yes), Refused)


async def test_a_body_that_the_ehr_does_not_take_is_refused(ground):
    broken = {**ground.goal(), "lifecycleStatus": 7, "subject": {"reference": 1}}
    outcome = await ground.ehr.write(a_create(broken, claim=str(uuid.uuid4())), yes)
    assert isinstance(outcome, Refused | Applied)  # the sandbox keeps whatever is a resource
    assert isinstance(outcome, Applied) or outcome.status in (400, 422)


# --- what changed ---------------------------------------------------------------------------------------------------


def by_search_alone(ehr: OpenEhr) -> OpenEhr:
    """Return the EHR as if it declared no history."""
    types = {
        name: replace(facts, interactions=tuple(one for one in facts.interactions if "history" not in one))
        for name, facts in ehr.statement.types.items()
    }
    return replace(ehr, statement=replace(ehr.statement, types=types, system_interactions=()))


async def changed(ehr: OpenEhr, since: datetime) -> tuple[set[str], set[str], Pulled]:
    """Return the ids of goals that changed from then on, those that a history says were deleted, and the end."""
    ids: set[str] = set()
    gone: set[str] = set()
    async for one in ehr.changes({"Goal": since}):
        if one.page is None:
            return ids, gone, one
        ids |= {read_document(raw).id for raw in one.page.entries}
        gone |= set(one.page.gone)
    raise AssertionError("a walk has an end")


def stamp(record: Tree) -> datetime:
    at = instant_of(record["meta"]["lastUpdated"])
    assert at is not None
    return at


@pytest.mark.parametrize("way", ["history", "last-updated"])
async def test_what_changed_since_a_moment_of_its_own_is_shown_and_what_was_deleted_by_its_history(ground, way):
    ehr = ground.ehr if way == "history" else by_search_alone(ground.ehr)
    assert ehr.lane("Goal").way == way
    first, second = await ground.a_saved_goal(), await ground.a_saved_goal()
    await ground.delete(second)
    ids, gone, ended = await changed(ehr, stamp(first))
    assert (ended.grade, ended.not_honored) == (Grade.COMPLETE, "")
    assert first["id"] in ids
    assert (f"Goal/{second['id']}" in gone) == (way == "history")
    assert ended.newest >= stamp(first)
    later_ids, _, ended = await changed(ehr, ended.newest + timedelta(days=2))
    assert (first["id"] in later_ids, ended.grade) == (False, Grade.COMPLETE)


async def test_a_search_by_post_brings_what_one_by_get_does(ground):
    held = await ground.a_saved_goal()
    by_get = await pulled(ground, "Goal")
    ground.ehr = replace(ground.ehr, connection=replace(ground.ehr.connection, options={"search_by": "post"}))
    assert await pulled(ground, "Goal") == by_get == ([held["id"]], {"Goal": Grade.COMPLETE})
