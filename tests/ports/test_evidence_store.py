"""A store keeps what EHRs sent: each version, the latest, how pulls went, what could not be read."""

from dataclasses import replace

import pytest

from coordinator.reconcile.model import Grade, Presence
from tests.ports.rows import NOON, a_cursor, a_link, a_patient, a_pull, a_version, an_unread, later


async def test_a_received_version_comes_back_as_it_was(store):
    async with store.transaction() as tx:
        assert await tx.evidence.receive([a_version()]) == 1
    async with store.transaction() as tx:
        assert await tx.evidence.one("north", "Observation", "o1") == a_version()
        assert await tx.evidence.one("north", "Observation", "o2") is None


async def test_known_tells_hashes_version_presence_and_patient_by_id(store):
    async with store.transaction() as tx:
        await tx.evidence.receive([a_version("o1"), a_version("o2", presence=Presence.HIDDEN), a_patient()])
        known = await tx.evidence.known("north", "Observation")
    assert sorted(known) == ["o1", "o2"]
    assert known["o1"].raw_hash == a_version("o1").raw_hash
    assert known["o1"].canonical_hash == a_version("o1").canonical_hash
    assert (known["o1"].version, known["o1"].patient) == ("1", "p1")
    assert known["o2"].presence is Presence.HIDDEN


async def test_known_tells_of_some_ids_alone_where_they_are_given(store):
    async with store.transaction() as tx:
        await tx.evidence.receive([a_version("o1"), a_version("o2"), a_version("o3", ehr="south")])
        assert list(await tx.evidence.known("north", "Observation", {"o2", "o3", "never seen"})) == ["o2"]
        assert await tx.evidence.known("north", "Observation", ()) == {}


async def test_held_tells_the_ids_of_what_is_present_by_the_hash_of_its_bytes(store):
    versions = [a_version("o1"), a_version("o2", presence=Presence.HIDDEN), a_version("o3", ehr="south"), a_patient()]
    async with store.transaction() as tx:
        await tx.evidence.receive(versions)
        assert await tx.evidence.held("north", "Observation") == {a_version("o1").raw_hash: "o1"}
        await tx.evidence.receive([a_version("o1", says="b")])
        assert await tx.evidence.held("north", "Observation") == {a_version("o1", says="b").raw_hash: "o1"}


async def test_the_same_version_again_writes_nothing(store):
    async with store.transaction() as tx:
        await tx.evidence.receive([a_version()])
    async with store.transaction() as tx:
        assert await tx.evidence.receive([a_version(at=later(days=1))]) == 0
    async with store.transaction() as tx:
        assert await tx.evidence.one("north", "Observation", "o1") == a_version()


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(a_version(says="b"), id="content"),
        pytest.param(a_version(version="2"), id="version"),
        pytest.param(a_version(presence=Presence.DELETED), id="presence"),
        pytest.param(a_version(patient="p2"), id="patient"),
        pytest.param(a_version(patient=None), id="no patient any more"),
    ],
)
async def test_a_version_that_differs_becomes_the_latest(store, other):
    async with store.transaction() as tx:
        await tx.evidence.receive([a_version()])
        assert await tx.evidence.receive([other]) == 1
    async with store.transaction() as tx:
        assert await tx.evidence.one("north", "Observation", "o1") == other


async def test_a_record_that_a_page_repeats_ends_with_the_later_entry(store):
    """Pages move while they are read: the same record may come twice in one pull, older first."""
    async with store.transaction() as tx:
        assert await tx.evidence.receive([a_version(), a_version("o2"), a_version(says="b")]) == 3
        latest = await tx.evidence.one("north", "Observation", "o1")
    assert latest == a_version(says="b")


async def test_records_of_a_patient_are_those_that_speak_of_it_and_the_patient_itself(store):
    mine = [a_version("o1"), a_patient("p1"), a_version("o4", presence=Presence.DELETED)]
    others = [a_version("o2", patient="p2"), a_version("o3", ehr="south"), a_version("o5", patient=None)]
    async with store.transaction() as tx:
        await tx.evidence.receive([*mine, *others])
        found = await tx.evidence.latest([("north", "p1")])
    assert found == sorted(mine, key=lambda one: (one.ehr, one.type, one.id))


async def test_nothing_is_found_for_no_patients(store):
    async with store.transaction() as tx:
        await tx.evidence.receive([a_version()])
        assert await tx.evidence.latest([]) == []
        assert await tx.evidence.latest([], known_at=NOON) == []
        assert await tx.evidence.receive([]) == 0


