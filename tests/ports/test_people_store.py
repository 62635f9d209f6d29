"""A store knows which EHR patient is whom, and to whom a reconciliation is owed."""

import asyncio

import pytest

from coordinator.errors import NotFound
from coordinator.reconcile.model import Presence
from coordinator.sync.records import Past
from tests.ports.rows import NOON, a_decision, a_link, a_patient, a_version, later


async def test_every_person_has_an_id_of_their_own(store):
    async with store.transaction() as tx:
        assert len({await tx.people.create() for _ in range(3)}) == 3


async def test_a_patient_is_unmatched_until_linked_and_again_when_it_changes(store):
    async with store.transaction() as tx:
        await tx.evidence.receive([a_patient(), a_version()])
        assert await tx.people.unmatched() == [a_patient()]
        person = await tx.people.create()
        await tx.people.link(a_link(person))
        assert await tx.people.unmatched() == []
    async with store.transaction() as tx:
        await tx.evidence.receive([a_patient(version="2")])
        assert await tx.people.unmatched() == [], "another version of the same content is no news for matching"
        await tx.evidence.receive([a_patient(version="3", says="b")])
        assert await tx.people.unmatched() == [a_patient(version="3", says="b")]


async def test_a_patient_that_is_not_there_any_more_is_not_matched(store):
    async with store.transaction() as tx:
        await tx.evidence.receive([a_patient(presence=Presence.DELETED), a_patient("p2", presence=Presence.HIDDEN)])
        assert await tx.people.unmatched() == []


async def test_links_come_in_order_and_by_person(store):
    async with store.transaction() as tx:
        first, second = sorted([await tx.people.create(), await tx.people.create()])
        links = [a_link(first, "p9"), a_link(first, "p1", ehr="south"), a_link(second, "p1")]
        for link in reversed(links):
            await tx.people.link(link)
    async with store.transaction() as tx:
        assert await tx.people.links() == links
        assert await tx.people.links(second) == links[2:]


async def test_the_links_of_some_patients_are_found_by_patient(store):
    async with store.transaction() as tx:
        person = await tx.people.create()
        north, south = a_link(person, "p1"), a_link(person, "p1", ehr="south")
        for link in (north, south, a_link(person, "p2")):
            await tx.people.link(link)
        asked = [("south", "p1"), (north.ehr, "p1"), ("south", "nobody")]
        assert await tx.people.linked(asked) == {(north.ehr, "p1"): north, ("south", "p1"): south}
        assert await tx.people.linked([]) == {}


async def test_linking_wakes_the_person(store):
    async with store.transaction() as tx:
        person = await tx.people.create()
        assert await tx.wakes.due(NOON, limit=9) == []
        await tx.people.link(a_link(person))
        assert [due.person for due in await tx.wakes.due(NOON, limit=9)] == [person]


async def test_moving_a_link_wakes_both_persons(store):
    """The record leaves one account and enters another: both are wrong until reconciled."""
    async with store.transaction() as tx:
        first, second = await tx.people.create(), await tx.people.create()
        await tx.people.link(a_link(first))
        await _reconcile_all(tx)
    async with store.transaction() as tx:
        await tx.people.link(a_link(second))
        assert {due.person for due in await tx.wakes.due(NOON, limit=9)} == {first, second}
        assert [link.person for link in await tx.people.links()] == [second]


async def test_linking_again_as_before_changes_nothing(store):
    async with store.transaction() as tx:
        person = await tx.people.create()
        await tx.people.link(a_link(person))
        await _reconcile_all(tx)
        await tx.people.link(a_link(person, since=later(days=1)))
        assert await tx.wakes.due(NOON, limit=9) == []
        assert await tx.people.links() == [a_link(person)]


async def test_a_link_to_nobody_is_refused(store):
    with pytest.raises(NotFound):
        async with store.transaction() as tx:
            await tx.people.link(a_link("nobody"))


async def test_keys_find_their_patients_and_are_replaced_whole(store):
    async with store.transaction() as tx:
        await tx.people.put_keys("north", "p1", ["mrn|1", "name|x"])
        await tx.people.put_keys("south", "p7", {"name|x"})
        assert await tx.people.with_keys(["name|x", "none"]) == {"name|x": [("north", "p1"), ("south", "p7")]}
        await tx.people.put_keys("north", "p1", ["mrn|1", "name|y"])
        assert await tx.people.with_keys(["name|x", "name|y", "mrn|1"]) == {
            "name|x": [("south", "p7")],
            "name|y": [("north", "p1")],
            "mrn|1": [("north", "p1")],
        }
        await tx.people.put_keys("north", "p1", [])
        assert await tx.people.with_keys(["mrn|1"]) == {}


