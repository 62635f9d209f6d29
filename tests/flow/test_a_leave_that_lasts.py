"""Ana is on leave from the IOP, then nobody hears of her: after two weeks somebody asks, after a month at once."""

from tests.builders import an_episode
from tests.flow.story import WorldFolder, told

LEFT = ("active", "2026-02-02", "2026-03-02")
AWAY = an_episode("I-1", start="2026-02-02", status="onhold", history=[LEFT])
BACK = an_episode("I-1", start="2026-02-02", history=[LEFT, ("onhold", "2026-03-02", "2026-04-06")])


async def test_a_long_leave_rises_from_soon_to_urgent_and_closes_with_the_return(tmp_path):
    world = WorldFolder(tmp_path / "world", now="2026-03-16T12:00:00Z")
    world.ehr("iop", [AWAY], later={"2026-04-07T00-00Z": [BACK]})
    async with told(world) as story:
        await story.sync()
        assert await story.open_findings() == []

        story.move("2026-03-17T12:00:00Z")
        await story.sync()
        (found,) = await story.open_findings()
        assert (found.code, found.urgency, found.facts["since"]) == (
            "stay.leave-long",
            "soon",
            ["2026-03-02", "2026-03-02"],
        )
        assert await story.is_quiet()

        story.move("2026-04-02T12:00:00Z")
        await story.sync()
        assert [(one.code, one.urgency) for one in await story.open_findings()] == [("stay.leave-long", "urgent")]
        assert (await story.account())["timeline"][0]["end"] is None

        story.move("2026-04-07T12:00:00Z")
        await story.sync()
        assert await story.open_findings() == []
        assert [(one["kind"], one["gap_days"], one["in_time"]) for one in (await story.account())["transitions"]] == [
            ("admission", None, None),
            ("leave", None, None),
            ("return", [35, 35], False),
        ]
        assert story.writes("iop") == []