async def test_the_past_is_what_was_known_then(store):
    """What did we believe on the second day? The version learned by then, not the one that corrected it later."""
    first, second = a_version(), a_version(version="2", says="b", at=later(days=2))
    async with store.transaction() as tx:
        await tx.evidence.receive([first])
        await tx.evidence.receive([second, a_version("o2", at=later(days=3))])
    async with store.transaction() as tx:
        assert await tx.evidence.latest([("north", "p1")], known_at=later(hours=-1)) == []
        assert await tx.evidence.latest([("north", "p1")], known_at=NOON) == [first]
        assert await tx.evidence.latest([("north", "p1")], known_at=later(days=1)) == [first]
        assert await tx.evidence.latest([("north", "p1")], known_at=later(days=2)) == [second]
        assert len(await tx.evidence.latest([("north", "p1")], known_at=later(days=3))) == 2


async def test_a_record_moved_to_another_patient_is_in_the_past_of_the_first_only(store):
    async with store.transaction() as tx:
        await tx.evidence.receive([a_version()])
        await tx.evidence.receive([a_version(version="2", patient="p2", at=later(days=1))])
        assert await tx.evidence.latest([("north", "p1")]) == []
        assert await tx.evidence.latest([("north", "p1")], known_at=NOON) == [a_version()]
        assert await tx.evidence.latest([("north", "p1")], known_at=later(days=1)) == []


async def test_a_version_that_comes_back_is_learned_anew(store):
    """An EHR may undo an edit: then the old bytes are the latest again, and the history holds all three."""
    again = a_version(at=later(days=2))
    async with store.transaction() as tx:
        for one in (a_version(), a_version(says="b", at=later(days=1)), again):
            assert await tx.evidence.receive([one]) == 1
        assert await tx.evidence.one("north", "Observation", "o1") == again
        assert (await tx.evidence.latest([("north", "p1")], known_at=later(days=1)))[0].version == "1"


async def test_only_what_is_present_counts(store):
    async with store.transaction() as tx:
        await tx.evidence.receive([a_version("o1"), a_version("o2"), a_version("o3", presence=Presence.DELETED)])
        await tx.evidence.receive([a_patient(), a_version("o1", ehr="south")])
        counts = await tx.evidence.counts()
    assert counts == {("north", "Observation"): 2, ("north", "Patient"): 1, ("south", "Observation"): 1}


async def test_more_rows_than_a_batch_arrive_whole(store):
    versions = [a_version(f"o{number}") for number in range(2500)]
    async with store.transaction() as tx:
        assert await tx.evidence.receive(versions) == 2500
        assert len(await tx.evidence.known("north", "Observation")) == 2500


async def test_receiving_wakes_the_person_of_the_patient(store):
    async with store.transaction() as tx:
        person = await _reconciled_person(tx)
    async with store.transaction() as tx:
        await tx.evidence.receive([a_version()])
    async with store.transaction() as tx:
        assert [due.person for due in await tx.wakes.due(NOON, limit=9)] == [person]


@pytest.mark.parametrize(
    ("versions", "is_woken"),
    [
        pytest.param([a_patient("p1", says="b")], True, id="the Patient record itself"),
        pytest.param([a_version(patient="p2")], False, id="another patient"),
        pytest.param([a_version(ehr="south")], False, id="the same id in another EHR"),
        pytest.param([a_version(patient=None)], False, id="no patient"),
        pytest.param([a_patient("p1")], False, id="nothing new"),
    ],
)
async def test_receiving_wakes_only_whom_it_concerns(store, versions, is_woken):
    async with store.transaction() as tx:
        await tx.evidence.receive([a_patient("p1")])
        person = await _reconciled_person(tx)
    async with store.transaction() as tx:
        await tx.evidence.receive(versions)
        assert [due.person for due in await tx.wakes.due(NOON, limit=9)] == ([person] if is_woken else [])


async def test_a_record_that_leaves_a_patient_wakes_both_persons(store):
    async with store.transaction() as tx:
        await tx.evidence.receive([a_version()])
        first, second = await _reconciled_person(tx), await _reconciled_person(tx, "p2")
    async with store.transaction() as tx:
        await tx.evidence.receive([a_version(patient="p2")])
        assert {due.person for due in await tx.wakes.due(NOON, limit=9)} == {first, second}


