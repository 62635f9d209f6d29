"""A residence calls its level 3.7 of the 3rd edition, and its plan 3.7 of the 4th: that is no transition."""

from tests.builders import a_plan, an_episode
from tests.flow.story import WorldFolder, told

STAY = an_episode("R-1", level="3e 3.7", start="2026-02-02")
MIXED = a_plan("CP-1", level="4e 3.7", start="2026-02-03")
STEPPED_DOWN = [
    an_episode("R-1", level="3e 3.7", start="2026-02-02", end="2026-03-02"),
    an_episode("R-2", level="4e 3.5", start="2026-03-02"),
]


async def test_two_editions_of_one_stay_are_a_question_and_only_the_next_level_is_a_move(tmp_path):
    world = WorldFolder(tmp_path / "world", now="2026-02-10T12:00:00Z")
    world.ehr("res", [STAY, MIXED], later={"2026-03-03T00-00Z": STEPPED_DOWN})
    async with told(world) as story:
        await story.sync()
        account = await story.account()
        assert [one["level"] | {"end": one["end"]} for one in account["timeline"]] == [
            {"edition": "3e", "code": "3.7", "role": "provided", "end": None}
        ]
        assert [one["kind"] for one in account["transitions"]] == ["admission"]
        (found,) = await story.open_findings()
        assert (found.code, found.facts["lossy"]) == ("level.edition-differs", True)
        assert story.writes("res") == []
        assert await story.is_quiet()

        story.move("2026-03-04T12:00:00Z")
        await story.sync()
        account = await story.account()
        assert [(one["kind"], one["from"], one["to"], one["gap_days"]) for one in account["transitions"]] == [
            ("admission", None, {"edition": "3e", "code": "3.7"}, None),
            ("step-down", {"edition": "3e", "code": "3.7"}, {"edition": "4e", "code": "3.5"}, [0, 0]),
        ]
        assert await story.is_quiet()
