"""The family physician refers Ana to an IOP, which accepts; weeks later it shows no stay of hers."""

from tests.builders import DIRECTORY, an_episode
from tests.flow.story import READ, READ_ONLY, WorldFolder, told

REFERRAL = {
    "resourceType": "Task",
    "id": "T-1",
    "identifier": [{"system": "https://pcp.example/referrals", "value": "R-1"}],
    "status": "accepted",
    "intent": "order",
    "focus": {"reference": "ServiceRequest/S-1"},
    "for": {"reference": "Patient/p-1"},
    "owner": {"identifier": {"system": DIRECTORY, "value": "iop"}},
    "authoredOn": "2026-03-01T10:00:00-05:00",
    "lastModified": "2026-03-04T10:00:00-05:00",
}
WAITING = an_episode("I-1", status="waitlist", start=None)
ADMITTED = an_episode("I-1", start="2026-04-13")


def ana(tmp_path, later=None):
    world = WorldFolder(tmp_path / "world", now="2026-03-18T12:00:00Z")
    world.ehr("pcp", [REFERRAL], takes=READ_ONLY, part2=False)
    world.ehr("iop", [REFERRAL | {"id": "IT-7"}], takes={"ServiceRequest": READ}, later=later)
    return world


async def test_an_accepted_referral_that_led_nowhere_is_told_once_for_both_records_of_it(tmp_path):
    async with told(ana(tmp_path)) as story:
        await story.sync()
        assert await story.open_findings() == []
        assert [one["state"] for one in (await story.account())["enrollments"]] == ["referred"]

        story.move("2026-03-19T12:00:00Z")
        await story.sync()
        (found,) = await story.open_findings()
        assert (found.code, found.urgency) == ("referral.not-admitted", "soon")
        assert found.facts == {"organization": "iop", "days": 14}
        assert found.evidence == ("iop/Task/IT-7@1", "pcp/Task/T-1@1")
        assert (await story.account())["timeline"] == []
        assert (story.writes("pcp"), story.writes("iop")) == ([], [])
        assert await story.is_quiet()


async def test_whoever_waits_for_a_place_or_was_admitted_is_not_looked_for(tmp_path):
    later = {"2026-03-20T00-00Z": [WAITING], "2026-04-13T12-00Z": [ADMITTED]}
    async with told(ana(tmp_path, later)) as story:
        story.move("2026-03-21T12:00:00Z")
        await story.sync()
        assert await story.open_findings() == []
        assert [one["state"] for one in (await story.account())["enrollments"]] == ["waitlisted"]
        story.move("2026-04-14T12:00:00Z")
        await story.sync()
        account = await story.account()
        assert [(one["kind"], one["on"]) for one in account["transitions"]] == [
            ("admission", ["2026-04-13", "2026-04-13"])
        ]
        assert [one["state"] for one in account["enrollments"]] == ["enrolled"]
        assert await story.open_findings() == []