async def test_a_woken_person_is_due_until_reconciled(store):
    async with store.transaction() as tx:
        person = await tx.people.create()
        await tx.wakes.wake([person])
    async with store.transaction() as tx:
        (due,) = await tx.wakes.due(NOON, limit=9)
        await tx.wakes.reconciled(due, at=NOON, due_at=None)
    async with store.transaction() as tx:
        assert await tx.wakes.due(later(days=999), limit=9) == []


async def test_a_wake_up_during_the_pass_counts_for_the_next(store):
    """Evidence that arrives while its person is being reconciled was not seen by that pass."""
    async with store.transaction() as tx:
        person = await tx.people.create()
        await tx.wakes.wake([person])
        (due,) = await tx.wakes.due(NOON, limit=9)
        await tx.wakes.wake([person])
        await tx.wakes.reconciled(due, at=NOON, due_at=None)
    async with store.transaction() as tx:
        assert [again.person for again in await tx.wakes.due(NOON, limit=9)] == [person]


async def test_a_person_is_due_when_the_moment_has_come(store):
    async with store.transaction() as tx:
        person = await tx.people.create()
        await tx.wakes.wake([person])
        await _reconcile_all(tx, due_at=later(days=3))
    async with store.transaction() as tx:
        assert await tx.wakes.due(later(days=2), limit=9) == []
        (due,) = await tx.wakes.due(later(days=3), limit=9)
        await tx.wakes.reconciled(due, at=later(days=3), due_at=None)
        assert await tx.wakes.due(later(days=4), limit=9) == []


async def test_no_more_persons_than_asked_for_are_due(store):
    async with store.transaction() as tx:
        await tx.wakes.wake([await tx.people.create() for _ in range(5)])
        assert len(await tx.wakes.due(NOON, limit=2)) == 2


async def test_a_decision_wakes_the_person(store):
    async with store.transaction() as tx:
        person = await tx.people.create()
        await tx.accounts.add_decision(person, a_decision(end="2026-06-01"))
        assert [due.person for due in await tx.wakes.due(NOON, limit=9)] == [person]


async def test_nobody_can_not_be_woken(store):
    with pytest.raises(NotFound):
        async with store.transaction() as tx:
            await tx.wakes.wake(["nobody"])


async def test_a_person_in_work_is_passed_over_by_the_next_worker(stores):
    first, second = await stores.open(), await stores.open()
    async with first.transaction() as tx:
        await tx.wakes.wake([await tx.people.create(), await tx.people.create()])
    async with first.transaction() as mine, second.transaction() as theirs:
        (one,) = await mine.wakes.due(NOON, limit=1)
        (other,) = await theirs.wakes.due(NOON, limit=9)
    assert one.person != other.person


async def test_evidence_that_commits_while_a_person_is_reconciled_is_not_forgotten(stores):
    """The writer waits for the pass; its wake-up comes after, and so the person is due again."""
    worker, writer = await stores.open(), await stores.open()
    async with worker.transaction() as tx:
        person = await tx.people.create()
        await tx.people.link(a_link(person))
    async with worker.transaction() as tx:
        (due,) = await tx.wakes.due(NOON, limit=9)
        writing = asyncio.create_task(_received(writer))
        assert await _waits(writing)
        seen = await tx.evidence.latest([("north", "p1")])
        await tx.wakes.reconciled(due, at=NOON, due_at=None)
    await writing
    assert seen == []
    async with worker.transaction() as tx:
        assert [again.person for again in await tx.wakes.due(NOON, limit=9)] == [person]


async def test_a_link_made_while_its_records_arrive_wakes_with_them(stores):
    """A record without a link wakes nobody; a link made at the same time does not see the record: one must wait."""
    puller, matcher = await stores.open(), await stores.open()
    async with puller.transaction() as tx:
        person = await tx.people.create()
    async with puller.transaction() as tx:
        await tx.evidence.receive([a_version()])
        linking = asyncio.create_task(_linked(matcher, person))
        assert await _waits(linking)
    await linking
    async with puller.transaction() as tx:
        (due,) = await tx.wakes.due(NOON, limit=9)
        assert due.person == person
        assert len(await tx.evidence.latest([("north", "p1")])) == 1


