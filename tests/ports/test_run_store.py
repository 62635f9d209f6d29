"""A store keeps what runs did: how they ended, what they counted, and each row that they touched."""

from dataclasses import replace

from coordinator.outbox.model import Status
from coordinator.reconcile.model import Presence
from coordinator.sync.work.records import Counts, RunOutcome, RunRow
from tests.ports.rows import NOON, a_version, an_intent, an_unread, later


async def _run_of(store, **counts):
    """Return the number of a run that received, could not read, saw gone and wrote."""
    async with store.transaction() as tx:
        run = await tx.runs.begin("sync", "", at=NOON)
    async with store.transaction() as tx:
        await tx.runs.within(run)
        await tx.evidence.receive([a_version("o1"), a_version("o2"), a_version("o3", presence=Presence.DELETED)])
        await tx.pulls.quarantine([an_unread("o4")])
        await tx.outbox.put_intents("anyone", "north", [an_intent("k1"), an_intent("k2")], at=NOON)
        one, _ = await tx.outbox.entries()
        await tx.outbox.set_status(replace(one, status=Status.VERIFIED))
    async with store.transaction() as tx:
        await tx.runs.end(run, RunOutcome.PARTIAL, Counts(**counts), cause="south: no answer", at=later(minutes=1))
    return run


async def test_a_run_tells_how_it_ended_and_its_counts_add_up(store):
    await _run_of(store, seen=4, changed=2, matched=1, people=2)
    async with store.transaction() as tx:
        (run,) = await tx.runs.runs(limit=9)
    assert (run.work, run.outcome, run.cause) == ("sync", RunOutcome.PARTIAL, "south: no answer")
    assert (run.began_at, run.ended_at) == (NOON, later(minutes=1))
    assert dict(run.rows) == {"received": 2, "gone": 1, "unreadable": 1, "owed": 1, "verified": 1}
    assert run.read == 5, "one of the changed was not seen by a pull but read by itself"
    assert run.unchanged == 2


async def test_each_count_leads_to_its_rows(store):
    run = await _run_of(store)
    async with store.transaction() as tx:
        rows = await tx.runs.rows(run)
    assert [(row.outcome, row.key) for row in rows] == [
        ("gone", "Observation/o3"),
        ("owed", "k2"),
        ("received", "Observation/o1"),
        ("received", "Observation/o2"),
        ("unreadable", "Observation/o4"),
        ("verified", "k1"),
    ]
    assert rows[4] == RunRow(outcome="unreadable", ehr="north", key="Observation/o4", reason="not JSON")


async def test_what_happens_outside_a_run_is_no_row_of_it(store):
    run = await _run_of(store)
    async with store.transaction() as tx:
        await tx.evidence.receive([a_version("o9")])
    async with store.transaction() as tx:
        assert "Observation/o9" not in {row.key for row in await tx.runs.rows(run)}


async def test_a_run_whose_program_ended_without_a_word_is_lost(stores):
    one, other = await stores.open(), await stores.open()
    async with one.transaction() as tx:
        await tx.runs.begin("pull", "north", at=NOON)
    async with other.transaction() as tx:
        assert (await tx.runs.runs(limit=1))[0].outcome is RunOutcome.RUNNING
    await stores.end(one)
    async with other.transaction() as tx:
        assert (await tx.runs.runs(limit=1))[0].outcome is RunOutcome.LOST


async def test_runs_come_newest_first_and_old_ones_are_forgotten(store):
    async with store.transaction() as tx:
        for day in range(3):
            run = await tx.runs.begin("push", "north", at=later(days=day))
            await tx.runs.end(run, RunOutcome.DONE, Counts(), at=later(days=day))
        await tx.runs.begin("push", "south", at=NOON)
    async with store.transaction() as tx:
        assert [run.began_at for run in await tx.runs.runs(limit=2)] == [NOON, later(days=2)]
        assert await tx.runs.forget(later(days=2)) == 2
        assert [run.outcome for run in await tx.runs.runs(limit=9)] == [RunOutcome.RUNNING, RunOutcome.DONE]


async def test_a_run_that_begins_at_an_ehr_ends_one_that_could_not_tell_how_it_ended(store):
    async with store.transaction() as tx:
        for work, ehr in (("pull", "north"), ("push", "north"), ("sync", ""), ("pull", "north"), ("sync", "")):
            await tx.runs.begin(work, ehr, at=NOON)
        found = [(run.work, run.outcome) for run in reversed(await tx.runs.runs(limit=9))]
    running, lost = RunOutcome.RUNNING, RunOutcome.LOST
    assert found == [("pull", lost), ("push", running), ("sync", running), ("pull", running), ("sync", running)]
