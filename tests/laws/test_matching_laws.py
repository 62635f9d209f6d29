"""Laws of matching: the same records make the same persons, in whatever order and batches they come."""

import asyncio
import hashlib
import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from coordinator.clock import Clock
from coordinator.sandbox.memory_store import MemoryStore
from coordinator.sync.match import match_patients
from coordinator.sync.records import Received

NUMBERS = "http://terminology.hl7.org/CodeSystem/v2-0203"
NOW = datetime(2026, 4, 7, 12, tzinfo=UTC)


class Noon(Clock):
    """A clock that stands still."""

    def now(self):
        return NOW


@st.composite
def patients(draw):
    """Draw Patients of few names, days, phones and numbers, so that they agree in all the ways there are."""
    names = {
        "family": draw(st.sampled_from(["Ruiz", "Ruis", "Ruiz-Diaz", "Diaz"])),
        "given": draw(st.sampled_from([["Ana"], ["Ana", "Maria"], ["Ana", "Luz"], ["Anna"], ["Luis"], ["A"]])),
    }
    identifiers = draw(
        st.lists(
            st.builds(
                lambda kind, value: {
                    "system": f"https://{kind.lower()}.example",
                    "value": value,
                    "type": {"coding": [{"system": NUMBERS, "code": kind}]},
                },
                st.sampled_from(["MR", "SS"]),
                st.sampled_from(["11-22-31", "11-22-32"]),
            ),
            max_size=2,
        )
    )
    links = draw(st.lists(st.integers(0, 7), max_size=1))
    return {
        "resourceType": "Patient",
        "name": [names],
        "birthDate": draw(st.sampled_from(["1991-04-12", "1991-12-04", "1991", "1991-04-13"])),
        "telecom": [
            {"system": "phone", "value": one} for one in draw(st.lists(st.sampled_from(["5185550141", "5185550142"])))
        ],
        "identifier": identifiers,
        "link": [{"other": {"reference": f"Patient/{one}"}, "type": "replaced-by"} for one in links],
    }


def version(number, tree):
    body = json.dumps({**tree, "id": str(number)}).encode()
    digest = hashlib.sha256(body).digest()
    return Received(
        ehr=f"ehr-{number % 3}",
        type="Patient",
        id=str(number),
        version="1",
        raw_hash=digest,
        canonical_hash=digest,
        body=body,
        patient=None,
        learned_at=NOW,
    )


async def persons_of(batches, options):
    store = MemoryStore()
    for batch in batches:
        async with store.transaction() as tx:
            await tx.evidence.receive(batch)
        await match_patients(store, Noon(), options)
    async with store.transaction() as tx:
        links = await tx.people.links()
    found = {}
    for link in links:
        found.setdefault(link.person, set()).add(link.place)
    return sorted(sorted(places) for places in found.values())


@given(
    st.lists(patients(), min_size=1, max_size=8),
    st.randoms(use_true_random=False),
    st.sampled_from([2, 3, 50]),
)
def test_the_order_of_arrival_does_not_matter(trees, chance, most):
    """Also where keys become crowded on the way, and where records arrive one by one or all at once."""
    versions = [version(number, tree) for number, tree in enumerate(trees)]
    shuffled = chance.sample(versions, len(versions))
    options = {"shared_key_most": most}
    together = asyncio.run(persons_of([versions], options))
    assert asyncio.run(persons_of([[one] for one in shuffled], options)) == together
    assert asyncio.run(persons_of([shuffled[:3], shuffled[3:]], options)) == together


@given(st.lists(patients(), min_size=1, max_size=6))
def test_each_record_is_one_persons(trees):
    versions = [version(number, tree) for number, tree in enumerate(trees)]
    found = asyncio.run(persons_of([versions], {}))
    assert sorted(place for places in found for place in places) == sorted(
        f"{one.ehr}/Patient/{one.id}" for one in versions
    )
