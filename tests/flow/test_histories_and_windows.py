"""Where a type has no history of its own that of all types is asked; that of one record tells what became of it.

What changed in a long time is asked for in parts, side by side.
"""

import pytest

from tests.builders import a_goal, a_plan
from tests.flow.story import READ, READ_ONLY, WorldFolder, told

ALL = "system_history = true"
OF_ONE = {**READ_ONLY, "Goal": [*READ, "history-instance"]}


def deleted(type_, id_):
    return {"resourceType": type_, "id": id_, "_deleted": True}


def a_world(tmp_path, *, personality="", takes=READ_ONLY, later=None, records=()):
    world = WorldFolder(tmp_path / "world", now="2026-04-07T12:00:30Z")
    held = [a_goal(), a_plan(goals=["G-1"]), *records]
    world.ehr("iop", held, takes=takes, personality=personality, later=later)
    return world


async def pulls(story):
    async with story.store.transaction() as tx:
        return {one.type: one for one in await tx.pulls.last_pulls()}


async def presence(story, id_):
    async with story.store.transaction() as tx:
        return (await tx.evidence.one("iop", "Goal", id_)).presence.value


def since(story):
    return [path for path in story.paths("iop") if "_history?_since" in path]


async def test_one_walk_of_the_history_of_all_types_shows_what_changed_of_each_and_what_was_deleted(tmp_path):
    later = {
        "2026-04-08T00-00Z": [deleted("Goal", "G-1"), a_goal("G-2")],
        "2026-04-08T00-30Z": [a_plan(goals=["G-2"])],
    }
    async with told(a_world(tmp_path, personality=ALL, later=later)) as story:
        await story.sync()
        story.move("2026-04-08T06:00:00Z")
        report = await story.sync()
        found = await pulls(story)
        assert report.problems == {}
        assert [(found[one].lane, found[one].grade.value, found[one].changed) for one in ("Goal", "CarePlan")] == [
            ("history-system", "complete", 2),
            ("history-system", "complete", 1),
        ]
        assert len(since(story)) == 1
        assert [await presence(story, one) for one in ("G-1", "G-2")] == ["deleted", "present"]


async def test_each_type_goes_on_from_its_own_stamps_and_the_walk_from_the_earliest(tmp_path):
    later = {"2026-04-08T00-30Z": [a_goal("G-2")], "2026-04-08T05-30Z": [a_goal("G-3")]}
    async with told(a_world(tmp_path, personality=ALL, later=later)) as story:
        await story.sync()
        for now in ("2026-04-08T01:00:00Z", "2026-04-08T06:00:00Z"):
            story.move(now)
            await story.sync()
        async with story.store.transaction() as tx:
            cursors = await tx.pulls.cursors("iop")
        assert cursors["Goal"].mark.isoformat() == "2026-04-08T05:20:00+00:00"
        assert cursors["CarePlan"].mark.isoformat() == "2026-04-07T11:50:30+00:00"
        assert ["2026-04-07T11%3A50%3A30Z" in one for one in since(story)] == [True, True]
        assert (await pulls(story))["CarePlan"].lane == "history-system"


async def test_a_history_of_all_types_goes_on_over_its_pages(tmp_path):
    later = {"2026-04-08T00-30Z": [a_goal(f"G-{number}") for number in range(2, 9)]}
    async with told(a_world(tmp_path, personality=f"{ALL}\npage_cap = 2", later=later)) as story:
        await story.sync()
        story.move("2026-04-08T06:00:00Z")
        await story.sync()
        goal = (await pulls(story))["Goal"]
        assert (goal.lane, goal.grade.value, goal.seen, goal.changed) == ("history-system", "complete", 8, 7)


async def test_a_type_that_has_a_history_of_its_own_is_asked_for_that(tmp_path):
    takes = {**READ_ONLY, "Goal": [*READ, "history-type"]}
    async with told(a_world(tmp_path, personality=ALL, takes=takes)) as story:
        await story.sync()
        story.move("2026-04-08T06:00:00Z")
        await story.sync()
        found = await pulls(story)
        assert (found["Goal"].lane, found["CarePlan"].lane) == ("history", "history-system")
        assert [one.partition("?")[0] for one in sorted(since(story))] == ["GET Goal/_history", "GET _history"]


async def test_a_history_of_all_types_that_is_refused_is_followed_by_a_full_compare_and_not_asked_again(tmp_path):
    later = {"2026-04-08T00-30Z": [a_goal("G-2")]}
    async with told(a_world(tmp_path, personality=ALL, later=later)) as story:
        await story.sync()
        story.fault("iop", "html", status=404, path="/_history")
        for now in ("2026-04-08T06:00:00Z", "2026-04-08T06:05:00Z"):
            story.move(now)
            await story.sync()
        assert len(since(story)) == 1
        assert await presence(story, "G-2") == "present"
        async with story.store.transaction() as tx:
            assert "status 404" in (await tx.pulls.cursors("iop"))["Goal"].off


@pytest.mark.parametrize(
    ("takes", "found"),
    [(READ_ONLY, "hidden"), (OF_ONE, "deleted")],
    ids=["without a history nothing is proven", "its history has its end"],
)
async def test_what_answers_404_is_deleted_only_where_its_history_says_so(tmp_path, takes, found):
    later = {"2026-04-08T00-00Z": [deleted("Goal", "G-1")]}
    async with told(a_world(tmp_path, personality="deleted = 404", takes=takes, later=later)) as story:
        await story.sync()
        story.move("2026-04-09T06:00:00Z")
        await story.sync()
        assert await presence(story, "G-1") == found


async def test_what_changed_in_a_long_time_is_asked_for_in_parts_that_miss_nothing(tmp_path):
    later = {
        f"2026-04-{day:02}T{hour:02}-00Z": [a_goal(f"G-{day}-{hour}")] for day in range(8, 11) for hour in (0, 7, 13)
    }
    async with told(a_world(tmp_path, personality="last_updated_search = true", later=later)) as story:
        await story.register("iop", options={"full_every_hours": 700})
        await story.sync()
        story.move("2026-04-10T18:00:00Z")
        await story.sync()
        goal = (await pulls(story))["Goal"]
        assert (goal.lane, goal.grade.value, goal.changed) == ("last-updated", "complete", 9)
        asked = [path for path in story.asked("iop", "Goal") if "_lastUpdated" in path]
        assert len([path for path in asked if "_lastUpdated=lt" in path]) == 5
        assert len(asked) == 6
        story.move("2026-04-10T19:00:00Z")
        await story.sync()
        assert len([path for path in story.asked("iop", "Goal") if "_lastUpdated" in path]) == 7, "an hour is one part"