async def test_what_is_rolled_back_was_never_received(store):
    async with store.transaction() as tx:
        await _reconciled_person(tx)
    with pytest.raises(RuntimeError):
        await _received_and_broken_off(store)
    async with store.transaction() as tx:
        assert await tx.evidence.one("north", "Observation", "o1") is None
        assert await tx.evidence.latest([("north", "p1")], known_at=later(days=9)) == []
        assert await tx.wakes.due(NOON, limit=9) == []


async def test_tenants_do_not_see_each_other(stores):
    mine, theirs = await stores.open(), await stores.open("another-" + NOON.isoformat())
    async with mine.transaction() as tx:
        await tx.evidence.receive([a_version()])
        await tx.people.create()
    async with theirs.transaction() as tx:
        assert await tx.evidence.one("north", "Observation", "o1") is None
        assert await tx.evidence.counts() == {}


async def test_the_grade_is_that_of_the_latest_pull(store):
    async with store.transaction() as tx:
        await tx.pulls.add_pull(a_pull(grade=Grade.COMPLETE))
        await tx.pulls.add_pull(a_pull("Goal", grade=Grade.RESTRICTED))
        await tx.pulls.add_pull(a_pull(grade=Grade.PARTIAL))
    async with store.transaction() as tx:
        grades = await tx.pulls.grades()
    assert grades == {("north", "Observation"): Grade.PARTIAL, ("north", "Goal"): Grade.RESTRICTED}


async def test_the_grade_of_an_instant_is_that_of_the_latest_pull_that_had_ended(store):
    async with store.transaction() as tx:
        await tx.pulls.add_pull(a_pull(grade=Grade.COMPLETE))
        await tx.pulls.add_pull(replace(a_pull(grade=Grade.PARTIAL), ended_at=later(days=1)))
        assert await tx.pulls.grades(known_at=later(days=-1)) == {}
        assert await tx.pulls.grades(known_at=NOON) == {("north", "Observation"): Grade.COMPLETE}
        assert await tx.pulls.grades(known_at=later(days=1)) == {("north", "Observation"): Grade.PARTIAL}


async def test_one_record_is_told_as_it_was_at_an_instant(store):
    async with store.transaction() as tx:
        await tx.evidence.receive([a_version()])
        changed = a_version(version="2", says="b", at=later(days=1))
        await tx.evidence.receive([changed])
        assert await tx.evidence.one("north", "Observation", "o1", known_at=later(days=-1)) is None
        assert await tx.evidence.one("north", "Observation", "o1", known_at=NOON) == a_version()
        assert await tx.evidence.one("north", "Observation", "o1", known_at=later(days=1)) == changed


async def test_the_latest_pull_of_each_type_tells_how_it_went(store):
    async with store.transaction() as tx:
        await tx.pulls.add_pull(a_pull(grade=Grade.PARTIAL))
        await tx.pulls.add_pull(a_pull("Goal", ehr="south"))
        await tx.pulls.add_pull(a_pull())
        assert await tx.pulls.last_pulls() == [a_pull(), a_pull("Goal", ehr="south")]


async def test_what_can_not_be_read_is_kept_once(store):
    rows = [an_unread("o2"), an_unread("o1"), an_unread("o1", body=b"[")]
    async with store.transaction() as tx:
        assert await tx.pulls.quarantine(rows) == 3
        assert await tx.pulls.quarantine([an_unread("o1"), an_unread("o3")]) == 1
        assert await tx.pulls.quarantined() == [*rows, an_unread("o3")]


async def test_what_can_not_be_read_is_found_by_whose_it_is(store):
    rows = [an_unread("o2", patient="p2"), an_unread("o1", patient="p1"), an_unread("o3")]
    async with store.transaction() as tx:
        await tx.pulls.quarantine(rows)
        assert await tx.pulls.unread_of({("north", "p1"), ("north", "p2")}) == rows[:2]
        assert await tx.pulls.unread_of({("south", "p1")}) == []
        assert await tx.pulls.unread_of(set()) == []


async def _received_and_broken_off(store):
    async with store.transaction() as tx:
        await tx.evidence.receive([a_version()])
        raise RuntimeError


async def _reconciled_person(tx, patient="p1"):
    """Return a person linked to a patient to whom nothing is owed."""
    person = await tx.people.create()
    await tx.people.link(a_link(person, patient))
    for due in await tx.wakes.due(NOON, limit=9):
        await tx.wakes.reconciled(due, at=NOON, due_at=None)
    return person


