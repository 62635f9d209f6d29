"""Residential care was recommended first; then Ana steps down to an IOP with its four goals, and comes too seldom."""

from datetime import date, timedelta

from tests.builders import a_consent, a_goal, a_level, a_plan, an_encounter, an_episode, an_observation
from tests.flow.story import NATIVE, READ, WorldFolder, told

SYSTEM = "https://coordinator.example/fhir/CodeSystem/assessment"
ASSESSED = an_observation(
    code={"coding": [{"system": SYSTEM, "code": "asam-dim"}]},
    result=a_level("3e 3.5"),
    ratings={"Dimension 1": "2", "Dimension 3": "3"},
) | {"performer": [{"reference": "Practitioner/d-1"}]}
REASSESSED = an_observation("O-2", at="2026-03-07T10:00:00-05:00", result=a_level("4e 2.1"))
THERE = [
    an_episode("R-1", level="3e 3.5", start="2026-02-02", end="2026-03-06"),
    an_encounter("R-9", start="2026-03-06", class_="IMP", disposition="home"),
    ASSESSED,
    REASSESSED,
]
TEXTS = {
    "G-1": "Maintain abstinence",
    "G-2": "Change behavior",
    "G-3": "Build a support system",
    "G-4": "Learn to solve problems",
}
GOALS = [a_goal(number, text=text) for number, text in TEXTS.items()]
PLAN = a_plan(
    activities={"Counseling": "in-progress", "Family program": "scheduled", "Psychotherapy": "in-progress"}, goals=TEXTS
)


def session(day, hours=3):
    start = f"{day}T09:00:00-04:00" if day >= date(2026, 3, 8) else f"{day}T09:00:00-05:00"
    end = start.replace("T09", f"T{9 + hours:02}")
    return an_encounter(f"N-{day:%m%d}", start=start, end=end, episode="I-1")


def week(monday, days):
    return [session(monday + timedelta(days=each)) for each in range(days)]


FULL, THIN, THINNER = week(date(2026, 3, 9), 3), week(date(2026, 3, 16), 2), week(date(2026, 3, 23), 1)


def ana(tmp_path):
    world = WorldFolder(tmp_path / "world", now="2026-03-16T12:00:00Z")
    world.ehr("res", THERE, takes={"Observation": READ})
    care = [an_episode("I-1", start="2026-03-09"), PLAN, *GOALS, *FULL]
    later = {"2026-03-22T00-00Z": THIN, "2026-03-29T00-00Z": THINNER}
    world.ehr("iop", care, takes={**NATIVE, "Observation": READ}, later=later)
    world.consent(a_consent("C-1", discloser="res", recipient="iop"))
    return world


async def test_the_step_down_its_four_goals_and_why_residential_care_came_first_are_one_account(tmp_path):
    async with told(ana(tmp_path)) as story:
        await story.sync()
        account = await story.account()
        assert [(one["kind"], one["rule"], one["gap_days"], one["in_time"]) for one in account["transitions"]] == [
            ("admission", None, None, None),
            ("step-down", "TR-05", [3, 3], True),
        ]
        (eligible,) = account["eligibility"]
        assert eligible["residential_first"] == {
            "recorded": ["res/Observation/O-1@1"],
            "stay": "res/EpisodeOfCare/R-1",
        }
        assert [(one["dimension"], one["value"]) for one in eligible["recorded"][0]["ratings"]] == [
            ("Dimension 1", "2"),
            ("Dimension 3", "3"),
        ]
        assert sorted(one["text"] for one in account["plan"]["goals"]) == sorted(TEXTS.values())
        assert [one["text"] for one in account["plan"]["activities"]] == [
            "Counseling",
            "Family program",
            "Psychotherapy",
        ]
        assert await story.open_findings() == []
        assert await story.is_quiet()


async def test_one_short_week_is_watched_and_the_second_in_a_row_is_a_question(tmp_path):
    async with told(ana(tmp_path)) as story:
        story.move("2026-03-23T12:00:00Z")
        await story.sync()
        assert [(one["hours"], one["status"]) for one in (await story.account())["weeks"]] == [(9, "met"), (6, "watch")]
        assert await story.open_findings() == []

        story.move("2026-03-30T12:00:00Z")
        await story.sync()
        assert [one["status"] for one in (await story.account())["weeks"]] == ["met", "watch", "short"]
        (found,) = await story.open_findings()
        assert (found.code, found.urgency) == ("attendance.below-level", "soon")
        assert [(one["from"], str(one["hours"]), str(one["asked"])) for one in found.facts["weeks"]] == [
            ("2026-03-16", "6", "9"),
            ("2026-03-23", "3", "9"),
        ]
        assert (await story.account())["timeline"][1]["end"] is None
        assert (story.writes("res"), story.writes("iop")) == ([], [])
        assert await story.is_quiet()
