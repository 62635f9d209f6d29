"""A person's answer about a goal ends the question in each recipient's view, or is asked for there, whatever its name.

The account names a goal by the first record that it met; a recipient who met the records in another order, or may not
know all of them, has another name for the same goal.
"""

from tests.builders import a_consent, a_goal
from tests.flow.story import WorldFolder, told

CODE = "plan.goal-differs"


def due(goal, day, **more):
    return a_goal(goal, due=day, **more)


def two(tmp_path):
    """The EHR ced is reached a day after iop: the account knows the goal by iop's record, ced's view by its own."""
    world = WorldFolder(tmp_path / "world")
    for name, goal, day in (("iop", "G-1", "2026-07-31"), ("ced", "c-1", "2026-08-31")):
        world.ehr(name, [due(goal, "2026-06-30")], later={"2026-04-10T00-00Z": [due(goal, day)]})
    world.consent(a_consent("C-1", discloser="iop", recipient="ced"))
    world.consent(a_consent("C-2", discloser="ced", recipient="iop"))
    return world


def three(tmp_path):
    """All three change the day; ced and iop tell each other and the PCP, who may tell iop alone."""
    world = WorldFolder(tmp_path / "world")
    for name, goal, day in (
        ("iop", "G-1", "2026-07-31"),
        ("ced", "c-1", "2026-08-31"),
        ("pcp", "p-1", "2026-09-30"),
    ):
        world.ehr(name, [due(goal, "2026-06-30")], later={"2026-04-10T00-00Z": [due(goal, day)]})
    pairs = (("iop", "ced"), ("ced", "iop"), ("iop", "pcp"), ("ced", "pcp"), ("pcp", "iop"))
    for number, (one, other) in enumerate(pairs):
        world.consent(a_consent(f"C-{number}", discloser=one, recipient=other))
    return world


def days(story, *names):
    return {name: one["target"][0]["dueDate"] for name in names for one in story.held(name, "Goal")}


async def met_one_after_the_other(story):
    story.fault("ced", "down", to="2026-04-08T12:00:00Z")
    await story.sync()
    story.move("2026-04-09T12:00:00Z")
    await story.sync()
    story.move("2026-04-11T12:00:00Z")
    await story.sync()


async def test_the_answer_reaches_the_ehr_in_whose_view_the_goal_has_another_name(tmp_path):
    async with told(two(tmp_path)) as story:
        await met_one_after_the_other(story)
        (found,) = await story.open_findings()
        assert found.key == f"{CODE}:goal:iop/Goal/G-1:dueDate"
        assert found.facts["values"] == {"iop": "2026-07-31", "ced": "2026-08-31"}

        await story.resolve(CODE, {"accept": "iop/Goal/G-1"})
        await story.sync()
        assert days(story, "iop", "ced") == {"iop": "2026-07-31", "ced": "2026-07-31"}
        assert await story.open_findings() == []
        assert await story.is_quiet()


async def test_the_answer_the_other_way_round_reaches_the_one_who_was_met_first(tmp_path):
    async with told(two(tmp_path)) as story:
        await met_one_after_the_other(story)
        await story.resolve(CODE, {"accept": "ced/Goal/c-1"})
        await story.sync()
        assert days(story, "iop", "ced") == {"iop": "2026-08-31", "ced": "2026-08-31"}
        assert await story.open_findings() == []


async def test_what_an_answer_by_more_records_may_not_end_elsewhere_is_asked_there_once_more(tmp_path):
    """An answer by what ced and the PCP say may not be told to ced, who may not know the PCP's record."""
    async with told(three(tmp_path)) as story:
        await story.sync()
        story.move("2026-04-11T12:00:00Z")
        await story.sync()
        (found,) = await story.open_findings()
        assert set(found.facts["values"]) == {"iop", "ced", "pcp"}

        await story.resolve(CODE, {"accept": "iop/Goal/G-1"})
        await story.sync()
        assert days(story, "iop", "ced", "pcp") == {"iop": "2026-07-31", "ced": "2026-08-31", "pcp": "2026-07-31"}
        (asked,) = await story.open_findings()
        assert asked.facts["values"] == {"iop": "2026-07-31", "ced": "2026-08-31"}
        assert not any("pcp" in ref for ref in asked.evidence)
        assert await story.is_quiet()

        await story.resolve(CODE, {"accept": "iop/Goal/G-1"})
        await story.sync()
        assert days(story, "iop", "ced", "pcp") == dict.fromkeys(("iop", "ced", "pcp"), "2026-07-31")
        assert await story.open_findings() == []
        assert await story.is_quiet()
