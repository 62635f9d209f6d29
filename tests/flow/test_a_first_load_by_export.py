"""A bulk export brings what a pull by searches would: the job outlives a run, and its files are checked."""

import pytest

from coordinator.ehr import EhrRoom, ExportPatience
from coordinator.sync.run import take_exports
from tests.builders import a_goal, a_patient, a_plan
from tests.flow.story import READ, READ_ONLY, WorldFolder, told

AT_ONCE = ExportPatience(shortest=0, longest=0.01, total=5)
NO_PATIENCE = ExportPatience(shortest=0, longest=0.01, total=-1)


def a_world(tmp_path, personality="", *, records=(), later=None, **more):
    world = WorldFolder(tmp_path / "world", now="2026-04-07T12:00:30Z")
    exports = 'export = ["system", "Patient", "Group"]'
    held = records or [a_goal(), a_plan(goals=["G-1"])]
    takes = {**READ_ONLY, "Group": READ, **more}
    world.ehr("iop", held, takes=takes, personality=f"{exports}\n{personality}", later=later)
    return world


async def exported(story, patience=AT_ONCE):
    ehrs = EhrRoom(clock=story.clock, keys=story.keys, patience=patience)
    return await take_exports(story.store, ehrs, story.clock)


async def pulls(story):
    async with story.store.transaction() as tx:
        return {one.type: one for one in await tx.pulls.last_pulls()}


def requests(story, word):
    return [path for path in story.paths("iop") if word in path]


async def test_an_export_brings_the_account_that_searches_bring_and_its_job_is_deleted(tmp_path):
    async with told(a_world(tmp_path / "by search")) as story:
        await story.sync()
        wanted = await story.account()
    async with told(a_world(tmp_path / "by export")) as story:
        report = await exported(story)
        assert (report.problems, report.seen) == ({}, 3)
        assert {**await story.account(), "person": ""} == {**wanted, "person": ""}
        assert story.searches("iop") == []
        assert requests(story, "$export")[0].startswith("GET Patient/$export?_type=Patient,")
        assert requests(story, "$export-job")[-1] == "DELETE $export-job/1"


async def test_a_type_of_which_nothing_came_is_not_complete(tmp_path):
    """Silence is never 'stopped': an export that holds no order may have left them out."""
    async with told(a_world(tmp_path)) as story:
        await exported(story)
        found = await pulls(story)
        assert (found["Goal"].grade.value, found["MedicationRequest"].grade.value) == ("complete", "partial")
        assert "proves nothing" in found["MedicationRequest"].reason


async def test_what_is_gone_since_the_last_export_is_read_by_itself_and_deleted(tmp_path):
    records = [a_goal("G-1"), a_goal("G-2")]
    later = {"2026-04-08T00-00Z": [{"resourceType": "Goal", "id": "G-1", "_deleted": True}]}
    async with told(a_world(tmp_path, records=records, later=later)) as story:
        await exported(story)
        story.move("2026-04-15T06:00:00Z")
        await exported(story)
        assert "_since" not in requests(story, "Patient/$export")[-1], "after a week a whole one is due"
        async with story.store.transaction() as tx:
            assert (await tx.evidence.one("iop", "Goal", "G-1")).presence.value == "deleted"


async def test_a_job_that_is_not_done_is_gone_on_with_by_the_next_run(tmp_path):
    async with told(a_world(tmp_path)) as story:
        first = await exported(story, NO_PATIENCE)
        assert first.problems["iop"].startswith("The EHR is still at work on the export.")
        second = await exported(story)
        assert (second.problems, second.seen) == ({}, 3)
        assert len(requests(story, "Patient/$export")) == 1, "no second job was started"


async def test_a_job_that_the_ehr_forgot_is_started_anew(tmp_path):
    async with told(a_world(tmp_path)) as story:
        await exported(story, NO_PATIENCE)
        story.forget_exports("iop")
        report = await exported(story)
        assert (report.problems, report.seen) == ({}, 3)
        assert len(requests(story, "Patient/$export")) == 2


async def test_a_file_that_is_cut_off_is_fetched_again(tmp_path):
    records = [a_goal(f"G-{number}") for number in range(4)]
    async with told(a_world(tmp_path, "export_cuts = true", records=records)) as story:
        report = await exported(story)
        assert (report.problems, (await pulls(story))["Goal"].grade.value, report.seen) == ({}, "complete", 5)
        assert len(requests(story, "$export-job/1/Goal")) == 2


async def test_an_export_that_tells_of_errors_is_complete_for_no_type(tmp_path):
    async with told(a_world(tmp_path, "export_errors = true")) as story:
        await exported(story)
        assert {one.grade.value for one in (await pulls(story)).values()} == {"partial"}


async def test_after_an_export_the_fast_lane_goes_on_from_its_time(tmp_path):
    later = {"2026-04-08T00-30Z": [a_goal("G-2")]}
    async with told(a_world(tmp_path, "last_updated_search = true", later=later)) as story:
        await exported(story)
        story.move("2026-04-08T06:00:00Z")
        await story.sync()
        goal = (await pulls(story))["Goal"]
        assert (goal.lane, goal.grade.value, goal.changed) == ("last-updated", "complete", 1)


async def test_where_no_export_is_offered_that_is_the_problem(tmp_path):
    world = WorldFolder(tmp_path / "world")
    world.ehr("iop", [a_goal()], takes=READ_ONLY)
    async with told(world) as story:
        report = await exported(story)
        assert report.problems["iop"].startswith("This EHR declares no $export for its roster.")


