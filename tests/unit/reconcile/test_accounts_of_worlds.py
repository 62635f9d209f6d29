"""The accounts of messy lives, whole, as they were read and found right: each conclusion with its evidence and rules.

Every world with one person is told at the instants at which it is looked at, each time with what was agreed before.
What must be true of a world stands in its `expected.json`; here stands all that is said, so that a word more or less,
another day, another rule shows as a line. `RETELL=1` writes the accounts anew; read the difference like code.
"""

import json
import os
from dataclasses import replace
from datetime import datetime

import pytest

from coordinator.bootstrap.world import connect_world
from coordinator.fhir import dumps, read_document
from coordinator.reconcile import Agreed, Evidence, Grade, Presence, reconcile
from coordinator.sandbox import read_world
from coordinator.sandbox.memory_store import MemoryStore
from coordinator.sandbox.world import Saved
from coordinator.sync.pull import TYPES
from coordinator.sync.tenant import read_tenant
from tests.house.source import HOUSE

WORLDS = sorted(path.parent for path in (HOUSE / "tests/worlds").glob("*/world.toml"))
KEPT = HOUSE / "tests/fixtures/accounts"
LEFT_OUT = ("M10-", "S4b-", "S4c-", "S8b-")  # two persons; the records of another world under other consents
ONE_PERSON = [path for path in WORLDS if not path.name.startswith(LEFT_OUT)]


async def policy_of(world):
    """Return the policy of a tenant to which the world was connected, with complete pulls of all that an EHR offers."""
    store = MemoryStore()
    addresses = {"control": "", "ehrs": {ehr.name: f"http://127.0.0.1/{ehr.name}" for ehr in world.ehrs}}
    async with store.transaction() as tx:
        await connect_world(tx, world, addresses, actor="casey", now=world.now)
        tenant, connected = await read_tenant(tx), await tx.registry.ehrs()
    mappings = {one.name: one.mapping for one in connected}
    grades = {
        (ehr.name, type_): Grade.COMPLETE if type_ in ehr.personality.offers else Grade.PARTIAL
        for ehr in world.ehrs
        for type_ in TYPES
    }
    organizations = {one.name: one.organization for one in connected}
    return replace(tenant.policy, mappings=mappings, grades=grades), organizations


def looks(folder, world):
    """Return the instants at which the world is looked at."""
    steps = json.loads((folder / "expected.json").read_text(encoding="utf-8"))["steps"]
    return [world.now, *(datetime.fromisoformat(step["clock"]) for step in steps if "clock" in step)]


def records(world, organizations, until):
    """Yield each record as it is at an instant."""
    for ehr in world.ehrs:
        held = {(type_, read_document(raw).id): (raw, 1) for type_, all_ in ehr.resources.items() for raw in all_}
        gone = set()
        for change in ehr.changes:
            for one in change.records if change.at <= until else ():
                place = (one.type, one.id)
                raw, version = held.get(place, (b"", 0))
                gone = gone - {place} if isinstance(one, Saved) else gone | {place}
                held[place] = (one.raw if isinstance(one, Saved) else raw, version + 1)
        for place, (raw, version) in held.items():
            tree = json.loads(raw)
            tree["meta"] = {**tree.get("meta", {}), "versionId": str(version)}
            yield Evidence(
                ehr=ehr.name,
                document=read_document(json.dumps(tree).encode()),
                organization=organizations[ehr.name],
                learned_at=until,
                presence=Presence.DELETED if place in gone else Presence.PRESENT,
            )


def lines(content, name="account"):
    """Yield an account as text: one line for each conclusion."""
    for part, value in content.items():
        if isinstance(value, dict):
            yield from lines(value, f"{name}.{part}")
        else:
            yield f"{name}.{part}:"
            yield from ("  " + dumps(one).decode() for one in value)


@pytest.mark.parametrize("folder", ONE_PERSON, ids=lambda folder: folder.name)
async def test_all_that_an_account_says_was_read(folder):
    world = read_world(folder)
    policy, organizations = await policy_of(world)
    agreed, told = Agreed(), []
    for as_of in looks(folder, world):
        known = list(records(world, organizations, as_of))
        account = reconcile(known, agreed, [], policy=policy, as_of=as_of)
        agreed = account.agreed
        told += [f"as of {as_of.isoformat()}", *lines(account.content)]
    place = KEPT / f"{folder.name}.txt"
    text = "\n".join(told) + "\n"
    if os.environ.get("RETELL"):
        place.write_text(text, encoding="utf-8")
    assert text == place.read_text(encoding="utf-8")
