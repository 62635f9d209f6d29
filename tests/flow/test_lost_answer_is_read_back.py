"""An EHR took a write and its answer was lost: we look before we do anything else, and never write twice."""

import pytest

from tests.builders import a_consent, a_goal, an_administration
from tests.flow.story import READ_ONLY, WorldFolder, told


def methadone(tmp_path):
    """The OTP gives methadone; the physician's list lacks it."""
    world = WorldFolder(tmp_path / "world")
    world.ehr("otp", [an_administration()], takes=READ_ONLY)
    world.ehr("pcp", part2=False)
    world.consent(a_consent("C-1", discloser="otp", recipient="pcp"))
    return world


async def test_a_created_record_whose_answer_was_lost_is_found_again_and_not_created_twice(tmp_path):
    async with told(methadone(tmp_path)) as story:
        story.fault("pcp", "drop-answer", type="MedicationStatement")
        await story.sync()
        first = await story.stands()
        await story.sync()
        await story.sync()
        assert first[("pcp", "medication")].startswith(("unknown", "verified"))
        assert await story.stands() == {("pcp", "medication"): "verified"}
        assert [method for method, *_ in story.writes("pcp")] == ["POST"]
        assert len(story.held("pcp", "MedicationStatement")) == 1
        assert await story.is_quiet()


async def test_a_lost_answer_is_a_finding_for_as_long_as_it_is_not_known(tmp_path):
    async with told(methadone(tmp_path)) as story:
        story.fault("pcp", "drop-answer", type="MedicationStatement")
        await story.sync()
        open_then = {one.code for one in await story.open_findings()}
        await story.sync()
        assert open_then <= {"write.unknown-outcome"}
        assert await story.open_findings() == []


@pytest.mark.parametrize("if_match", ["honored", "ignored"])
async def test_an_update_whose_answer_was_lost_is_read_back_and_not_sent_again(tmp_path, if_match):
    world = WorldFolder(tmp_path / "world")
    late = {"2026-04-08T00-00Z": [a_goal(due="2026-07-31")]}
    world.ehr("iop", [a_goal(due="2026-06-30")], later=late)
    world.ehr("ced", [a_goal("c-1", due="2026-06-30")], personality=f'if_match = "{if_match}"')
    world.consent(a_consent("C-1", discloser="iop", recipient="ced"))
    async with told(world) as story:
        await story.sync()
        story.move("2026-04-09T12:00:00Z")
        story.fault("ced", "drop-answer", type="Goal")
        await story.sync()
        await story.sync()
        assert [method for method, *_ in story.writes("ced")] == ["PUT"]
        assert await story.stands() == {("ced", "goal"): "verified"}
        assert await story.is_quiet()
