"""Ana completes an IOP and nothing follows: not a visit, not a request, not her own place in a group."""

from tests.builders import an_appointment, an_episode
from tests.flow.story import READ, WorldFolder, told

SEEN = {"Appointment": READ, "ServiceRequest": READ}
STAY = an_episode("I-1", start="2026-01-05", end="2026-03-20", ended="completed")
HELD = an_appointment("AP-1", start="2026-03-18T09:00:00-04:00", end="2026-03-18T12:00:00-04:00")
ELSE = {"Patient/p-2": (None, None), "Patient/p-3": (None, None)}


def group(number, *, own, answer="accepted"):
    asked = {**ELSE, **({"Patient/p-1": (None, None)} if own else {})}
    start, end = "2026-04-15T09:00:00-04:00", "2026-04-15T12:00:00-04:00"
    made = an_appointment(number, start=start, end=end, status="booked", asked=asked)
    for one in made["participant"]:
        one["status"] = answer if one["actor"]["reference"] == "Patient/p-1" else "accepted"
    return made


def ana(tmp_path, *more, later=None):
    world = WorldFolder(tmp_path / "world", now="2026-03-27T12:00:00Z")
    world.ehr("iop", [STAY, HELD, *more], takes=SEEN, later=later)
    return world


async def test_a_week_after_the_discharge_somebody_is_asked_to_reach_out(tmp_path):
    async with told(ana(tmp_path, group("AP-7", own=False))) as story:
        await story.sync()
        assert await story.open_findings() == []
        story.move("2026-03-28T12:00:00Z")
        await story.sync()
        (found,) = await story.open_findings()
        assert (found.code, found.urgency, found.facts) == (
            "stay.no-next-step",
            "soon",
            {"since": "2026-03-20", "days": 7},
        )
        assert [(one["kind"], one["reason"]) for one in (await story.account())["transitions"]] == [
            ("admission", None),
            ("discharge", "completed"),
        ]
        assert await story.is_quiet()
        await story.resolve("stay.no-next-step", {"seen": True})
        await story.sync()
        assert await story.open_findings() == []


async def test_her_own_place_in_a_group_is_a_next_step_until_she_declines_it(tmp_path):
    later = {"2026-04-01T00-00Z": [group("AP-2", own=True, answer="declined")]}
    async with told(ana(tmp_path, group("AP-2", own=True), later=later)) as story:
        story.move("2026-03-30T12:00:00Z")
        await story.sync()
        assert await story.open_findings() == []
        story.move("2026-04-02T12:00:00Z")
        await story.sync()
        assert [one.code for one in await story.open_findings()] == ["stay.no-next-step"]
        assert "p-2" not in str(await story.account())
        assert await story.is_quiet()
