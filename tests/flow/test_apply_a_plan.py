"""A plan that a person has read is sent as it was read, or not at all."""

import json
from urllib.request import Request, urlopen

import pytest

from coordinator.errors import InvalidInput
from coordinator.sync.planned import planned, read_plan, write_plan
from coordinator.sync.run import apply_plan
from tests.builders import a_consent, a_goal
from tests.flow.conftest import served
from tests.flow.story import WorldFolder, told

DUE = {"due": "2026-07-31"}


def two_programs(tmp_path, **more):
    world = WorldFolder(tmp_path / "world", **more)
    goals = [a_goal(f"g-{n}", text=f"Learn skill {n}") for n in range(2)]
    world.ehr(
        "iop", goals, later={"2026-04-08T00-00Z": [a_goal(f"g-{n}", text=f"Learn skill {n}", **DUE) for n in (0, 1)]}
    )
    world.ehr("ced", [a_goal(f"c-{n}", text=f"Learn skill {n}") for n in range(2)])
    world.consent(a_consent("C-1", discloser="iop", recipient="ced"))
    return world


async def a_plan(story):
    """Agree on the goals, let the program move both dates, and plan what follows without sending it."""
    await story.sync()
    story.move("2026-04-09T12:00:00Z")
    _, held_up = await apply_plan(story.store, story.ehrs, story.clock, plan=read_plan(OTHER, "t"))
    assert [one.why for one in held_up] == ["it is owed no longer"]
    assert story.writes("ced") == []
    return planned(await story.entries())


OTHER = b'{"format": "coordinator-plan-1", "tenant": "t", "writes": [{"key": "x", "ehr": "ced", "matter": ""}]}'


async def applied(story, plan):
    report, has_moved = await apply_plan(
        story.store, story.ehrs, story.clock, plan=read_plan(write_plan(plan, "t"), "t")
    )
    return report.applied, report.verified, sorted(one.why for one in has_moved)


async def test_a_plan_is_sent_as_it_was_read(tmp_path):
    async with told(two_programs(tmp_path)) as story:
        plan = await a_plan(story)
        assert await applied(story, plan) == (2, 2, [])
        assert sorted(one[1] for one in story.writes("ced")) == ["Goal/c-0", "Goal/c-1"]
        async with story.store.transaction() as tx:
            run = max(await tx.runs.runs(limit=9), key=lambda one: one.number)
        assert (run.work, run.outcome.value, run.read, run.unchanged) == (
            "apply",
            "done",
            8,
            6,
        )  # six by pulls, two read back
        assert await applied(story, plan) == (0, 0, ["it was sent since"] * 2)


async def test_a_part_of_a_plan_is_sent_and_no_more(tmp_path):
    async with told(two_programs(tmp_path)) as story:
        plan = await a_plan(story)
        assert await applied(story, plan[:1]) == (1, 1, [])
        assert len(story.writes("ced")) == 1


MOVES = {
    "somebody saved the record": (
        lambda story: story.save("ced", a_goal("c-0", text="Learn skill 0") | {"note": [{"text": "seen"}]}),
        "something else is owed now",
    ),
    "another date is agreed": (
        lambda story: story.save("iop", a_goal("g-0", text="Learn skill 0", due="2026-08-31")),
        "something else is owed now",
    ),
    "the EHR has it by itself": (
        lambda story: story.save("ced", a_goal("c-0", text="Learn skill 0", **DUE)),
        "it is owed no longer",
    ),
    "the EHR is down": (
        lambda story: story.fault("ced", "down", **{"from": "2026-04-09T00:00:00Z", "to": "2026-04-20T00:00:00Z"}),
        "its EHR can't be worked with now",
    ),
}


@pytest.mark.parametrize(("move", "why"), MOVES.values(), ids=MOVES)
async def test_where_one_write_has_moved_none_is_sent(tmp_path, move, why):
    async with told(two_programs(tmp_path)) as story:
        plan = await a_plan(story)
        move(story)
        sent, _, has_moved = await applied(story, plan)
        assert (sent, set(has_moved)) == (0, {why})
        assert story.writes("ced") == []


async def test_a_plan_outlives_no_consent(tmp_path):
    async with told(two_programs(tmp_path)) as story:
        plan = await a_plan(story)
        await story.revoke("C-1")
        sent, _, has_moved = await applied(story, plan)
        assert (sent, story.writes("ced")) == (0, [])
        assert all("withheld" in one for one in has_moved)


REFUSED = {
    "not JSON": (b"{", "not sound JSON"),
    "something else": (b'{"resourceType": "Bundle"}', "no plan"),
    "another tenant's": (OTHER.replace(b'"t"', b'"u"'), "another tenant"),
    "nothing": (b'{"format": "coordinator-plan-1", "tenant": "t", "writes": []}', "no writes"),
    "half a write": (b'{"format": "coordinator-plan-1", "tenant": "t", "writes": [{"key": "x"}]}', "Write 1"),
    "no write": (b'{"format": "coordinator-plan-1", "tenant": "t", "writes": [1]}', "Write 1"),
}


@pytest.mark.parametrize(("raw", "says"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_plan_is_refused(raw, says):
    with pytest.raises(InvalidInput, match=says):
        read_plan(raw, "t")


def test_the_commands_keep_a_plan_and_apply_it_once(coordinator, tmp_path):
    world = two_programs(tmp_path, now="2026-04-07T12:00:00Z").finish()
    file = tmp_path / "plan.json"
    with served(world, coordinator.home) as place:
        coordinator("sandbox", "connect", world)
        coordinator("sync")
        _move(place["control"], "2026-04-09T12:00:00Z")
        coordinator("apply", _written(tmp_path / "other.json", coordinator.tenant))  # looks, and sends nothing
        kept = coordinator("plan", "--out", file)
        first = coordinator("apply", file)
        again = coordinator("apply", file)
        as_json = coordinator("apply", file, "--json")
        lost = coordinator("apply", tmp_path / "none.json")
        nowhere = coordinator("plan", "--out", tmp_path / "no" / "plan.json")
    assert ("2 writes planned" in kept.out, file.stat().st_mode & 0o777) == (True, 0o600)
    assert ("applied: 2, verified: 2" in first.out, first.code) == (True, 0)
    assert ("Nothing was sent" in again.out, "it was sent since" in again.out, again.code) == (True, True, 1)
    assert [one["why"] for one in json.loads(as_json.out)["moved"]] == ["it was sent since"] * 2
    assert (lost.code, nowhere.code) == (2, 2)


def _written(place, tenant):
    place.write_bytes(OTHER.replace(b'"t"', json.dumps(tenant).encode()))
    return place


def _move(control, now):
    with urlopen(Request(f"{control}/clock", data=json.dumps({"now": now}).encode(), method="POST")) as answer:  # noqa: S310
        assert answer.status == 200
