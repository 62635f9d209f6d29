"""EHRs in trouble, over HTTP: one that throttles, one that is away for days, one with a record that nobody can read."""

import pytest

from coordinator.fhir import parse
from coordinator.outbox import Status
from coordinator.sandbox.memory_store import MemoryStore
from tests.builders import a_goal
from tests.faults.scene import LATER, a_crowd
from tests.flow.story import told

pytestmark = pytest.mark.slow

PEOPLE = 9


async def verified(story):
    return sum(one.status is Status.VERIFIED for one in await story.entries())


def told_once(story):
    """Return whether each record was written once, and all of them were."""
    paths = [path for _, path, status in story.writes("ced") if status == 200]
    return sorted(paths) == sorted({f"Goal/g-{number}" for number in range(PEOPLE)})


async def test_an_ehr_that_throttles_holds_up_nobody_else_and_is_told_all_in_the_end(tmp_path):
    async with told(a_crowd(tmp_path / "world", PEOPLE), MemoryStore()) as story:
        await story.sync()
        story.move(LATER)
        story.fault("ced", "throttle", after=3, retry_after=3600)
        report = await story.sync()
        assert (set(report.problems), await verified(story), story.writes("ced")) == ({"ced"}, 0, [])
        assert {one["plan"]["goals"][0]["due"] for one in await every_account(story)} == {"2026-07-31"}
        story.fault("ced", "release")
        for _ in range(3):
            await story.sync()
        assert (await verified(story), told_once(story)) == (PEOPLE, True)
        assert await story.is_quiet()


async def test_an_ehr_that_is_away_for_days_is_told_once_when_it_is_back(tmp_path):
    async with told(a_crowd(tmp_path / "world", PEOPLE), MemoryStore()) as story:
        await story.sync()
        story.fault("ced", "down", **{"from": "2026-04-08T00:00:00Z", "to": "2026-04-20T00:00:00Z"})
        for day in range(9, 19, 3):
            story.move(f"2026-04-{day:02}T12:00:00Z")
            assert set((await story.sync()).problems) == {"ced"}
        assert await verified(story) == 0
        story.move("2026-04-21T12:00:00Z")
        for _ in range(3):
            await story.sync()
        assert (await verified(story), told_once(story)) == (PEOPLE, True)
        assert await story.is_quiet()


async def test_a_record_that_nobody_can_read_in_the_middle_of_the_pages_costs_itself_alone(tmp_path):
    """It stands on the third of nine pages: those before and behind it are taken in, and the next run is quiet."""
    world = a_crowd(tmp_path / "world", PEOPLE, page_cap=1)
    async with told(world, MemoryStore()) as story:
        story.save("iop", a_goal("g-2", patient="p-2") | {"lifecycleStatus": {"not": "a code"}})
        report = await story.sync()
        async with story.store.transaction() as tx:
            aside = [(one.type, one.id, one.patient) for one in await tx.pulls.quarantined()]
        assert (aside, report.problems) == ([("Goal", "g-2", "p-2")], {})
        goals = [len(one["plan"]["goals"][0]["evidence"]) for one in await every_account(story)]
        assert sorted(goals) == [1] + [2] * (PEOPLE - 1)
        assert [one.code for one in await story.open_findings()] == ["source.incomplete"]
        assert await story.is_quiet()


async def every_account(story):
    async with story.store.transaction() as tx:
        persons = {one.person for one in await tx.people.links()}
        held = [await tx.accounts.account(one) for one in sorted(persons)]
    return [parse(one.body) for one in held if one]
