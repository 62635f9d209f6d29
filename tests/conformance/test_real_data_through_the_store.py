"""All synthetic people and all published examples into PostgreSQL: nothing lost, nothing invented, byte for byte."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from coordinator.fhir import check, parse, read_document
from coordinator.store import row_counts
from coordinator.sync.intake import Files, Line, take_in
from coordinator.sync.normalize import sort_entries
from coordinator.sync.records import EhrConnection
from tests.benchmarks.corpus import SYNTHEA, lines_of

EXAMPLES = Path(__file__).parent.parent / "fixtures" / "fhir" / "examples"
EHR = "north"


class StandingClock:
    """A day after everything in the data happened."""

    def now(self) -> datetime:
        return datetime(2026, 4, 7, 12, tzinfo=UTC)


async def take(store, lines):
    async with store.transaction() as tx:
        await tx.registry.put_ehr(EhrConnection(name=EHR, url="file:", organization=EHR))
    told = [Line(place=f"line {number}", raw=raw) for number, raw in enumerate(lines, 1)]
    files = Files(ehr=EHR, lines=told, actor="operator:test")
    return await take_in(store, files, normalize=sort_entries, clock=StandingClock())


@pytest.mark.slow
async def test_all_of_synthea_is_stored_byte_for_byte_and_a_second_time_changes_no_row(postgres_store):
    """5,005 resources in are 5,005 stored, and what was received is what is kept."""
    types = sorted(path.name.removesuffix(".ndjson.gz") for path in SYNTHEA.glob("*.ndjson.gz"))
    received = {type_: lines_of(type_) for type_ in types}
    lines = [raw for type_ in types for raw in received[type_]]
    report = await take(postgres_store, lines)
    assert (len(lines), report.quarantined) == (5005, 0)
    async with postgres_store.transaction() as tx:
        assert await tx.evidence.counts() == {(EHR, type_): len(held) for type_, held in received.items()}
        for type_, held in received.items():
            for raw in held:
                stored = await tx.evidence.one(EHR, type_, str(parse(raw)["id"]))
                assert stored is not None
                assert stored.body == raw
    before = await row_counts(postgres_store)
    again = await take(postgres_store, lines)
    assert sum(one.changed for one in again.types.values()) == 0
    assert await row_counts(postgres_store) == before


@pytest.mark.slow
async def test_examples_that_are_no_fhir_are_kept_whole_in_quarantine_with_their_reason(postgres_store):
    """Of the 115 published examples the models refuse 5: none of them is lost, and none reaches an account."""
    bodies = [path.read_bytes() for path in sorted(EXAMPLES.rglob("*.json"))]
    unfit = {raw for raw in bodies if any(one.blocks for one in check(read_document(raw)))}
    assert (len(bodies), len(unfit)) == (115, 5)
    await take(postgres_store, bodies)
    async with postgres_store.transaction() as tx:
        aside = await tx.pulls.quarantined()
        stored = sum((await tx.evidence.counts()).values())
    assert {one.body for one in aside} == unfit
    assert all(one.reason and one.place for one in aside)
    fit = {(one.type, one.id) for one in map(read_document, bodies) if one.raw not in unfit}
    assert (stored, len(aside)) == (len(fit), len(unfit)), "two guides publish one record under the same id"


BROKEN = {
    "bad UTF-8": b'{"resourceType":"Patient","id":"\xff"}',
    "a key that stands twice": b'{"resourceType":"Patient","id":"a","id":"b"}',
    "no number": b'{"resourceType":"Observation","id":"a","valueQuantity":{"value":NaN}}',
    "cut off": b'{"resourceType":"Patient","id":"a"',
    "too deep": b'{"resourceType":"Patient","id":"a","extension":' + b"[" * 100 + b"]" * 100 + b"}",
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
async def test_a_broken_line_does_not_lose_its_neighbours(postgres_store, broken):
    fit = [b'{"resourceType":"Patient","id":"%s"}' % name for name in (b"before", b"after")]
    report = await take(postgres_store, [fit[0], broken, fit[1]])
    async with postgres_store.transaction() as tx:
        (aside,) = await tx.pulls.quarantined()
        assert await tx.evidence.counts() == {(EHR, "Patient"): 2}
    assert (report.quarantined, aside.body) == (1, broken)
