"""What is learned of a site is kept with the connection that it was learned of, once."""

from dataclasses import replace

import pytest

from coordinator.sandbox.memory_store import MemoryStore
from coordinator.sync.connections import keep_profile
from coordinator.sync.records import EhrConnection

ASKED = EhrConnection(name="iop", url="https://ehr.test/fhir", organization="iop", profile={"software": "An EHR"})
LEARNED = {"software": "An EHR", "needs_patient": ["Goal"]}


async def kept(held, learned):
    store = MemoryStore()
    async with store.transaction() as tx:
        for one in held:
            await tx.registry.put_ehr(one)
    async with store.transaction() as tx:
        news = await keep_profile(tx, ASKED, learned)
        return news, [one.profile for one in await tx.registry.ehrs()]


async def test_what_is_news_is_kept():
    assert await kept([ASKED], LEARNED) == (True, [LEARNED])


async def test_what_is_known_is_not_written_again():
    assert await kept([ASKED], dict(ASKED.profile)) == (False, [ASKED.profile])


CHANGED = {
    "address": [replace(ASKED, url="https://other.test/fhir")],
    "roster": [replace(ASKED, roster="group:g")],
    "learned by another meanwhile": [replace(ASKED, profile={"software": "An EHR", "needs_patient": ["Task"]})],
    "forgotten": [],
}


@pytest.mark.parametrize("held", CHANGED.values(), ids=CHANGED)
async def test_nothing_is_kept_with_a_connection_that_was_changed_meanwhile(held):
    """It may be of another site; the next run learns what is so there."""
    assert await kept(held, LEARNED) == (False, [one.profile for one in held])
