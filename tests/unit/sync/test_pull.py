"""Pulling from one EHR: what is held as it came is only seen, all else is read, checked and kept."""

import json
from dataclasses import replace
from hashlib import sha256

import pytest

from coordinator.fhir import Page
from coordinator.reconcile import Grade, Presence
from coordinator.sandbox.memory_store import MemoryStore
from coordinator.sync.normalize import sort_entries
from coordinator.sync.ports import Absent, Found, Pulled
from coordinator.sync.pull import Extent, pull
from coordinator.sync.taking import BATCH
from tests.builders import NOW, a_goal

MEDICINE = {"resourceType": "Medication", "id": "m-1"}
ORDER = {
    "resourceType": "MedicationRequest",
    "id": "o-1",
    "status": "active",
    "intent": "order",
    "subject": {"reference": "Patient/p-1"},
    "medicationReference": {"reference": "Medication/m-1"},
}


def goal(id_="G-1", **more):
    return json.dumps(a_goal() | {"id": id_} | more).encode()


class Standing:
    """A clock that stands still."""

    def now(self):
        return NOW


class Shown:
    """An EHR that shows pages of records of one type, and single records by id."""

    name = "iop"

    def __init__(self, *pages, type_="Goal", singly=(), grade=Grade.COMPLETE):
        self.pages, self.type, self.grade = pages, type_, grade
        self.singly = {json.loads(raw)["id"]: raw for raw in singly}
        self.read_ids = []

    async def pull(self, types, patients):
        assert (list(types), patients) == ([self.type], None)
        for page in self.pages:
            yield Pulled(type=self.type, page=Page(entries=tuple(page)))
        yield Pulled(type=self.type, grade=self.grade)

    def lane(self, type_):
        return None

    async def read(self, type_, id_):
        self.read_ids.append((type_, id_))
        return Found(body=self.singly[id_], etag=None) if id_ in self.singly else Absent(kind="not-found")


async def pulled(store, ehr, **more):
    report = await pull(store, ehr, Standing(), normalize=sort_entries, extent=Extent(types=[ehr.type], **more))
    (record,) = report.records
    return record.seen, record.changed, record.quarantined


async def kept(store, id_="G-1", type_="Goal"):
    async with store.transaction() as tx:
        return await tx.evidence.one("iop", type_, id_)


async def test_a_second_pull_of_the_same_sees_all_and_changes_nothing():
    store = MemoryStore()
    assert await pulled(store, Shown([goal("G-1")], [goal("G-2")])) == (2, 2, 0)
    assert await pulled(store, Shown([goal("G-1"), goal("G-2")])) == (2, 0, 0)


async def test_what_changed_is_told_from_what_did_not():
    store = MemoryStore()
    await pulled(store, Shown([goal("G-1"), goal("G-2")]))
    assert await pulled(store, Shown([goal("G-1"), goal("G-2", lifecycleStatus="completed"), goal("G-3")])) == (3, 2, 0)


def goal_of(version, **more):
    return goal(meta={"versionId": version}, **more)


SHOWN_LATE = {
    "a read shows what we hold": (goal_of("3", startDate="2026-03-03"), "3", 0),
    "a read shows more": (goal_of("4", startDate="2026-04-04"), "4", 1),
    "it was set back": (goal_of("2", startDate="2026-02-02"), "2", 1),
}


@pytest.mark.parametrize(("read", "version", "changed"), SHOWN_LATE.values(), ids=SHOWN_LATE)
async def test_an_earlier_version_than_we_hold_is_read_before_it_counts(read, version, changed):
    """We never saw the second version, as where somebody has saved right behind our write and the index lags."""
    store = MemoryStore()
    await pulled(store, Shown([goal_of("3", startDate="2026-03-03")]))
    behind = Shown([goal_of("2", startDate="2026-02-02")], singly=[read])
    assert await pulled(store, behind) == (1, changed, 0)
    assert ((await kept(store)).version, behind.read_ids) == (version, [("Goal", "G-1")])


@pytest.mark.parametrize(("held", "shown"), [("3", "4"), ("9", "10"), ("b", "a")], ids=str)
async def test_what_does_not_go_back_is_not_read(held, shown):
    store = MemoryStore()
    await pulled(store, Shown([goal_of(held, startDate="2026-03-03")]))
    ahead = Shown([goal_of(shown, startDate="2026-02-02")])
    assert (await pulled(store, ahead), ahead.read_ids) == ((1, 1, 0), [])


async def test_keys_in_another_order_are_no_change():
    store = MemoryStore()
    await pulled(store, Shown([goal()]))
    turned = json.dumps(dict(reversed(json.loads(goal()).items()))).encode()
    assert await pulled(store, Shown([turned])) == (1, 0, 0)
    assert (await kept(store)).body == goal()


