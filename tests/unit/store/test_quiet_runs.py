"""A run without news leaves every row as it was, and a run with news shows."""

from dataclasses import replace

import pytest

from coordinator.outbox.model import Status
from coordinator.store import RowCount, row_counts
from coordinator.sync.records import StoredAccount
from tests.ports.rows import NOON, a_decision, a_finding, a_version, an_intent, later

ACCOUNT = StoredAccount(person="anyone", body=b"{}", hash="h", reconciled_at=NOON)


async def _run(store, at=NOON, says="a", finding=None, account=ACCOUNT, material=b"m1"):
    async with store.transaction() as tx:
        await tx.evidence.receive([a_version(says=says, at=at)])
        await tx.accounts.put_account(replace(account, reconciled_at=at))
        await tx.accounts.put_findings("anyone", [finding or a_finding()], at)
        await tx.accounts.put_shadow("anyone", "north", b"{}", at=NOON)
        await tx.outbox.put_intents("anyone", "north", [an_intent(material=material)], at=at)


async def test_an_empty_store_has_no_rows(postgres_store):
    counts = await row_counts(postgres_store)
    assert sorted(counts) == ["account", "decision", "finding", "outbox", "resource", "resource_version", "shadow"]
    assert set(counts.values()) == {RowCount(rows=0, last_change=0)}


async def test_a_second_run_on_the_same_world_touches_no_row(postgres_store):
    await _run(postgres_store)
    before = await row_counts(postgres_store)
    await _run(postgres_store, at=later(days=1))
    assert await row_counts(postgres_store) == before
    assert {name: count.rows for name, count in before.items()} == {
        "account": 1, "decision": 0, "finding": 1, "outbox": 1, "resource": 1, "resource_version": 1, "shadow": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("news", "tables"),
    [
        ({"says": "b"}, {"resource", "resource_version"}),
        ({"finding": a_finding(sentence="Something else differs.")}, {"finding"}),
        ({"account": replace(ACCOUNT, body=b"[]")}, {"account"}),
        ({"material": b"m2"}, {"outbox"}),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
async def test_news_show_in_their_tables_alone(postgres_store, news, tables):
    await _run(postgres_store)
    before = await row_counts(postgres_store)
    await _run(postgres_store, **news)
    after = await row_counts(postgres_store)
    assert {name for name in after if after[name] != before[name]} == tables


async def test_a_status_an_agreed_state_and_a_decision_show(postgres_store):
    await _run(postgres_store)
    before = await row_counts(postgres_store)
    async with postgres_store.transaction() as tx:
        (entry,) = await tx.outbox.entries()
        await tx.outbox.set_status(replace(entry, status=Status.VERIFIED))
        await tx.accounts.put_shadow("anyone", "north", b"[]", at=NOON)
        await tx.accounts.add_decision(await tx.people.create(), a_decision())
    after = await row_counts(postgres_store)
    assert {name for name in after if after[name] != before[name]} == {"outbox", "shadow", "decision"}
    async with postgres_store.transaction() as tx:
        await tx.outbox.set_status(replace(entry, status=Status.VERIFIED, updated_at=later(days=1)))
    assert await row_counts(postgres_store) == after, "an outcome told twice is no news"