async def test_a_second_job_is_refused_and_tells_so(tmp_path):
    """Big EHRs allow one job for a client; a crashed one blocks the next until it is deleted."""
    async with told(a_world(tmp_path)) as story:
        await exported(story, NO_PATIENCE)
        async with story.store.transaction() as tx:
            await tx.registry.put_setting("export-job/iop", None)
        report = await exported(story)
        assert "429" in report.problems["iop"]


@pytest.mark.parametrize("member", ["p-1", "nobody"])
async def test_a_group_brings_its_members_alone(tmp_path, member):
    group = {
        "resourceType": "Group",
        "id": "iop-panel",
        "type": "person",
        "actual": True,
        "member": [{"entity": {"reference": f"Patient/{member}"}}],
    }
    async with told(a_world(tmp_path, records=[a_goal(), group])) as story:
        await story.register("iop", roster="group:iop-panel")
        report = await exported(story)
        assert report.seen == (2 if member == a_patient()["id"] else 0)
        assert requests(story, "Group/iop-panel/$export")


async def test_an_export_is_made_where_a_lane_is_at_hand_too(tmp_path):
    async with told(a_world(tmp_path, "last_updated_search = true")) as story:
        await story.sync()
        await exported(story)
        assert (len(requests(story, "Patient/$export")), (await pulls(story))["Goal"].lane) == (1, "")


async def test_after_a_whole_export_the_next_brings_what_changed_and_what_was_deleted(tmp_path):
    records = [a_goal("G-1"), a_goal("G-2")]
    gone = {"resourceType": "Goal", "id": "G-1", "_deleted": True}
    later = {"2026-04-08T00-30Z": [gone, a_goal("G-3")], "2026-04-09T00-30Z": [a_goal("G-4")]}
    async with told(a_world(tmp_path, records=records, later=later)) as story:
        await exported(story)
        story.move("2026-04-08T06:00:00Z")
        report = await exported(story)
        assert requests(story, "Patient/$export")[-1].endswith("_since=2026-04-07T11%3A50%3A30Z")
        goal = (await pulls(story))["Goal"]
        assert (report.problems, goal.lane, goal.grade.value, goal.changed) == ({}, "export", "complete", 2)
        async with story.store.transaction() as tx:
            found = [(await tx.evidence.one("iop", "Goal", f"G-{one}")).presence.value for one in (1, 2, 3)]
        assert found == ["deleted", "present", "present"]
        story.move("2026-04-09T06:00:00Z")
        await exported(story)
        assert "_since=2026-04-08T05" in requests(story, "Patient/$export")[-1]


async def test_an_export_that_fell_short_is_no_ground_for_asking_what_changed(tmp_path):
    async with told(a_world(tmp_path, "export_errors = true")) as story:
        await exported(story)
        await exported(story)
        assert "_since" not in requests(story, "Patient/$export")[-1]


async def test_a_job_for_what_changed_stays_one_over_a_run_that_ran_out_of_patience(tmp_path):
    later = {"2026-04-08T00-30Z": [a_goal("G-3")]}
    async with told(a_world(tmp_path, later=later)) as story:
        await exported(story)
        story.move("2026-04-08T06:00:00Z")
        await exported(story, NO_PATIENCE)
        await exported(story)
        assert (len(requests(story, "Patient/$export")), (await pulls(story))["Goal"].lane) == (2, "export")


async def test_at_another_address_all_is_exported_anew(tmp_path):
    async with told(a_world(tmp_path)) as story:
        await exported(story)
        async with story.store.transaction() as tx:
            done = await tx.registry.setting("export-done/iop")
            await tx.registry.put_setting("export-done/iop", {**done, "basis": "https://other.test/fhir Patient"})
        await exported(story)
        assert "_since" not in requests(story, "Patient/$export")[-1]


async def test_a_group_is_asked_for_all_each_time(tmp_path):
    """Whether the old records of a new member come along with what changed is left open by the guide."""
    member = [{"entity": {"reference": "Patient/p-1"}}]
    group = {"resourceType": "Group", "id": "panel", "type": "person", "actual": True, "member": member}
    async with told(a_world(tmp_path, records=[a_goal(), group])) as story:
        await story.register("iop", roster="group:panel")
        await exported(story)
        await exported(story)
        assert [path for path in requests(story, "Group/panel/$export") if "_since" in path] == []


SCHEDULED = {"export_every_hours": 24}


def starts(story):
    return requests(story, "$export?")


async def test_by_a_schedule_a_usual_pull_is_an_export_when_one_is_due_and_asks_lanes_alone_between(tmp_path):
    later = {"2026-04-07T18-00Z": [a_goal("G-2")], "2026-04-08T18-00Z": [a_goal("G-3")]}
    async with told(a_world(tmp_path, "last_updated_search = true", later=later)) as story:
        await story.register("iop", options=SCHEDULED)
        seen = []
        for now in ("2026-04-07T12:00:30Z", "2026-04-07T20:00:00Z", "2026-04-08T13:00:00Z", "2026-04-08T20:00:00Z"):
            story.move(now)
            report = await story.sync(ehrs=EhrRoom(clock=story.clock, keys=story.keys, patience=AT_ONCE))
            assert report.problems == {}
            seen.append((len(starts(story)), report.received))
        assert seen == [(1, 3), (1, 1), (2, 0), (2, 1)]
        assert "_since=" in starts(story)[1]
        assert all("_lastUpdated" in path for path in story.asked("iop", "Goal"))


async def test_between_two_exports_nothing_is_compared_where_there_is_no_lane(tmp_path):
    async with told(a_world(tmp_path)) as story:
        await story.register("iop", options=SCHEDULED)
        for now in ("2026-04-07T12:00:30Z", "2026-04-07T20:00:00Z"):
            story.move(now)
            await story.sync(ehrs=EhrRoom(clock=story.clock, keys=story.keys, patience=AT_ONCE))
        assert story.searches("iop") == []
