"""A store keeps what is owed: one row per need, in a state that says what became of it."""

from dataclasses import replace

import pytest

from coordinator.errors import NotFound
from coordinator.outbox.model import Form, Status
from tests.ports.rows import NOON, an_intent, later


async def test_a_new_need_is_owed(store):
    intent = an_intent(target="g1", base="north/Goal/g1@1", base_hash=b"b", summary="Goal: in progress")
    async with store.transaction() as tx:
        assert await tx.outbox.put_intents("anyone", "north", [intent], at=NOON) == 1
    async with store.transaction() as tx:
        (entry,) = await tx.outbox.entries()
    assert entry.intent == intent
    assert (entry.status, entry.attempts, entry.updated_at) == (Status.OWED, 0, NOON)


async def test_an_intent_without_a_claim_comes_back_without_one(store):
    intent = replace(an_intent(), claim=None)
    async with store.transaction() as tx:
        await tx.outbox.put_intents("anyone", "north", [intent], at=NOON)
        assert (await tx.outbox.entries())[0].intent == intent


@pytest.mark.parametrize("status", list(Status))
async def test_the_same_need_stated_again_changes_only_what_was_obsolete_or_withheld(store, status):
    async with store.transaction() as tx:
        await _stands(tx, status)
        changed = await tx.outbox.put_intents("anyone", "north", [an_intent()], at=later(days=1))
        (entry,) = await tx.outbox.entries()
    is_owed_anew = status in {Status.OBSOLETE, Status.WITHHELD}
    assert changed == int(is_owed_anew)
    assert entry.status is (Status.OWED if is_owed_anew else status)


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize(
    "change", [{"material": b"m2", "body": b'{"a":1}'}, {"form": Form.DOCUMENT}], ids=["material", "form"]
)
async def test_another_matter_is_owed_anew_but_waits_for_an_outcome_not_known(store, status, change):
    other = replace(an_intent(), **change)
    async with store.transaction() as tx:
        await _stands(tx, status)
        assert await tx.outbox.put_intents("anyone", "north", [other], at=later(days=1)) == 1
        (entry,) = await tx.outbox.entries()
    assert entry.intent == other
    waits = status in {Status.IN_FLIGHT, Status.UNKNOWN}
    assert entry.status is (status if waits else Status.OWED)
    assert entry.attempts == (3 if waits else 0)
    assert (entry.result_id, entry.sent_hash) == ("g9", b"s"), "the next write starts from what the last one left"


@pytest.mark.parametrize(
    ("status", "after"),
    [
        (Status.OWED, Status.OBSOLETE),
        (Status.CONFLICT, Status.OBSOLETE),
        (Status.REFUSED, Status.OBSOLETE),
        (Status.WITHHELD, Status.WITHHELD),
        (Status.IN_FLIGHT, Status.IN_FLIGHT),
        (Status.UNKNOWN, Status.UNKNOWN),
        (Status.APPLIED, Status.APPLIED),
        (Status.VERIFIED, Status.VERIFIED),
        (Status.OBSOLETE, Status.OBSOLETE),
    ],
)
async def test_a_need_that_is_gone(store, status, after):
    """What may have reached the EHR, or did, is not made undone by not being wanted any more."""
    async with store.transaction() as tx:
        await _stands(tx, status)
        assert await tx.outbox.put_intents("anyone", "north", [], at=NOON) == int(after is not status)
        (entry,) = await tx.outbox.entries()
    assert entry.status is after


@pytest.mark.parametrize(
    ("status", "is_taken_over"),
    [
        (Status.OWED, True),
        (Status.REFUSED, True),
        (Status.UNKNOWN, True),
        (Status.APPLIED, False),
        (Status.VERIFIED, False),
    ],
)
async def test_what_is_still_owed_takes_the_rest_of_the_intent_over(store, status, is_taken_over):
    moved = replace(an_intent(), base="north/Goal/g1@2", base_hash=b"b2", body=b'{"meta":2}')
    async with store.transaction() as tx:
        await _stands(tx, status)
        assert await tx.outbox.put_intents("anyone", "north", [moved], at=NOON) == int(is_taken_over)
        (entry,) = await tx.outbox.entries()
    assert entry.intent == (moved if is_taken_over else an_intent())
    assert entry.status is status


