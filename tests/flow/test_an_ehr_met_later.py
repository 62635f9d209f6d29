"""An EHR is reached for the first time after another has changed what both hold: it is told nothing unasked."""

from tests.builders import a_consent, a_goal
from tests.flow.story import WorldFolder, told


def a_world(tmp_path):
    world = WorldFolder(tmp_path / "world")
    world.ehr("iop", [a_goal(due="2026-06-30")], later={"2026-04-08T00-00Z": [a_goal(due="2026-07-31")]})
    world.ehr("ced", [a_goal("c-1", due="2026-06-30")])
    world.consent(a_consent("C-1", discloser="iop", recipient="ced"))
    world.consent(a_consent("C-2", discloser="ced", recipient="iop"))
    return world


async def test_what_was_never_agreed_with_it_is_asked_and_then_told(tmp_path):
    async with told(a_world(tmp_path)) as story:
        story.fault("ced", "down", to="2026-04-08T12:00:00Z")
        await story.sync()
        story.move("2026-04-09T12:00:00Z")
        await story.sync()
        assert story.writes("ced") == []
        (found,) = await story.open_findings()
        assert found.code == "plan.goal-differs"
        assert found.facts["values"] == {"iop": "2026-07-31", "ced": "2026-06-30"}
        assert await story.is_quiet()

        await story.resolve("plan.goal-differs", {"accept": "iop/Goal/G-1"})
        await story.sync()
        assert [method for method, *_ in story.writes("ced")] == ["PUT"]
        assert await story.open_findings() == []
        assert await story.is_quiet()


async def test_the_question_stays_while_that_ehr_can_t_be_reached(tmp_path):
    async with told(a_world(tmp_path)) as story:
        story.fault("ced", "down", to="2026-04-08T12:00:00Z")
        await story.sync()
        story.move("2026-04-09T12:00:00Z")
        await story.sync()
        story.fault("ced", "down")
        await story.sync()
        assert [one.code for one in await story.open_findings()] == ["plan.goal-differs"]
