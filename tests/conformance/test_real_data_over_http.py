"""All synthetic people pulled over HTTP into PostgreSQL by the shipped room: what is sent is stored, byte for byte.

The sandbox serves them as EHRs do: one lists everybody, one answers no search without a patient, one hands out small
pages that overlap.
"""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from coordinator.ehr import EhrRoom
from coordinator.fhir import parse
from coordinator.reconcile import Grade
from coordinator.sandbox import read_world, serving
from coordinator.store import row_counts
from coordinator.sync.normalize import sort_entries
from coordinator.sync.pull import Extent, pull
from coordinator.sync.records import EhrConnection
from tests.benchmarks.corpus import SYNTHEA, lines_of

EHR = "north"
WORLD = """
now = "2026-04-07T12:00:00Z"
zone = "America/New_York"

[organizations.north]
name = "North Clinic"
identifier = { system = "https://directory.example/organization", value = "north" }
part2 = false
"""
# No stamps: what the EHR gives out is, byte for byte, what it was given.
PLAIN = 'organization = "north"\npart2 = false\nversion_ids = false\nlast_updated = "none"\n'
RECEIVED = {
    path.name.removesuffix(".ndjson.gz"): lines_of(path.name.removesuffix(".ndjson.gz"))
    for path in sorted(SYNTHEA.glob("*.ndjson.gz"))
}


class StandingClock:
    """A day after everything in the data happened."""

    def now(self) -> datetime:
        return datetime(2026, 4, 7, 12, tzinfo=UTC)


def a_world(folder: Path, types, *, personality: str = "") -> Path:
    offers = "".join(f'{type_} = ["read", "search-type"]\n' for type_ in types)
    (folder / EHR).mkdir(parents=True)
    (folder / "world.toml").write_text(WORLD)
    (folder / EHR / "ehr.toml").write_text(f"{PLAIN}{personality}\n[capability]\n{offers}")
    for type_ in types:
        (folder / EHR / f"{type_}.ndjson").write_bytes(b"\n".join(RECEIVED[type_]) + b"\n")
    return folder


async def pulled(store, url, types, *, keys, **more):
    """Pull as a run does; return the grade, the count seen and the count changed of each type."""
    clock = StandingClock()
    connection = EhrConnection(name=EHR, url=url, organization=EHR, **more)
    async with EhrRoom(clock=clock, keys=keys).open(connection) as ehr:
        report = await pull(store, ehr, clock, normalize=sort_entries, extent=Extent(types=types))
    return {one.type: (one.grade, one.reason, one.seen, one.changed) for one in report.records}


async def kept(store, types):
    """Return the bytes that are kept, by type, in the order in which the EHR was given them."""
    async with store.transaction() as tx:
        return {
            type_: [(await tx.evidence.one(EHR, type_, str(parse(raw)["id"]))).body for raw in RECEIVED[type_]]
            for type_ in types
        }


PATIENTS = tuple(str(parse(raw)["id"]) for raw in RECEIVED["Patient"])
# What nobody's record is can't be asked for by patient: organizations, practitioners, places.
OF_PATIENTS = ("Patient", "CarePlan", "CareTeam", "Condition", "Encounter", "MedicationRequest", "Procedure")
WAYS = {
    "everybody at once": (tuple(RECEIVED), "", {}),
    "patient by patient": (OF_PATIENTS, "patient_required = true\n", {"roster": "file:roster", "patients": PATIENTS}),
    "on small pages that overlap, without total": (
        ("Patient", "CarePlan", "Encounter", "MedicationRequest"),
        'page_cap = 20\nrepeats_entries = true\ntotal = false\noutcome_entries = "informational"\n',
        {},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("types", "personality", "more"), WAYS.values(), ids=WAYS)
async def test_all_of_synthea_is_pulled_over_http_byte_for_byte(postgres_store, tmp_path, types, personality, more):
    """Nothing is lost on the way, nothing invented, and to pull it once more writes no row."""
    counts = {type_: len(RECEIVED[type_]) for type_ in types}
    world = read_world(a_world(tmp_path / "world", types, personality=personality))
    async with serving(world) as sandbox:
        url = sandbox.ehrs[EHR]
        first = await pulled(postgres_store, url, types, keys=tmp_path, **more)
        before = await row_counts(postgres_store)
        again = await pulled(postgres_store, url, types, keys=tmp_path, **more)
    assert first == {type_: (Grade.COMPLETE, "", count, count) for type_, count in counts.items()}
    assert again == {type_: (Grade.COMPLETE, "", count, 0) for type_, count in counts.items()}
    assert await row_counts(postgres_store) == before
    async with postgres_store.transaction() as tx:
        assert await tx.evidence.counts() == {(EHR, type_): count for type_, count in counts.items()}
        assert await tx.pulls.quarantined() == []
    assert await kept(postgres_store, types) == {type_: RECEIVED[type_] for type_ in types}


def test_the_corpus_is_whole():
    assert sum(map(len, RECEIVED.values())) == 5005
