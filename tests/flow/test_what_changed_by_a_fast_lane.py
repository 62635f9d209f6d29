"""Between two full compares an EHR is asked what changed; the compares check that lane and see what is gone."""

from dataclasses import replace

import pytest

from tests.builders import a_goal, a_plan
from tests.flow.story import READ, READ_ONLY, WorldFolder, told

DATED = "last_updated_search = true"
GOALS = {**READ_ONLY, "Goal": [*READ, "history-type"]}


def deleted(type_, id_):
    return {"resourceType": type_, "id": id_, "_deleted": True}


def a_world(tmp_path, *, personality=DATED, takes=READ_ONLY, later=None):
    world = WorldFolder(tmp_path / "world", now="2026-04-07T12:00:30Z")
    world.ehr("iop", [a_goal(), a_plan(goals=["G-1"])], takes=takes, personality=personality, later=later)
    return world


async def pulls_of(story, type_="Goal"):
    """Return how the last pull of a type went, and how its lane stands."""
    async with story.store.transaction() as tx:
        (pull,) = [one for one in await tx.pulls.last_pulls() if one.type == type_]
        return pull, (await tx.pulls.cursors("iop")).get(type_)


async def held(story):
    async with story.store.transaction() as tx:
        return (await tx.evidence.one("iop", "Goal", "G-1")).body


async def test_a_change_is_seen_by_the_lane_and_the_grade_of_the_full_compare_stays(tmp_path):
    async with told(
        a_world(tmp_path, later={"2026-04-08T00-30Z": [a_goal() | {"lifecycleStatus": "on-hold"}]})
    ) as story:
        await story.sync()
        story.move("2026-04-08T06:00:00Z")
        report = await story.sync()
        pull, cursor = await pulls_of(story)
        assert (pull.lane, pull.grade.value, pull.seen, pull.changed) == ("last-updated", "complete", 1, 1)
        assert cursor.mark.isoformat() == "2026-04-08T00:20:00+00:00", "ten minutes before the newest stamp"
        assert b'"on-hold"' in await held(story)
        assert report.problems == {}
        assert "_lastUpdated=ge2026-04-07T11%3A50%3A30Z" in " ".join(story.asked("iop", "Goal"))


async def test_what_is_deleted_is_seen_by_the_next_full_compare_at_the_latest(tmp_path):
    later = {"2026-04-08T00-00Z": [deleted("Goal", "G-1")]}
    async with told(a_world(tmp_path, later=later)) as story:
        presences = []
        for now in ("2026-04-07T12:00:30Z", "2026-04-08T06:00:00Z", "2026-04-08T12:01:00Z"):
            story.move(now)
            await story.sync()
            async with story.store.transaction() as tx:
                presences.append((await tx.evidence.one("iop", "Goal", "G-1")).presence.value)
        # The lane came back empty, which proves nothing: so the compare was made at once.
        assert presences == ["present", "deleted", "deleted"]


async def test_a_lane_beside_others_leaves_a_deletion_to_the_full_compare(tmp_path):
    later = {"2026-04-08T00-00Z": [deleted("Goal", "G-1"), a_goal("G-2")]}
    async with told(a_world(tmp_path, later=later)) as story:
        found = []
        for now in ("2026-04-07T12:00:30Z", "2026-04-08T06:00:00Z", "2026-04-08T12:01:00Z"):
            story.move(now)
            await story.sync()
            async with story.store.transaction() as tx:
                gone = (await tx.evidence.one("iop", "Goal", "G-1")).presence.value
            pull, cursor = await pulls_of(story)
            found.append((gone, pull.lane, pull.missed, cursor.off))
        assert found == [("present", "", 0, ""), ("present", "last-updated", 0, ""), ("deleted", "", 0, "")]


async def test_a_history_shows_what_was_deleted_at_once(tmp_path):
    later = {"2026-04-08T00-00Z": [deleted("Goal", "G-1"), a_goal("G-2")]}
    async with told(a_world(tmp_path, takes=GOALS, personality="", later=later)) as story:
        await story.sync()
        story.move("2026-04-08T06:00:00Z")
        await story.sync()
        pull, _ = await pulls_of(story)
        assert (pull.lane, pull.grade.value, pull.changed) == ("history", "complete", 2)
        async with story.store.transaction() as tx:
            assert (await tx.evidence.one("iop", "Goal", "G-1")).presence.value == "deleted"
            assert (await tx.evidence.one("iop", "Goal", "G-2")).presence.value == "present"


async def test_of_a_history_with_many_versions_the_newest_counts(tmp_path):
    later = {
        f"2026-04-08T{hour:02}-00Z": [
            a_goal() | {"lifecycleStatus": ("on-hold", "active")[hour % 2]},
            a_goal(f"G-{hour}"),
        ]
        for hour in range(1, 6)
    }
    world = a_world(tmp_path, takes=GOALS, personality="page_cap = 2", later=later)
    async with told(world) as story:
        await story.sync()
        story.move("2026-04-08T06:00:00Z")
        await story.sync()
        pull, _ = await pulls_of(story)
        assert (pull.lane, pull.seen, pull.changed) == ("history", 5, 5)
        assert b'"active"' in await held(story)


