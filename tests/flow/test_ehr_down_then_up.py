"""An EHR does not answer for a while: nobody waits for it, nothing is concluded from its silence, nothing is lost."""

from coordinator.outbox import Status
from tests.builders import a_consent, a_goal, an_administration, an_order
from tests.flow.story import READ_ONLY, WorldFolder, told


def methadone(tmp_path, later=None):
    world = WorldFolder(tmp_path / "world")
    world.ehr("otp", [an_administration()], takes=READ_ONLY)
    world.ehr("iop", [an_order()], takes=READ_ONLY, later=later)
    world.ehr("pcp", part2=False)
    world.consent(a_consent("C-1", discloser="otp", recipient="pcp"))
    return world


def two_goals_moved(tmp_path):
    world = WorldFolder(tmp_path / "world")
    moved = [a_goal("G-1", due="2026-07-31"), a_goal("G-2", text="Find work", due="2026-07-31")]
    world.ehr("iop", [a_goal("G-1"), a_goal("G-2", text="Find work")], later={"2026-04-08T00-00Z": moved})
    world.ehr("ced", [a_goal("c-1"), a_goal("c-2", text="Find work")])
    world.consent(a_consent("C-1", discloser="iop", recipient="ced"))
    return world


async def test_what_is_owed_to_an_ehr_that_is_down_is_sent_once_it_is_up(tmp_path):
    async with told(methadone(tmp_path)) as story:
        story.fault("pcp", "down", to="2026-04-07T13:00:00Z")
        report = await story.sync()
        assert set(report.problems) == {"pcp"}
        assert [row.method for row in story._served.log("pcp") if row.method != "GET"] == []
        story.move("2026-04-07T14:00:00Z")
        await story.sync()
        assert (await story.stands())[("pcp", "medication")] == "verified"
        assert await story.is_quiet()


async def test_an_ehr_that_goes_down_between_two_writes_gets_the_second_later_and_none_twice(tmp_path):
    async with told(two_goals_moved(tmp_path)) as story:
        await story.sync()
        story.move("2026-04-09T12:00:00Z")
        story.fault("ced", "down", after_writes=1, to="2026-04-09T13:00:00Z")
        await story.sync()
        assert sorted(one.status.value for one in await story.entries()) in (["owed", "verified"], ["applied", "owed"])
        story.move("2026-04-09T14:00:00Z")
        await story.sync()
        assert [one.status.value for one in await story.entries()] == ["verified", "verified"]
        taken = [path for _, path, status in story.writes("ced") if status == 200]
        assert sorted(taken) == ["Goal/c-1", "Goal/c-2"]
        assert await story.is_quiet()


async def test_an_ehr_that_asks_for_a_sign_in_which_nobody_gave_is_a_problem_and_no_empty_ehr(tmp_path):
    world = WorldFolder(tmp_path / "world")
    world.ehr("iop", [an_order()], personality="smart = true")
    world.ehr("pcp", part2=False)
    async with told(world) as story:
        report = await story.sync()
    assert set(report.problems) == {"iop"}
    assert "not authorized (status 401)" in report.problems["iop"]
    assert "--smart" in report.problems["iop"]


async def test_a_run_tells_what_went_out_and_what_is_held_back(tmp_path):
    world = methadone(tmp_path)
    async with told(world) as story:
        await story.sync()
        await story.revoke("C-1")
        story.save("otp", an_administration(dose="90 mg"))
        report = await story.sync()
        held = [one.intent.ehr for one in await story.entries() if one.status is Status.WITHHELD]
        assert (len(report.persons), report.applied, report.withheld["pcp"]) == (1, 0, held.count("pcp"))
        assert "pcp" in held
        quiet = await story.sync()
        assert (len(quiet.persons), quiet.withheld) == (0, report.withheld)


async def test_writes_that_went_out_before_an_ehr_went_down_are_counted(tmp_path):
    async with told(two_goals_moved(tmp_path)) as story:
        await story.sync()
        story.move("2026-04-09T12:00:00Z")
        story.fault("ced", "down", after_writes=2, to="2026-04-09T13:00:00Z")
        report = await story.sync()
        assert (report.applied, report.verified, set(report.problems)) == (2, 0, {"ced"})
        story.move("2026-04-09T14:00:00Z")
        report = await story.sync()
        assert (report.applied, report.verified) == (0, 2)


async def test_the_silence_of_a_source_changes_nothing_that_is_known(tmp_path):
    async with told(methadone(tmp_path)) as story:
        await story.sync()
        before = await story.account()
        story.fault("otp", "down", to="2026-04-07T13:00:00Z")
        report = await story.sync()
        assert (set(report.problems), await story.account()) == ({"otp"}, before)


async def test_the_others_go_on_while_one_is_down(tmp_path):
    later = {"2026-04-07T12-30Z": [an_order(dose="24 mg")]}
    async with told(methadone(tmp_path, later)) as story:
        await story.sync()
        story.fault("otp", "down", to="2026-04-07T14:00:00Z")
        story.move("2026-04-07T13:00:00Z")
        await story.sync()
        doses = {one["ingredient"]: one["dose"] for one in (await story.account())["courses"]}
        assert doses["buprenorphine/naloxone"]["value"] == 24
        assert doses["methadone"]["value"] == 85


async def test_an_ehr_that_asks_to_come_later_on_the_way_is_told_and_nothing_counts_as_gone(tmp_path):
    """Each page was answered or asked us to wait: without a word nobody would know that the rest was not seen."""
    world = WorldFolder(tmp_path / "world")
    world.ehr("otp", [an_administration()], takes=READ_ONLY)
    async with told(world) as story:
        await story.sync()
        before = await story.account()
        story.fault("otp", "throttle", after=3, retry_after=600)
        report = await story.sync()
        assert "given up on the way" in report.problems["otp"]
        assert await story.account() == before
        story.fault("otp", "release")
        assert (await story.sync()).problems == {}
