"""A day that was told moves a month later; then the whole stay is taken back as entered in error."""

from tests.builders import an_episode
from tests.flow.story import WorldFolder, told

TOLD = an_episode("I-1", level="4e 2.1", start="2026-01-05", end="2026-03-20")
MOVED = an_episode("I-1", level="4e 2.1", start="2026-01-05", end="2026-03-02")
WRONG = an_episode("I-1", level="4e 2.1", start="2026-01-05", end="2026-03-02", status="entered-in-error")


async def test_a_stay_that_moved_and_then_never_was_is_told_each_time_once(tmp_path):
    world = WorldFolder(tmp_path / "world")
    world.ehr("iop", [TOLD], later={"2026-04-10T00-00Z": [MOVED], "2026-04-12T00-00Z": [WRONG]})
    async with told(world) as story:
        await story.sync()
        assert await story.open_findings() == []

        story.move("2026-04-11T12:00:00Z")
        await story.sync()
        (found,) = await story.open_findings()
        assert (found.code, found.facts["end"]["before"]) == ("stay.back-dated", "2026-03-20")
        assert await story.is_quiet()
        await story.resolve("stay.back-dated", {"seen": True})
        await story.sync()
        assert await story.open_findings() == []

        story.move("2026-04-13T12:00:00Z")
        await story.sync()
        (found,) = await story.open_findings()
        assert (found.code, found.facts["decided"]) == ("source.retracted", [])
        assert (await story.account())["timeline"] == []
        assert await story.is_quiet()
        await story.resolve("source.retracted", {"seen": True})
        await story.sync()
        assert await story.open_findings() == []
        assert await story.is_quiet()