async def test_a_conflict_is_owed_once_its_base_has_moved(store):
    """A conflict leads back to reconciliation; if the need stands after it, it stands on what the EHR holds now."""
    moved = replace(an_intent(), base_hash=b"b2")
    async with store.transaction() as tx:
        await _stands(tx, Status.CONFLICT)
        await tx.outbox.put_intents("anyone", "north", [moved], at=NOON)
        (entry,) = await tx.outbox.entries()
    assert (entry.status, entry.intent) == (Status.OWED, moved)


async def test_what_consent_holds_back_is_kept_without_its_body_and_is_news_once(store):
    intent = an_intent(base_hash=b"b")
    async with store.transaction() as tx:
        assert await tx.outbox.withhold(intent, "no consent", at=NOON)
        assert not await tx.outbox.withhold(intent, "no consent", at=later(days=1))
        assert await tx.outbox.withhold(intent, "consent revoked", at=later(days=2))
        (entry,) = await tx.outbox.entries()
        assert await tx.outbox.sendable("north", limit=9) == []
    assert entry.intent == replace(intent, body=b"", base_hash=b"")
    assert (entry.status, entry.reason, entry.updated_at) == (Status.WITHHELD, "consent revoked", later(days=2))


async def test_what_consent_holds_back_is_owed_when_it_may_go(store):
    async with store.transaction() as tx:
        await tx.outbox.withhold(an_intent(), "no consent", at=NOON)
        assert await tx.outbox.put_intents("anyone", "north", [an_intent()], at=later(days=1)) == 1
        (entry,) = await tx.outbox.entries()
    assert (entry.status, entry.reason, entry.intent) == (Status.OWED, "", an_intent())


@pytest.mark.parametrize("status", [Status.IN_FLIGHT, Status.UNKNOWN])
async def test_what_may_have_reached_the_ehr_is_not_hidden_by_holding_it_back(store, status):
    async with store.transaction() as tx:
        await _stands(tx, status)
        assert not await tx.outbox.withhold(an_intent(), "no consent", at=later(days=1))
        (entry,) = await tx.outbox.entries()
    assert (entry.status, entry.intent) == (status, an_intent())


async def test_the_needs_of_others_are_left_alone(store):
    async with store.transaction() as tx:
        await tx.outbox.put_intents("other", "north", [an_intent(person="other")], at=NOON)
        await tx.outbox.put_intents("anyone", "south", [an_intent(ehr="south")], at=NOON)
        await tx.outbox.put_intents("anyone", "north", [an_intent()], at=NOON)
        assert await tx.outbox.put_intents("anyone", "north", [], at=NOON) == 1
        statuses = {(one.intent.person, one.intent.ehr): one.status for one in await tx.outbox.entries()}
    assert statuses == {
        ("anyone", "north"): Status.OBSOLETE,
        ("anyone", "south"): Status.OWED,
        ("other", "north"): Status.OWED,
    }


async def test_entries_are_found_by_person_and_ehr_in_order(store):
    async with store.transaction() as tx:
        for person, ehr, key in (("b", "north", "i1"), ("a", "south", "i1"), ("a", "north", "i2")):
            await tx.outbox.put_intents(person, ehr, [an_intent(key, person=person, ehr=ehr)], at=NOON)
        await tx.outbox.put_intents("a", "north", [an_intent("i2", person="a"), an_intent("i1", person="a")], at=NOON)

        async def found(**by):
            return [(one.intent.person, one.intent.ehr, one.intent.key) for one in await tx.outbox.entries(**by)]

        everything = [("a", "north", "i1"), ("a", "north", "i2"), ("a", "south", "i1"), ("b", "north", "i1")]
        assert await found() == everything
        assert await found(person="a") == everything[:3]
        assert await found(ehr="north") == [everything[0], everything[1], everything[3]]
        assert await found(person="a", ehr="south") == [everything[2]]


