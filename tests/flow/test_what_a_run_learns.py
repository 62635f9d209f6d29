"""What a run learns of an EHR stays with its connection: the next run is not refused anew."""

from tests.builders import a_consent, a_goal
from tests.flow.story import WorldFolder, told

INSISTS = 'patient_required_of = ["Goal", "CarePlan"]'  # its statement does not say so


def two_programs(tmp_path):
    world = WorldFolder(tmp_path / "world")
    world.ehr("iop", [a_goal(due="2026-06-30")], later={"2026-04-08T00-00Z": [a_goal(due="2026-07-31")]})
    world.ehr("ced", [a_goal("c-1", due="2026-06-30")], personality=INSISTS)
    world.consent(a_consent("C-1", discloser="iop", recipient="ced"))
    return world


async def profiles(story):
    async with story.store.transaction() as tx:
        return {one.name: one.profile for one in await tx.registry.ehrs()}


async def test_a_search_that_wants_a_patient_is_refused_once_and_never_again(tmp_path):
    async with told(two_programs(tmp_path)) as story:
        await story.sync()
        known = await profiles(story)
        assert (known["ced"]["needs_patient"], "needs_patient" in known["iop"]) == (["CarePlan", "Goal"], False)
        assert story.refused("ced") == ["CarePlan", "Goal"]
        story.move("2026-04-09T12:00:00Z")
        await story.sync()
        assert await story.stands() == {("ced", "goal"): "verified"}
        assert await story.is_quiet()
        assert await profiles(story) == known
        assert story.refused("ced") == ["CarePlan", "Goal"]
