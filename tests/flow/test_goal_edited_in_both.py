"""Gwen's goals were agreed between two programs; in one week both edit them, and one recreates all at each save."""

from tests.builders import a_consent, a_goal, a_plan
from tests.flow.story import WorldFolder, told

ABSTAIN, WORK, FRIENDS = "Maintain abstinence from alcohol", "Return to work and to family", "Build a sober network"
WORK_PART_TIME = "Return to work part-time and to family"


def goals(prefix, **more):
    parts = {"abstain": {}, "work": {}, "friends": {}} | more
    return [
        a_goal(
            f"{prefix}-1", **{"text": ABSTAIN, "due": "2026-06-30", "achievement": "in-progress"} | parts["abstain"]
        ),
        a_goal(f"{prefix}-2", **{"text": WORK} | parts["work"]),
        a_goal(f"{prefix}-3", **{"text": FRIENDS} | parts["friends"]),
    ]


def gwen(tmp_path):
    world = WorldFolder(tmp_path / "world")
    world.ehr(
        "iop",
        [*goals("G"), a_plan("CP-8", goals=["G-1", "G-2", "G-3"])],
        personality='if_match = "honored"',
        later={"2026-05-20T00-00Z": goals("G", abstain={"due": "2026-07-31"}, friends={"status": "completed"})},
    )
    gone = [{"resourceType": "Goal", "id": f"c-{number}", "_deleted": True} for number in (1, 2, 3)]
    edited = {
        "abstain": {"achievement": "improving"},
        "work": {"text": WORK_PART_TIME},
        "friends": {"status": "on-hold"},
    }
    world.ehr(
        "ced",
        [*goals("c"), a_plan("CP-9", goals=["c-1", "c-2", "c-3"])],
        personality='if_match = "ignored"',
        later={"2026-05-21T00-00Z": [*gone, *goals("new", **edited)]},
    )
    world.consent(a_consent("C-1", discloser="iop", recipient="ced"))
    world.consent(a_consent("C-2", discloser="ced", recipient="iop"))
    return world


async def test_each_field_goes_its_way_and_what_both_changed_waits_for_a_person(tmp_path):
    async with told(gwen(tmp_path)) as story:
        await story.sync()
        assert (story.writes("iop"), story.writes("ced"), await story.open_findings()) == ([], [], [])

        story.move("2026-05-22T12:00:00Z")
        await story.sync()
        shown = {one["text"]: one for one in (await story.account())["plan"]["goals"]}
        assert (shown[ABSTAIN]["due"], shown[ABSTAIN]["achievement"]) == ("2026-07-31", "improving")
        assert set(shown) == {ABSTAIN, WORK_PART_TIME, FRIENDS}
        (found,) = await story.open_findings()
        assert (found.facts["field"], found.facts["base"]) == ("lifecycleStatus", "active")
        assert found.facts["values"] == {"iop": "completed", "ced": "on-hold"}
        assert {ehr: told["record"] for ehr, told in found.facts["told"].items()} == {
            "iop": "iop/Goal/G-3@2",
            "ced": "ced/Goal/new-3@1",
        }
        assert sorted(story.writes("iop")) == [("PUT", "Goal/G-1", 200), ("PUT", "Goal/G-2", 200)]
        assert story.writes("ced") == [("PUT", "Goal/new-1", 200)]
        assert (len(story.held("iop", "Goal")), len(story.held("ced", "Goal"))) == (3, 3)
        assert await story.is_quiet()


async def test_a_person_s_answer_reaches_the_ehr_that_differs_and_no_other(tmp_path):
    async with told(gwen(tmp_path)) as story:
        await story.sync()
        story.move("2026-05-22T12:00:00Z")
        await story.sync()
        before = len(story.writes("iop"))
        await story.resolve("plan.goal-differs", {"accept": "iop/Goal/G-3"})
        await story.sync()
        assert await story.open_findings() == []
        assert len(story.writes("iop")) == before
        assert {one["id"]: one["lifecycleStatus"] for one in story.held("ced", "Goal")}["new-3"] == "completed"
        assert await story.is_quiet()


async def test_what_we_write_leaves_everything_else_of_a_record_as_it_was(tmp_path):
    async with told(gwen(tmp_path)) as story:
        await story.sync()
        story.move("2026-05-22T12:00:00Z")
        before = {one["id"]: one for one in story.held("ced", "Goal")}["new-1"]
        await story.sync()
        after = {one["id"]: one for one in story.held("ced", "Goal")}["new-1"]
        assert after.pop("target") == [{"dueDate": "2026-07-31"}]
        assert {name for name in after if after[name] != before.get(name)} == {"meta"}
