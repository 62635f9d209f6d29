"""A consent is revoked: from then on the recipient's world is one in which the source does not exist."""

from datetime import UTC, datetime

from tests.builders import a_consent, a_goal, an_administration
from tests.flow.story import READ_ONLY, WorldFolder, told


def methadone(tmp_path, later=None):
    world = WorldFolder(tmp_path / "world")
    world.ehr("otp", [an_administration()], takes=READ_ONLY, later=later)
    world.ehr("pcp", part2=False)
    world.consent(a_consent("C-1", discloser="otp", recipient="pcp"))
    return world


async def test_without_a_consent_not_a_byte_leaves_and_the_refusal_is_in_the_log(tmp_path):
    async with told(methadone(tmp_path)) as story:
        await story.revoke("C-1")
        await story.sync()
        assert (story.writes("pcp"), await story.disclosures()) == ([], [])
        assert await story.stands() == {("pcp", "medication"): "withheld: consent-revoked"}
        assert all(not one.intent.body for one in await story.entries())
        assert await story.is_quiet()


async def test_what_was_sent_before_stays_and_nothing_new_follows(tmp_path):
    dose = an_administration("A-2", dose="95 mg", at="2026-04-08T07:00:00-04:00")
    async with told(methadone(tmp_path, {"2026-04-08T12-00Z": [dose]})) as story:
        await story.sync()
        assert [method for method, *_ in story.writes("pcp")] == ["POST"]
        await story.revoke("C-1")
        story.move("2026-04-08T13:00:00Z")
        await story.sync()
        assert [method for method, *_ in story.writes("pcp")] == ["POST"]
        assert len(await story.disclosures()) == 1
        assert await story.is_quiet()


async def test_each_body_that_left_is_one_disclosure_with_its_consent_and_label(tmp_path):
    async with told(methadone(tmp_path)) as story:
        await story.sync()
        (row,) = await story.disclosures()
        assert (row.ehr, row.consent, row.purpose) == ("pcp", "C-1", "TREAT")
        (statement,) = story.held("pcp", "MedicationStatement")
        assert {one["code"] for one in statement["meta"]["security"]} == {"42CFRPart2", "OPIOIDUD", "R"}
        assert row.at == datetime(2026, 4, 7, 12, tzinfo=UTC)


async def test_a_goal_that_was_owed_when_the_consent_ended_is_never_written(tmp_path):
    """What had been agreed while it could be known must not come out of the agreed state afterwards."""
    world = WorldFolder(tmp_path / "world")
    world.ehr("iop", [a_goal(due="2026-06-30")], later={"2026-04-08T00-00Z": [a_goal(due="2026-07-31")]})
    world.ehr("ced", [a_goal("c-1", due="2026-06-30")])
    world.consent(a_consent("C-1", discloser="iop", recipient="ced"))
    async with told(world) as story:
        await story.sync()
        story.move("2026-04-09T12:00:00Z")
        story.fault("ced", "down", after_writes=0, to="2026-04-09T13:00:00Z")
        await story.sync()
        await story.revoke("C-1")
        story.move("2026-04-09T14:00:00Z")
        await story.sync()
        assert story.writes("ced") == []
        assert story.held("ced", "Goal")[0]["target"] == [{"dueDate": "2026-06-30"}]
        assert await story.is_quiet()


async def test_a_goal_that_was_decided_and_not_yet_sent_is_never_written(tmp_path):
    """The agreed state of the recipient's view already holds the new date when the consent ends."""
    world = WorldFolder(tmp_path / "world")
    world.ehr("iop", [a_goal(due="2026-06-30")], later={"2026-04-08T00-00Z": [a_goal(due="2026-07-31")]})
    world.ehr("ced", [a_goal("c-1", due="2026-06-30")], personality='if_match = "honored"')
    world.consent(a_consent("C-1", discloser="iop", recipient="ced"))
    async with told(world) as story:
        await story.sync()
        story.move("2026-04-09T12:00:00Z")
        story.fault("ced", "conflict", type="Goal", times=9)
        await story.sync()
        sent = len(story.writes("ced"))
        await story.revoke("C-1")
        await story.sync()
        assert len(story.writes("ced")) == sent
        assert (await story.stands())[("ced", "goal")] == "withheld: consent-revoked"