async def _waits(task):
    """Tell whether a task is held up by us: given time, it does not end."""
    done, _ = await asyncio.wait([task], timeout=0.1)
    return not done


async def _received(store):
    async with store.transaction() as tx:
        await tx.evidence.receive([a_version()])


async def _linked(store, person):
    async with store.transaction() as tx:
        await tx.people.link(a_link(person))


async def _reconcile_all(tx, *, due_at=None):
    for due in await tx.wakes.due(NOON, limit=99):
        await tx.wakes.reconciled(due, at=NOON, due_at=due_at)


async def test_who_was_whom_is_told_as_it_was_at_an_instant(store):
    """A later merge, or the undoing of one, does not change what was believed before."""
    async with store.transaction() as tx:
        first, second = sorted([await tx.people.create(), await tx.people.create()])
        apart = a_link(second, "p2")
        await tx.people.link(a_link(first))
        await tx.people.link(apart)
        joined = a_link(first, "p2", by="user:ada", since=later(days=1))
        await tx.people.link(joined)
        undone = a_link(second, "p2", by="user:ben", since=later(days=2))
        await tx.people.link(undone)
    async with store.transaction() as tx:
        assert await tx.people.links(first, known_at=later(days=-1)) == []
        assert await tx.people.links(second, known_at=NOON) == [apart]
        assert await tx.people.links(first, known_at=later(days=1)) == [a_link(first), joined]
        assert await tx.people.links(second, known_at=later(days=1)) == []
        assert await tx.people.links(known_at=later(days=9)) == await tx.people.links() == [a_link(first), undone]


async def test_a_link_that_was_only_looked_at_again_has_no_second_history(store):
    async with store.transaction() as tx:
        person = await tx.people.create()
        await tx.people.link(a_link(person))
        await tx.people.link(a_link(person, says="b"))
        assert await tx.people.links(known_at=NOON) == [a_link(person)]
        assert await tx.people.links() == [a_link(person, says="b")]


async def test_a_key_that_too_many_carry_is_counted_and_left_out_where_asked(store):
    async with store.transaction() as tx:
        for patient in ("p1", "p2", "p3"):
            await tx.people.put_keys("north", patient, ["name|x"])
        await tx.people.put_keys("south", "p1", ["name|y"])
        asked = ["name|x", "name|y"]
        assert set(await tx.people.with_keys(asked, most=3)) == {"name|x", "name|y"}
        assert await tx.people.with_keys(asked, most=2) == {"name|y": [("south", "p1")]}
        assert await tx.people.crowded(2, asked) == {"name|x": 3}
        assert await tx.people.crowded(3, asked) == await tx.people.crowded(2, ["name|y"]) == {}
        assert await tx.people.crowds(0) == [1, 3]
        assert await tx.people.crowds(2) == [3]


async def test_patient_records_are_found_by_patient(store):
    async with store.transaction() as tx:
        await tx.evidence.receive([a_patient("p1", says="a"), a_patient("p2", ehr="south"), a_version("p3")])
        await tx.evidence.receive([a_patient("p1", version="2", says="b")])
        asked = [("south", "p2"), ("north", "p1"), ("north", "p3"), ("north", "none")]
        assert await tx.people.patients(asked) == [a_patient("p1", version="2", says="b"), a_patient("p2", ehr="south")]
        assert await tx.people.patients([]) == []


async def test_what_was_so_while_records_were_a_persons_is_kept_by_exactly_these_records(store):
    async with store.transaction() as tx:
        first, second = sorted([await tx.people.create(), await tx.people.create()])
        records = frozenset({"south/Patient/p1", "north/Patient/p1"})
        past = Past(records=records, person=first, shadows={"": b'{"a":{"b":{"":1}}}', "north": b"{}"})
        await tx.people.remember(Past(records=records, person=second, shadows={}))
        await tx.people.remember(past)
        await tx.people.remember(past)
        assert await tx.people.past(["north/Patient/p1", "south/Patient/p1"]) == past
        assert await tx.people.past(["north/Patient/p1"]) is None
        assert await tx.people.pasts(first) == [past]
        assert await tx.people.pasts(second) == []
