"""An EHR answers 200 and keeps only a part: what we count on is read back; what it lost is told, not sent for ever."""

import pytest

from tests.builders import a_consent, a_goal
from tests.flow.story import WorldFolder, told


def two_programs(tmp_path, drops):
    world = WorldFolder(tmp_path / "world")
    world.ehr("iop", [a_goal()], later={"2026-04-08T00-00Z": [a_goal(achievement="improving")]})
    noted = a_goal("c-1") | {"note": [{"text": "Spoke with the family."}]}
    world.ehr("ced", [noted], personality=f"drops = {drops}")
    world.consent(a_consent("C-1", discloser="iop", recipient="ced"))
    return world


CASES = {
    "what was written": (
        '["Goal.achievementStatus"]',
        "owed",
        ["write.cannot-be-stored"],
    ),
    "what was there already": ('["Goal.note"]', "verified", []),
}


@pytest.mark.parametrize(("drops", "stands", "findings"), CASES.values(), ids=CASES)
async def test_a_write_is_verified_on_what_it_was_about(tmp_path, drops, stands, findings):
    async with told(two_programs(tmp_path, drops)) as story:
        await story.sync()
        story.move("2026-04-09T12:00:00Z")
        await story.sync()
        tries = story.writes("ced")
        assert len(tries) == 1
        assert await story.stands() == {("ced", "goal"): stands}
        assert [one.code for one in await story.open_findings()] == findings
        assert await story.is_quiet()
        assert story.writes("ced") == tries
