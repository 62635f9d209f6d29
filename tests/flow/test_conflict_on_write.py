"""Somebody saves while we write: one outcome, however the EHR tells it, and never a blind retry."""

import pytest

from tests.builders import a_consent, a_goal
from tests.flow.story import WorldFolder, told


def two_programs(tmp_path, personality):
    world = WorldFolder(tmp_path / "world")
    world.ehr("iop", [a_goal(due="2026-06-30")], later={"2026-04-08T00-00Z": [a_goal(due="2026-07-31")]})
    world.ehr("ced", [a_goal("c-1", due="2026-06-30")], personality=personality)
    world.consent(a_consent("C-1", discloser="iop", recipient="ced"))
    return world


@pytest.mark.parametrize("status", [409, 412])
async def test_a_contested_write_is_decided_anew_from_what_is_there_now(tmp_path, status):
    async with told(two_programs(tmp_path, f'if_match = "honored"\nconflict_status = {status}')) as story:
        await story.sync()
        story.move("2026-04-09T12:00:00Z")
        story.fault("ced", "conflict", type="Goal")
        await story.sync()
        for _ in range(2):
            await story.sync()
        assert [one[2] for one in story.writes("ced")] == [status, 200]
        assert story.held("ced", "Goal")[0]["target"] == [{"dueDate": "2026-07-31"}]
        assert (await story.stands(), await story.open_findings()) == ({("ced", "goal"): "verified"}, [])
        assert await story.is_quiet()


@pytest.mark.parametrize("status", [409, 412])
async def test_the_second_try_names_the_version_that_it_was_decided_from(tmp_path, status):
    async with told(two_programs(tmp_path, f'if_match = "honored"\nconflict_status = {status}')) as story:
        await story.sync()
        story.move("2026-04-09T12:00:00Z")
        story.fault("ced", "conflict", type="Goal")
        for _ in range(3):
            await story.sync()
        matched = [row.if_match for row in story._served.log("ced") if row.method == "PUT"]
        assert len(matched) == len(set(matched)) == 2


async def test_a_change_that_came_between_is_kept(tmp_path):
    """The clinicians at Cedar move the same date just before our write would: both want something else now."""
    world = two_programs(tmp_path, 'if_match = "ignored"')
    world._records("ced/changes/2026-04-08T06-00Z.ndjson", [a_goal("c-1", due="2026-08-31")])
    async with told(world) as story:
        await story.sync()
        story.move("2026-04-09T12:00:00Z")
        await story.sync()
        assert story.writes("ced") == []
        assert story.held("ced", "Goal")[0]["target"] == [{"dueDate": "2026-08-31"}]
        assert [one.code for one in await story.open_findings()] == ["plan.goal-differs"]
