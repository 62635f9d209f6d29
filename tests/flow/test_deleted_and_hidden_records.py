"""A record is no longer there: deleted and hidden are two things, and neither is 'stopped' or 'never was'."""

from tests.builders import a_consent, a_goal, a_plan, an_administration, an_order
from tests.flow.story import READ_ONLY, WorldFolder, told


def deleted(type_, id_):
    return {"resourceType": type_, "id": id_, "_deleted": True}


async def test_a_deleted_goal_stays_in_the_plan_of_the_others_and_a_person_is_asked(tmp_path):
    world = WorldFolder(tmp_path / "world")
    world.ehr("iop", [a_goal(), a_plan(goals=["G-1"])], later={"2026-04-08T00-00Z": [deleted("Goal", "G-1")]})
    world.ehr("ced", [a_goal("c-1"), a_plan("CP-9", goals=["c-1"])])
    world.consent(a_consent("C-1", discloser="iop", recipient="ced"))
    world.consent(a_consent("C-2", discloser="ced", recipient="iop"))
    async with told(world) as story:
        await story.sync()
        story.move("2026-04-09T12:00:00Z")
        await story.sync()
        assert [one["evidence"] for one in (await story.account())["plan"]["goals"]] == [["ced/Goal/c-1@1"]]
        (found,) = await story.open_findings()
        assert found.facts["values"] == {"iop": "deleted", "ced": "present"}
        assert (story.writes("iop"), story.writes("ced")) == ([], [])
        assert await story.is_quiet()


async def test_a_deleted_order_is_no_evidence_any_more_and_stops_nothing_else(tmp_path):
    world = WorldFolder(tmp_path / "world")
    world.ehr("otp", [an_administration()], takes=READ_ONLY)
    later = {"2026-04-08T00-00Z": [deleted("MedicationRequest", "M-1")]}
    world.ehr("iop", [an_order(code="991147", dose="85 mg")], takes=READ_ONLY, later=later)
    async with told(world) as story:
        await story.sync()
        story.move("2026-04-08T12:00:00Z")
        await story.sync()
        (course,) = (await story.account())["courses"]
        assert (course["status"], course["dose"]["value"], course["evidence"]) == (
            "active",
            85,
            ["otp/MedicationAdministration/A-1@1"],
        )
        assert await story.is_quiet()


async def test_a_record_that_comes_back_is_evidence_again(tmp_path):
    world = WorldFolder(tmp_path / "world")
    later = {
        "2026-04-08T00-00Z": [deleted("MedicationRequest", "M-1")],
        "2026-04-09T00-00Z": [an_order("M-1")],
    }
    world.ehr("iop", [an_order("M-1")], takes=READ_ONLY, later=later)
    async with told(world) as story:
        counts = []
        for now in ("2026-04-07T13:00:00Z", "2026-04-08T12:00:00Z", "2026-04-09T12:00:00Z"):
            story.move(now)
            await story.sync()
            counts.append(len((await story.account())["courses"]))
        assert counts == [1, 0, 1]
