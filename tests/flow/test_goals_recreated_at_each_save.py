"""One EHR deletes all goals and writes them anew at each save: under new ids they are the same goals."""

from tests.builders import a_consent, a_goal, a_plan
from tests.flow.story import WorldFolder, told

TEXTS = ("Maintain abstinence", "Build a support system", "Learn to solve problems")


def plan_of(prefix, **changed):
    numbers = [f"{prefix}-{at}" for at in range(1, 4)]
    goals = [a_goal(number, text=text, **changed.get(text, {})) for number, text in zip(numbers, TEXTS, strict=True)]
    return [a_plan(f"CP-{prefix}" if prefix == "G" else "CP-1", goals=numbers), *goals]


def gone(*numbers):
    return [{"resourceType": "Goal", "id": number, "_deleted": True} for number in numbers]


SAVED_AGAIN = [*gone("c-1", "c-2", "c-3"), *plan_of("d")]
EDITED = [*gone("d-1", "d-2", "d-3"), *plan_of("e", **{"Maintain abstinence": {"due": "2026-06-30"}})]


def ana(tmp_path):
    world = WorldFolder(tmp_path / "world", now="2026-04-07T12:00:00Z")
    world.ehr("iop", plan_of("G"))
    world.ehr("ced", plan_of("c"), later={"2026-04-08T00-00Z": SAVED_AGAIN, "2026-04-09T00-00Z": EDITED})
    world.consent(a_consent("C-1", discloser="iop", recipient="ced"))
    world.consent(a_consent("C-2", discloser="ced", recipient="iop"))
    return world


async def test_a_save_that_changes_nothing_is_no_news_and_one_edit_is_one_write(tmp_path):
    async with told(ana(tmp_path)) as story:
        await story.sync()
        before = [(one["text"], one["status"]) for one in (await story.account())["plan"]["goals"]]
        assert sorted(text for text, _ in before) == sorted(TEXTS)
        assert (story.writes("iop"), story.writes("ced")) == ([], [])

        story.move("2026-04-08T12:00:00Z")
        await story.sync()
        assert [(one["text"], one["status"]) for one in (await story.account())["plan"]["goals"]] == before
        assert (story.writes("iop"), story.writes("ced")) == ([], [])
        assert await story.open_findings() == []
        assert await story.is_quiet()

        story.move("2026-04-09T12:00:00Z")
        await story.sync()
        assert [method for method, *_ in story.writes("iop")] == ["PUT"]
        assert story.writes("ced") == []
        (goal,) = [one for one in story.held("iop", "Goal") if one["description"]["text"] == "Maintain abstinence"]
        assert goal["target"] == [{"dueDate": "2026-06-30"}]
        assert len(story.held("iop", "Goal")) == 3
        assert await story.open_findings() == []
        assert await story.is_quiet()