async def test_sendable_is_what_is_owed_or_unknown_oldest_need_first(store):
    keys = ["i5", "i1", "i3", "i2", "i4"]
    async with store.transaction() as tx:
        for key, status in zip(
            keys, (Status.OWED, Status.UNKNOWN, Status.VERIFIED, Status.OWED, Status.WITHHELD), strict=True
        ):
            await _stands(tx, status, an_intent(key, person=key))
        assert [one.intent.key for one in await tx.outbox.sendable("north", limit=9)] == ["i5", "i1", "i2"]
        assert [one.intent.key for one in await tx.outbox.sendable("north", limit=1)] == ["i5"]
        assert await tx.outbox.sendable("south", limit=9) == []


async def test_what_only_a_person_can_deliver_is_never_sendable(store):
    async with store.transaction() as tx:
        await tx.outbox.put_intents("anyone", "north", [an_intent(form=Form.NONE)], at=NOON)
        assert await tx.outbox.sendable("north", limit=9) == []
        assert [one.status for one in await tx.outbox.entries()] == [Status.OWED]


async def test_a_need_that_is_owed_anew_goes_to_the_end_of_the_line(store):
    async with store.transaction() as tx:
        await _stands(tx, Status.VERIFIED, an_intent("i1", person="a"))
        await _stands(tx, Status.OWED, an_intent("i2", person="b"))
        await tx.outbox.put_intents("a", "north", [an_intent("i1", person="a", material=b"m2")], at=NOON)
        assert [one.intent.key for one in await tx.outbox.sendable("north", limit=9)] == ["i2", "i1"]


async def test_what_one_sends_is_passed_over_by_another(stores):
    first, second = await stores.open(), await stores.open()
    async with first.transaction() as tx:
        for key in ("i1", "i2"):
            await _stands(tx, Status.OWED, an_intent(key, person=key))
    async with first.transaction() as mine, second.transaction() as theirs:
        assert [one.intent.key for one in await mine.outbox.sendable("north", limit=1)] == ["i1"]
        assert [one.intent.key for one in await theirs.outbox.sendable("north", limit=9)] == ["i2"]


async def test_a_write_in_flight_is_sendable_again_only_when_its_program_has_ended(stores):
    sender, other = await stores.open(), await stores.open()
    async with sender.transaction() as tx:
        await _stands(tx, Status.IN_FLIGHT)
    async with other.transaction() as tx:
        assert await tx.outbox.sendable("north", limit=9) == []
    await stores.end(sender)
    async with other.transaction() as tx:
        assert [one.status for one in await tx.outbox.sendable("north", limit=9)] == [Status.IN_FLIGHT]


async def test_a_program_finds_its_own_writes_in_flight(store):
    """A run that broke off leaves them to the next run, also of the same program."""
    async with store.transaction() as tx:
        await _stands(tx, Status.IN_FLIGHT)
        assert len(await tx.outbox.sendable("north", limit=9)) == 1


async def test_a_status_is_kept_with_its_history(store):
    async with store.transaction() as tx:
        await tx.outbox.put_intents("anyone", "north", [an_intent()], at=NOON)
        (entry,) = await tx.outbox.entries()
        told = replace(
            entry,
            status=Status.VERIFIED,
            reason="read back",
            attempts=2,
            result_id="g9",
            result_version="3",
            sent_hash=b"s",
            updated_at=later(days=1),
            facts={"http": 201},
        )
        await tx.outbox.set_status(told)
    async with store.transaction() as tx:
        assert await tx.outbox.entries() == [told]


