"""Gwen is on leave from her IOP, in a hospital, back, leaves against advice, and comes back three weeks later."""

from tests.builders import an_encounter, an_episode
from tests.flow.story import READ_ONLY, WorldFolder, told

ENROLLED = an_episode("I-1", level="4e 2.1", start="2026-02-02")
SESSION = an_encounter("N-1", start="2026-04-06T09:00:00-04:00", end="2026-04-06T12:00:00-04:00", episode="I-1")
AWAY = an_episode(
    "I-1", level="4e 2.1", start="2026-02-02", status="onhold", history=[("active", "2026-02-02", "2026-04-08")]
)
BACK = an_episode(
    "I-1",
    level="4e 2.1",
    start="2026-02-02",
    history=[("active", "2026-02-02", "2026-04-08"), ("onhold", "2026-04-08", "2026-04-15")],
)
LEFT = an_episode(
    "I-1",
    level="4e 2.1",
    start="2026-02-02",
    end="2026-04-20",
    ended="against-advice",
    history=[("onhold", "2026-04-08", "2026-04-15")],
)
AGAIN = an_episode("I-2", level="4e 2.1", start="2026-05-11")


def gwen(tmp_path):
    world = WorldFolder(tmp_path / "world")
    later = {
        "2026-04-09T00-00Z": [AWAY],
        "2026-04-16T00-00Z": [BACK],
        "2026-04-21T00-00Z": [LEFT],
        "2026-05-12T00-00Z": [AGAIN],
    }
    world.ehr("iop", [ENROLLED, SESSION], later=later)
    night = an_encounter("H-1", start="2026-04-09", end="2026-04-13", class_="IMP", disposition="home")
    world.ehr("pcp", [], takes=READ_ONLY, later={"2026-04-14T00-00Z": [night]})
    return world


async def moves(story):
    await story.sync()
    return [(one["kind"], one["reason"], one["on"][0]) for one in (await story.account())["transitions"]]


async def test_a_leave_is_no_discharge_and_leaving_against_advice_is_one(tmp_path):
    async with told(gwen(tmp_path)) as story:
        assert await moves(story) == [("admission", None, "2026-02-02")]
        story.move("2026-04-10T12:00:00Z")
        away = [("admission", None, "2026-02-02"), ("leave", "leave", "2026-04-08")]
        assert await moves(story) == away

        story.move("2026-04-17T12:00:00Z")
        back = [away[0], ("leave", "hospital", "2026-04-08"), ("return", "hospital", "2026-04-15")]
        assert await moves(story) == back
        (stay,) = (await story.account())["timeline"]
        assert (stay["end"], stay["pauses"][0]["end"]) == (None, ["2026-04-15", "2026-04-15"])

        story.move("2026-04-22T12:00:00Z")
        out = [*back, ("discharge", "against-advice", "2026-04-20")]
        assert await moves(story) == out

        story.move("2026-05-13T12:00:00Z")
        assert await moves(story) == [*out, ("readmission", None, "2026-05-11")]
        assert (await story.account())["transitions"][-1]["gap_days"] == [21, 21]
        assert "stay.overlap" not in [one.code for one in await story.open_findings()]
        assert (story.writes("iop"), story.writes("pcp")) == ([], [])
        assert await story.is_quiet()