async def test_of_a_record_that_comes_twice_the_later_is_kept():
    store = MemoryStore()
    pages = [goal()], [goal(lifecycleStatus="completed")]
    assert await pulled(store, Shown(*pages)) == (1, 1, 0)
    assert (await kept(store)).body == goal(lifecycleStatus="completed")


async def test_more_than_a_batch_is_kept_whole():
    store = MemoryStore()
    all_ = [goal(f"G-{number}") for number in range(BATCH + 7)]
    assert await pulled(store, Shown(all_[: BATCH - 1], all_[BATCH - 1 :])) == (BATCH + 7, BATCH + 7, 0)


async def test_what_can_not_be_read_is_set_aside_at_each_pull_and_kept_once():
    store = MemoryStore()
    odd = goal("G-2", lifecycleStatus="bogus")
    assert await pulled(store, Shown([goal(), odd])) == (2, 1, 1)
    assert await pulled(store, Shown([goal(), odd])) == (2, 0, 0)


async def test_a_record_that_vanished_is_read_by_itself_and_comes_back_with_the_same_bytes():
    store = MemoryStore()
    await pulled(store, Shown([goal("G-1"), goal("G-2")]))
    ehr = Shown([goal("G-1")])
    assert await pulled(store, ehr) == (1, 1, 0)
    assert ehr.read_ids == [("Goal", "G-2")]
    assert (await kept(store, "G-2")).presence is Presence.HIDDEN
    assert await pulled(store, Shown([goal("G-1"), goal("G-2")])) == (2, 1, 0)
    assert (await kept(store, "G-2")).presence is Presence.PRESENT


async def test_a_record_comes_back_where_nothing_else_is_present():
    store = MemoryStore()
    await pulled(store, Shown([goal()]))
    await pulled(store, Shown())
    assert await pulled(store, Shown([goal()])) == (1, 1, 0)


@pytest.mark.parametrize("anew", [False, True], ids=["by its hash", "anew"])
async def test_what_is_held_is_read_again_only_when_asked_to(anew):
    """The bytes were kept by an earlier checker; a later one that refuses them must be asked for, as it costs."""
    store = MemoryStore()
    await pulled(store, Shown([goal()]))
    async with store.transaction() as tx:
        unsound = goal(lifecycleStatus="bogus")
        held = await tx.evidence.one("iop", "Goal", "G-1")
        await tx.evidence.receive([replace(held, body=unsound, raw_hash=sha256(unsound).digest())])
    assert await pulled(store, Shown([unsound]), anew=anew) == (1, 0, int(anew))


async def test_a_medicine_named_only_by_reference_is_read_once_and_kept_with_the_order():
    store = MemoryStore()
    orders = [json.dumps(ORDER | {"id": f"o-{number}"}).encode() for number in range(3)]
    ehr = Shown(orders[:2], type_="MedicationRequest", singly=[json.dumps(MEDICINE).encode()])
    await pulled(store, ehr)
    assert ehr.read_ids == [("Medication", "m-1")]
    assert (await kept(store, "m-1", "Medication")).body == json.dumps(MEDICINE).encode()
    later = Shown(orders, type_="MedicationRequest")
    assert await pulled(store, later) == (3, 1, 0)
    assert later.read_ids == []


IN_ERROR = json.dumps(
    {"resourceType": "Encounter", "id": "E-2", "status": "entered-in-error", "class": {"code": "AMB"}}
).encode()
RETIRED = json.dumps(
    {
        "resourceType": "Patient",
        "id": "p-2",
        "active": False,
        "link": [{"type": "replaced-by", "other": {"reference": "Patient/p-1"}}],
    }
).encode()
LEFT_OUT = json.dumps({"resourceType": "Patient", "id": "p-2", "active": False}).encode()
VANISHED = {
    "entered in error": (IN_ERROR, Grade.COMPLETE),
    "merged, and still given to whoever reads it": (RETIRED, Grade.COMPLETE),
    "left out for no reason that it tells": (LEFT_OUT, Grade.PARTIAL),
}


@pytest.mark.parametrize(("raw", "grade"), VANISHED.values(), ids=VANISHED)
async def test_a_record_that_tells_why_searches_leave_it_out_leaves_the_view_complete(raw, grade):
    """A chart that was merged away would else keep every pull partial for ever."""
    store, told = MemoryStore(), json.loads(raw)
    before = json.dumps(
        {**told, "active": True} if told["resourceType"] == "Patient" else {**told, "status": "planned"}
    )
    await pulled(store, Shown([before.encode()], type_=told["resourceType"]))
    ehr = Shown(type_=told["resourceType"], singly=[raw])
    report = await pull(store, ehr, Standing(), normalize=sort_entries, extent=Extent(types=[ehr.type]))
    assert report.records[0].grade is grade
    async with store.transaction() as tx:
        assert (await tx.evidence.one("iop", told["resourceType"], told["id"])).body == raw