# ---- records that name several patients ------------------------------------------------------------------------------
def a_group(*patients, **more):
    return replace(a_version("a1", type_="Appointment", patient=None, **more), named=patients)


async def found(tx, *patients, **more):
    latest = await tx.evidence.latest([("north", one) for one in patients], **more)
    return [(one.type, one.id, one.version) for one in latest]


async def test_a_record_that_names_several_is_found_for_each_of_them_once(store):
    async with store.transaction() as tx:
        assert await tx.evidence.receive([a_group("p1", "p2"), a_version("o1"), a_version("o2", patient="p3")]) == 3
        group, own = ("Appointment", "a1", "1"), ("Observation", "o1", "1")
        assert await found(tx, "p1") == [group, own]
        assert await found(tx, "p2") == [group]
        assert await found(tx, "p1", "p2") == [group, own]
        assert await found(tx, "p3") == [("Observation", "o2", "1")]
        assert await tx.evidence.latest([("south", "p1")]) == []
        assert await tx.evidence.receive([a_group("p1", "p2")]) == 0


async def test_whom_a_later_version_no_longer_names_is_told_of_it_no_more_but_of_then(store):
    async with store.transaction() as tx:
        await tx.evidence.receive([a_group("p1", "p2")])
        await tx.evidence.receive([a_group("p2", "p3", version="2", at=later(hours=2))])
        assert [await found(tx, one) for one in ("p1", "p2", "p3")] == [
            [],
            [("Appointment", "a1", "2")],
            [("Appointment", "a1", "2")],
        ]
        then = later(hours=1)
        assert [await found(tx, one, known_at=then) for one in ("p1", "p3")] == [[("Appointment", "a1", "1")], []]
        assert await found(tx, "p1", known_at=later(hours=3)) == []


async def test_whoever_is_or_was_named_is_woken(store):
    async with store.transaction() as tx:
        persons = [await tx.people.create() for _ in range(3)]
        for number, person in enumerate(persons, 1):
            await tx.people.link(a_link(person, f"p{number}"))
    for version, named, woken in (("1", ("p1", "p2"), persons[:2]), ("2", ("p2", "p3"), persons)):
        async with store.transaction() as tx:
            for due in await tx.wakes.due(NOON, limit=9):
                await tx.wakes.reconciled(due, at=NOON, due_at=None)
        async with store.transaction() as tx:
            await tx.evidence.receive([a_group(*named, version=version)])
            assert {due.person for due in await tx.wakes.due(NOON, limit=9)} == set(woken)


async def test_how_far_a_lane_has_come_is_kept_by_ehr_and_type_and_the_last_word_counts(store):
    async with store.transaction() as tx:
        await tx.pulls.put_cursor(a_cursor())
        await tx.pulls.put_cursor(a_cursor("Goal", mark=later(days=1)))
        await tx.pulls.put_cursor(a_cursor(ehr="south"))
    async with store.transaction() as tx:
        await tx.pulls.put_cursor(a_cursor(mark=later(days=2), missed=3, off="it lies"))
        assert await tx.pulls.cursors("north") == {
            "Goal": a_cursor("Goal", mark=later(days=1)),
            "Observation": a_cursor(mark=later(days=2), missed=3, off="it lies"),
        }
        assert await tx.pulls.cursors("east") == {}


async def test_a_pull_tells_its_lane_and_what_the_lane_had_missed(store):
    fast, full = replace(a_pull(), lane="last-updated"), replace(a_pull("Goal"), missed=2)
    async with store.transaction() as tx:
        await tx.pulls.add_pull(fast)
        await tx.pulls.add_pull(full)
        assert await tx.pulls.last_pulls() == [full, fast]


async def test_content_that_a_record_had_before_is_known_as_such(store):
    old, new = a_version(says="a"), a_version(says="b", version="2")
    contents = {old.id: old.canonical_hash, "nobody": old.canonical_hash}
    async with store.transaction() as tx:
        await tx.evidence.receive([old])
        assert await tx.evidence.had(old.ehr, old.type, contents) == set(), "it has it now"
        await tx.evidence.receive([new])
        assert await tx.evidence.had(old.ehr, old.type, contents) == {old.id}
        assert await tx.evidence.had(old.ehr, old.type, {old.id: new.canonical_hash}) == set()
        assert await tx.evidence.had("elsewhere", old.type, contents) == set()
        assert await tx.evidence.had(old.ehr, old.type, {}) == set()
