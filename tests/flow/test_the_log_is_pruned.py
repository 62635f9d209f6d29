"""What no law asks to keep goes, unless it is held; all proofs hold, and whoever takes more is found out."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from coordinator.audit import Happening, audit_row
from coordinator.store import open_store
from tests.flow.conftest import Coordinator

OLD = datetime.now(UTC) - timedelta(days=2300)


@pytest.fixture
def aged(coordinator: Coordinator, database) -> Coordinator:
    """Leave 600 events in the log, of which all but each hundredth are older than six years."""
    plain = Happening(kind="access", at=OLD, actor="ann", subject="account", person="pe-1")
    rows = [audit_row(replace(plain, at=OLD if n % 100 else datetime.now(UTC))) for n in range(600)]

    async def fill() -> None:
        async with open_store(database, coordinator.tenant) as store, store.transaction() as tx:
            await tx.audit.append(rows)

    asyncio.run(fill())
    return coordinator


def test_old_events_go_and_every_head_still_holds(aged: Coordinator, tmp_path):
    head = tmp_path / "kept.head"
    head.write_text(aged("audit", "head").out)
    assert aged("audit", "prune", "--preview", "--json").json["events"] == 594
    assert "594 events" in aged("audit", "prune", "--preview").out
    assert aged("audit", "prune", "--keep-years", "7", "--json").json["pruned"] == 0
    assert "594 events" in aged("audit", "prune").out
    checked = aged("audit", "verify", "--from-head", head, "--json").json
    assert (checked["ok"], checked["pruned"]) == (True, 594)
    assert len(aged("audit", "query", "accesses", "--person", "pe-1", "--json").json) == 6
    (row,) = aged("audit", "query", "retention", "--json").json
    assert row["kind"] == "prune"
    assert aged("audit", "prune", "--json").json["pruned"] == 0


def test_what_is_held_stays_until_the_hold_is_released(aged: Coordinator):
    assert "holds all events" in aged("audit", "hold", "add", "case-1", "--reason", "court").out
    assert aged("audit", "hold", "add", "case-1", "--reason", "x").code == 1
    assert aged("audit", "hold", "add", "case-2", "--reason", "x", "--person", "nobody").code == 1
    assert [one["name"] for one in aged("audit", "hold", "list", "--json").json] == ["case-1"]
    assert "case-1" in aged("audit", "hold", "list").out
    assert aged("audit", "prune", "--json").json["pruned"] == 0
    assert "nothing any more" in aged("audit", "hold", "release", "case-1").out
    assert aged("audit", "hold", "release", "case-1").code == 1
    assert aged("audit", "prune", "--json").json["pruned"] == 594