async def test_an_ehr_that_leaves_its_stamp_at_a_save_is_found_out_and_its_lane_turned_off(tmp_path):
    later = {"2026-04-08T00-00Z": [a_goal() | {"lifecycleStatus": "on-hold"}], "2026-04-09T00-00Z": [a_goal("G-2")]}
    world = WorldFolder(tmp_path / "world")
    long_ago = a_goal() | {"meta": {"lastUpdated": "2026-03-01T09:00:00-05:00"}}
    personality = f'{DATED}\nunstamped = ["Goal"]'
    world.ehr("iop", [long_ago, a_goal("G-9")], takes=READ_ONLY, personality=personality, later=later)
    async with told(world) as story:
        await story.sync()
        story.move("2026-04-08T11:00:00Z")
        await story.sync()
        before = await held(story)
        story.move("2026-04-08T12:01:00Z")
        report = await story.sync()
        pull, cursor = await pulls_of(story)
        assert (b'"active"' in before, b'"on-hold"' in await held(story)) == (True, True)
        assert (pull.lane, pull.missed, cursor.missed) == ("", 1, 1)
        assert cursor.off == "a full compare found 1 changes that it had not shown"
        assert "Goal 1" in report.problems["iop"]
        story.move("2026-04-09T06:00:00Z")
        assert (await story.sync()).problems == {}
        assert (await pulls_of(story))[0].lane == "", "it stays off, whatever comes"


async def test_an_ehr_that_ignores_the_parameter_is_compared_in_full_at_once(tmp_path):
    later = {"2026-04-08T00-00Z": [a_goal() | {"lifecycleStatus": "on-hold"}]}
    world = a_world(tmp_path, personality=f'{DATED}\nignores = ["_lastUpdated"]', later=later)
    async with told(world) as story:
        await story.sync()
        story.move("2026-04-08T06:00:00Z")
        await story.sync()
        pull, cursor = await pulls_of(story)
        assert (pull.lane, pull.changed) == ("", 1)
        assert cursor.off == "the EHR ignored the parameter _lastUpdated"


async def test_where_an_ehr_tells_the_day_alone_the_lane_goes_a_day_back(tmp_path):
    later = {"2026-04-08T00-00Z": [a_goal("G-2")], "2026-04-08T02-00Z": [a_goal("G-3")]}
    async with told(a_world(tmp_path, personality=f'{DATED}\nlast_updated = "day"', later=later)) as story:
        await story.sync()
        story.move("2026-04-08T01:00:00Z")
        await story.sync()
        story.move("2026-04-08T06:00:00Z")
        await story.sync()
        pull, cursor = await pulls_of(story)
        assert (pull.lane, pull.seen, pull.changed) == ("last-updated", 3, 1)
        assert cursor.mark.isoformat() == "2026-04-06T04:00:00+00:00", "the day is that of New York"


async def test_a_walk_that_breaks_off_does_not_move_the_lane(tmp_path):
    later = {"2026-04-08T00-00Z": [a_goal("G-2")], "2026-04-09T00-00Z": [a_goal("G-3")]}
    async with told(a_world(tmp_path, later=later)) as story:
        await story.sync()
        _, before = await pulls_of(story)
        story.move("2026-04-08T06:00:00Z")
        story.fault("iop", "down", **{"from": "2026-04-08T05:00:00Z", "to": "2026-04-08T07:00:00Z"})
        await story.sync()
        assert (await pulls_of(story))[1] == before
        story.move("2026-04-08T08:00:00Z")
        await story.sync()
        pull, _ = await pulls_of(story)
        assert (pull.lane, pull.changed) == ("last-updated", 1)


@pytest.mark.parametrize("again", ["anew", "other base"])
async def test_a_full_compare_is_made_where_the_lane_can_not_be_relied_on(tmp_path, again):
    async with told(a_world(tmp_path)) as story:
        await story.sync()
        if again == "anew":
            await story.sync(is_full=True)
        else:
            async with story.store.transaction() as tx:
                _, cursor = await pulls_of(story)
                await tx.pulls.put_cursor(replace(cursor, basis="of another address"))
            await story.sync()
        assert (await pulls_of(story))[0].lane == ""


async def test_an_ehr_that_takes_searches_by_post_alone_is_searched_so(tmp_path):
    async with told(a_world(tmp_path, personality="get_search = false\npost_search = true\npage_cap = 1")) as story:
        report = await story.sync()
        pull, _ = await pulls_of(story)
        assert (report.problems, pull.grade.value, pull.seen) == ({}, "complete", 1)
