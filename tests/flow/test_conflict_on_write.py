"""Somebody saves while we write: one outcome, however the EHR tells it, and never a blind retry."""

from contextlib import asynccontextmanager

import pytest

from coordinator.outbox import Status
from tests.builders import a_consent, a_goal
from tests.flow.story import NATIVE, READ, WorldFolder, told


def two_programs(tmp_path, personality):
    world = WorldFolder(tmp_path / "world")
    world.ehr("iop", [a_goal(due="2026-06-30")], later={"2026-04-08T00-00Z": [a_goal(due="2026-07-31")]})
    world.ehr("ced", [a_goal("c-1", due="2026-06-30")], personality=personality)
    world.consent(a_consent("C-1", discloser="iop", recipient="ced"))
    return world


@pytest.mark.parametrize("status", [409, 412])
async def test_a_contested_write_is_decided_anew_from_what_is_there_now(tmp_path, status):
    async with told(two_programs(tmp_path, f'if_match = "honored"\nconflict_status = {status}')) as story:
        await story.sync()
        story.move("2026-04-09T12:00:00Z")
        story.fault("ced", "conflict", type="Goal")
        await story.sync()
        for _ in range(2):
            await story.sync()
        assert [one[2] for one in story.writes("ced")] == [status, 200]
        assert story.held("ced", "Goal")[0]["target"] == [{"dueDate": "2026-07-31"}]
        assert (await story.stands(), await story.open_findings()) == ({("ced", "goal"): "verified"}, [])
        assert await story.is_quiet()


@pytest.mark.parametrize("status", [409, 412])
async def test_the_second_try_names_the_version_that_it_was_decided_from(tmp_path, status):
    async with told(two_programs(tmp_path, f'if_match = "honored"\nconflict_status = {status}')) as story:
        await story.sync()
        story.move("2026-04-09T12:00:00Z")
        story.fault("ced", "conflict", type="Goal")
        for _ in range(3):
            await story.sync()
        matched = [row.if_match for row in story._served.log("ced") if row.method == "PUT"]
        assert len(matched) == len(set(matched)) == 2


async def test_who_saves_whenever_we_write_is_left_alone_until_a_person_says_to_try_again(tmp_path):
    async with told(two_programs(tmp_path, 'if_match = "honored"')) as story:
        await story.sync()
        story.move("2026-04-09T12:00:00Z")
        story.fault("ced", "conflict", type="Goal", times=7)
        for _ in range(6):
            await story.sync()
        assert [one[2] for one in story.writes("ced")] == [412] * 5
        assert [(one.code, one.facts["tries"]) for one in await story.open_findings()] == [("write.contested", 5)]
        assert await story.is_quiet()
        story.move("2026-04-10T12:00:00Z")
        await story.resolve("write.contested", {"retry": True})
        for _ in range(3):
            await story.sync()
        assert [one[2] for one in story.writes("ced")] == [412] * 7 + [200]
        assert (await story.stands(), await story.open_findings()) == ({("ced", "goal"): "verified"}, [])


async def test_a_change_that_came_between_is_kept(tmp_path):
    """The clinicians at Cedar move the same date just before our write would: both want something else now."""
    world = two_programs(tmp_path, 'if_match = "ignored"')
    world._records("ced/changes/2026-04-08T06-00Z.ndjson", [a_goal("c-1", due="2026-08-31")])
    async with told(world) as story:
        await story.sync()
        story.move("2026-04-09T12:00:00Z")
        await story.sync()
        assert story.writes("ced") == []
        assert story.held("ced", "Goal")[0]["target"] == [{"dueDate": "2026-08-31"}]
        assert [one.code for one in await story.open_findings()] == ["plan.goal-differs"]


class Meddling:
    """The EHRs of a story, in one of which somebody saves just before our next write lands."""

    def __init__(self, story, ehr, saved, *, after_look):
        self._story, self._ehr, self._saved, self._after_look = story, ehr, [saved], after_look

    @asynccontextmanager
    async def open(self, connection):
        async with self._story.ehrs.open(connection) as ehr:
            yield _Meddled(ehr, self) if connection.name == self._ehr else ehr

    async def write(self, ehr, request, may_leave):
        async def save_first():
            self._save()
            return await may_leave()

        if not self._after_look:
            self._save()
        return await ehr.write(request, save_first)

    def _save(self):
        while self._saved:
            self._story.save(self._ehr, self._saved.pop())


class _Meddled:
    def __init__(self, ehr, meddling):
        self._ehr, self._meddling = ehr, meddling

    def __getattr__(self, name):
        return getattr(self._ehr, name)

    async def write(self, request, may_leave):
        return await self._meddling.write(self._ehr, request, may_leave)


EDITS = {
    "of something else": (
        {"note": [{"text": "Spoke with the family."}]},
        "2026-06-30",
        "2026-07-31",
        Status.VERIFIED,
        [],
    ),
    "of the same, alike": ({}, "2026-07-31", "2026-07-31", Status.OBSOLETE, []),
    "of the same, differently": ({}, "2026-08-31", "2026-08-31", Status.OBSOLETE, ["2026-06-30"]),
}


@pytest.mark.parametrize("after_look", [False, True], ids=["before our look", "after our look"])
@pytest.mark.parametrize(("more", "saved", "due", "status", "asked"), EDITS.values(), ids=EDITS)
async def test_once_an_edit_beside_ours_is_decided_nothing_says_anymore_that_it_is_contested(
    tmp_path, more, saved, due, status, asked, after_look
):
    """Nobody has to wake the person again: the run that looked at what changed says how it stands now."""
    async with told(two_programs(tmp_path, 'if_match = "honored"')) as story:
        await story.sync()
        story.move("2026-04-09T12:00:00Z")
        edit = a_goal("c-1", due=saved) | more
        await story.sync(ehrs=Meddling(story, "ced", edit, after_look=after_look))
        assert "write.contested" not in [one.code for one in await story.open_findings()]
        assert story.held("ced", "Goal")[0]["target"] == [{"dueDate": due}]
        assert [one.status for one in await story.entries()] == [status]
        assert [one.facts.get("base") for one in await story.open_findings()] == asked
        assert await story.is_quiet()


@pytest.mark.parametrize("versions", ["true", "false"])
async def test_an_ehr_that_takes_changes_only_is_brought_up_to_date_by_patch(tmp_path, versions):
    world = two_programs(tmp_path, "")
    takes = NATIVE | {"Goal": [*READ, "patch"]}
    held = [a_goal("c-1", due="2026-06-30")]
    world.ehr("ced", held, takes=takes, personality=f'if_match = "ignored"\nversion_ids = {versions}')
    async with told(world) as story:
        await story.sync()
        story.move("2026-04-09T12:00:00Z")
        await story.sync()
        assert [(one[0], one[2]) for one in story.writes("ced")] == [("PATCH", 200)]
        assert story.held("ced", "Goal")[0]["target"] == [{"dueDate": "2026-07-31"}]
        assert await story.stands() == {("ced", "goal"): "verified"}
        assert await story.is_quiet()
