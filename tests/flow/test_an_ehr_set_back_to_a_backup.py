"""An EHR that tells no times of change is set back to a backup: its versions count down."""

from contextlib import asynccontextmanager
from dataclasses import replace

from coordinator.sandbox import read_world, serving
from coordinator.sync.restored import MOST_BACK
from coordinator.sync.work.holding import resume
from coordinator.sync.work.records import PauseKind
from tests.builders import a_goal, an_episode
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


def goals(version, status, *, count=MOST_BACK):
    return [
        a_goal(f"G-{number}") | {"lifecycleStatus": status, "meta": {"versionId": str(version)}}
        for number in range(count)
    ]


async def statuses(story):
    async with story.store.transaction() as tx:
        held = [await tx.evidence.one("iop", "Goal", f"G-{number}") for number in range(MOST_BACK)]
    return {one.version for one in held}


async def test_where_many_records_go_back_nothing_more_is_taken_in_until_a_person_has_looked(tmp_path):
    async with told(iop(tmp_path / "before", *goals(5, "completed"), now="2026-04-07T12:00:00Z")) as story:
        await story.sync()
    restored = iop(tmp_path / "restored", *goals(3, "active"), now="2026-04-08T12:00:00Z")
    async with instead(restored, story) as story:
        report = await story.sync()
        assert report.problems["iop"].startswith("iop seems to have been set back to a backup: 10 records")
        assert await statuses(story) == {"5"}
        assert (await story.sync()).paused == {"iop"}
        assert story.asked("iop", "Goal")[1:] == [], "it is not asked again"
        async with story.store.transaction() as tx:
            (held,) = await tx.pauses.pauses()
            assert held.reason.startswith("it seems to have been set back")
            assert await resume(tx, PauseKind.EHR, "iop", actor="tester", now=story.clock.now())
        assert (await story.sync()).problems == {}
        assert await statuses(story) == {"3"}


async def test_an_ehr_that_was_resumed_is_watched_again(tmp_path):
    async with told(iop(tmp_path / "before", *goals(5, "completed"), now="2026-04-07T12:00:00Z")) as story:
        await story.sync()
    async with instead(iop(tmp_path / "once", *goals(3, "active"), now="2026-04-08T12:00:00Z"), story) as story:
        await story.sync()
        async with story.store.transaction() as tx:
            await resume(tx, PauseKind.EHR, "iop", actor="tester", now=story.clock.now())
        await story.sync()
    async with instead(iop(tmp_path / "twice", *goals(2, "active"), now="2026-04-09T12:00:00Z"), story) as story:
        assert "set back to a backup" in (await story.sync()).problems["iop"]


async def test_a_few_records_that_go_back_are_taken_in_and_told_as_a_finding(tmp_path):
    """One undone edit is no backup."""
    before = [*goals(5, "active"), STAY]
    async with told(iop(tmp_path / "before", *before, now="2026-04-07T12:00:00Z")) as story:
        await story.sync()
    few = [*goals(3, "active", count=2), *goals(6, "active")[2:], STAY]
    async with instead(iop(tmp_path / "after", *few, now="2026-04-08T12:00:00Z"), story) as story:
        assert (await story.sync()).problems == {}
        assert await statuses(story) == {"3", "6"}
