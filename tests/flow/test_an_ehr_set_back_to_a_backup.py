"""An EHR that tells no times of change is set back to a backup: its versions count down."""

from contextlib import asynccontextmanager
from dataclasses import replace

from coordinator.sandbox import read_world, serving
from tests.builders import an_episode
from tests.flow.story import Story, WorldFolder, told

PERSONALITY = 'last_updated = "none"\nversion_ids = true'
STAY = an_episode("I-1", start="2026-01-05") | {"meta": {"versionId": "5"}}
ENDED = an_episode("I-1", start="2026-01-05", end="2026-04-05") | {"meta": {"versionId": "7"}}
ENDED_AGAIN = an_episode("I-1", start="2026-01-05", end="2026-04-06") | {"meta": {"versionId": "8"}}


def iop(folder, *records, now):
    world = WorldFolder(folder, now=now)
    world.ehr("iop", records, personality=PERSONALITY)
    return world


@asynccontextmanager
async def instead(world, story):
    """Serve a world in the place of the one that was served: the same EHR at another address."""
    described = read_world(world.finish())
    async with serving(described) as sandbox:
        async with story.store.transaction() as tx:
            (ehr,) = await tx.registry.ehrs()
            await tx.registry.put_ehr(replace(ehr, url=sandbox.addresses()["ehrs"][ehr.name]))
        yield Story(sandbox, story.store, world.folder / "keys")


async def test_a_count_of_versions_that_falls_is_told_until_it_is_made_up_for(tmp_path):
    async with told(iop(tmp_path / "before", ENDED, now="2026-04-07T12:00:00Z")) as story:
        await story.sync()
        assert (await story.account())["timeline"][0]["end"] == ["2026-04-05", "2026-04-05"]
        assert await story.open_findings() == []

    async with instead(iop(tmp_path / "restored", STAY, now="2026-04-08T12:00:00Z"), story) as story:
        await story.sync()
        (found,) = await story.open_findings()
        assert (found.code, found.urgency) == ("source.restored", "urgent")
        assert found.facts == {"ehr": "iop", "versions": {"iop/EpisodeOfCare/I-1": {"was": 7, "now": 5}}}
        assert await story.is_quiet()

    async with instead(iop(tmp_path / "made-up", ENDED_AGAIN, now="2026-04-09T12:00:00Z"), story) as story:
        await story.sync()
        assert await story.open_findings() == []
        assert (await story.account())["timeline"][0]["end"] == ["2026-04-06", "2026-04-06"]
        assert await story.is_quiet()
