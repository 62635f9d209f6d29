"""Ana's residential stay was never closed; she was admitted to an IOP four days after her last day of care there."""

from tests.builders import a_consent, an_encounter, an_episode
from tests.flow.story import READ_ONLY, WorldFolder, told

STAY = an_episode("R-101", level="3e 3.5", start="2026-03-02")
CLOSED = [
    an_episode("R-101", level="3e 3.5", start="2026-03-02", end="2026-03-31"),
    an_encounter("R-190", start="2026-03-31", class_="IMP", disposition="home"),
]


def ana(tmp_path):
    world = WorldFolder(tmp_path / "world")
    last_day = an_encounter("R-188", start="2026-03-29", class_="IMP")
    world.ehr("res", [STAY, last_day], takes=READ_ONLY, later={"2026-04-09T00-00Z": CLOSED})
    world.ehr("iop", [an_episode("I-55", level="4e 2.1", start="2026-04-02T09:00:00-04:00")])
    world.consent(a_consent("C-1", discloser="res", recipient="iop"))
    world.consent(a_consent("C-2", discloser="iop", recipient="res"))
    return world


async def test_the_step_down_is_found_and_its_missing_end_is_a_proposal_that_nobody_writes(tmp_path):
    async with told(ana(tmp_path)) as story:
        await story.sync()
        account = await story.account()
        assert account["timeline"][0]["end"] == ["2026-03-29", "2026-04-02"]
        assert [(one["kind"], one["rule"], one["gap_days"], one["in_time"]) for one in account["transitions"]] == [
            ("admission", None, None, None),
            ("step-down", "TR-05", [0, 4], True),
        ]
        assert [one.code for one in await story.open_findings()] == ["stay.end-missing"]
        assert await story.stands() == {("res", "stay-proposal"): "owed"}
        assert (story.writes("res"), story.writes("iop")) == ([], [])
        assert await story.is_quiet()


async def test_a_decided_end_closes_the_card_until_the_program_tells_another(tmp_path):
    async with told(ana(tmp_path)) as story:
        await story.sync()
        await story.resolve("stay.end-missing", {"end": "2026-04-01"})
        await story.sync()
        assert await story.open_findings() == []
        assert (await story.account())["timeline"][0]["end"] == ["2026-04-01", "2026-04-01"]
        assert await story.is_quiet()

        story.move("2026-04-10T12:00:00Z")
        await story.sync()
        (found,) = await story.open_findings()
        assert found.facts["ends"] == [{"date": "2026-03-31", "by": "res"}, {"date": "2026-04-01", "by": "decision"}]
        assert (await story.account())["timeline"][0]["end"] == ["2026-04-01", "2026-04-01"]
        assert ("res", "stay-proposal") not in {
            key for key, stands in (await story.stands()).items() if stands == "owed"
        }

        await story.resolve("stay.end-missing", {"end": "2026-03-31"})
        await story.sync()
        assert await story.open_findings() == []
        assert (await story.account())["timeline"][0]["end"] == ["2026-03-31", "2026-03-31"]