async def test_an_outcome_that_comes_after_the_need_has_changed_leaves_the_new_need_owed(store):
    """A run sends the old goal while reconciliation asks for a new one: its success says nothing about the new."""
    async with store.transaction() as tx:
        await _stands(tx, Status.IN_FLIGHT)
        (sent,) = await tx.outbox.entries()
        await tx.outbox.put_intents("anyone", "north", [an_intent(material=b"m2")], at=NOON)
        await tx.outbox.set_status(replace(sent, status=Status.APPLIED, result_id="g10"))
        (entry,) = await tx.outbox.entries()
    assert (entry.status, entry.result_id, entry.intent.material) == (Status.OWED, "g10", b"m2")


async def test_the_status_of_an_unknown_entry_is_refused(store):
    async with store.transaction() as tx:
        await tx.outbox.put_intents("anyone", "north", [an_intent()], at=NOON)
        (entry,) = await tx.outbox.entries()
        with pytest.raises(NotFound):
            await tx.outbox.set_status(replace(entry, intent=an_intent("other")))


async def _stands(tx, status, intent=None):
    """Have an entry stand in a status, with the traces of an earlier write."""
    intent = intent or an_intent()
    await tx.outbox.put_intents(intent.person, intent.ehr, [intent], at=NOON)
    (entry,) = await tx.outbox.entries(person=intent.person, ehr=intent.ehr)
    await tx.outbox.set_status(replace(entry, status=status, attempts=3, result_id="g9", sent_hash=b"s"))


async def test_what_another_run_has_taken_meanwhile_is_not_taken_twice(stores):
    """Both have listed it as owed: the one that comes second finds it gone."""
    one, other = await stores.open(), await stores.open()
    async with one.transaction() as tx:
        await tx.outbox.put_intents("anyone", "north", [an_intent()], at=NOON)
    async with other.transaction() as tx:
        (listed,) = await tx.outbox.sendable("north", limit=9)
    async with one.transaction() as tx:
        taken = await tx.outbox.take(listed)
        assert taken == listed
        await tx.outbox.set_status(replace(taken, status=Status.IN_FLIGHT))
    async with other.transaction() as tx:
        assert await tx.outbox.take(listed) is None
    async with one.transaction() as tx:
        assert (await tx.outbox.take(listed)).status is Status.IN_FLIGHT, "its own it may take up again"
    await stores.end(one)
    async with other.transaction() as tx:
        assert (await tx.outbox.take(listed)).status is Status.IN_FLIGHT, "nobody's it may take over"


async def test_an_entry_is_taken_as_it_stands_and_not_as_it_was_listed(store):
    async with store.transaction() as tx:
        await tx.outbox.put_intents("anyone", "north", [an_intent()], at=NOON)
        (listed,) = await tx.outbox.sendable("north", limit=9)
        other = an_intent(material=b"m2", body=b'{"a":1}')
        await tx.outbox.put_intents("anyone", "north", [other], at=NOON)
        assert (await tx.outbox.take(listed)).intent == other
        await tx.outbox.put_intents("anyone", "north", [], at=NOON)
        assert await tx.outbox.take(listed) is None


async def test_what_is_in_flight_stays_its_senders_though_another_states_the_need_again(stores):
    one, other = await stores.open(), await stores.open()
    async with one.transaction() as tx:
        await tx.outbox.put_intents("anyone", "north", [an_intent()], at=NOON)
        (listed,) = await tx.outbox.sendable("north", limit=9)
        await tx.outbox.set_status(replace(listed, status=Status.IN_FLIGHT))
    async with other.transaction() as tx:
        restated = replace(an_intent(), evidence=("south/Goal/g1@2",))
        assert await tx.outbox.put_intents("anyone", "north", [restated], at=NOON) == 1
        assert await tx.outbox.take(listed) is None
        assert await tx.outbox.sendable("north", limit=9) == []
