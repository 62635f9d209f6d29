"""A payer has bills of an IOP that shows nothing yet; then the program writes its own record of the stay."""

from tests.builders import DIRECTORY, an_episode
from tests.flow.story import READ, WorldFolder, told

HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
STAY = an_episode("I-1", start="2026-03-02")


def a_bill(number, day, *, code="H0015", use="claim", **more):
    return {
        "resourceType": "ExplanationOfBenefit",
        "id": number,
        "status": "active",
        "type": {"text": "professional"},
        "use": use,
        "patient": {"reference": "Patient/p-1"},
        "created": f"{day}T12:00:00Z",
        "insurer": {"display": "a payer"},
        "provider": {"identifier": {"system": DIRECTORY, "value": "iop"}},
        "outcome": "complete",
        "insurance": [{"focal": True, "coverage": {"display": "a plan"}}],
        "item": [
            {
                "sequence": 1,
                "productOrService": {"coding": [{"system": HCPCS, "code": code}]},
                "servicedDate": day,
            }
        ],
    } | more


BILLS = [a_bill("B-1", "2026-03-03"), a_bill("B-2", "2026-03-05")]
ALLOWED = a_bill("B-9", "2026-02-27", code="S0201", use="preauthorization", preAuthRefPeriod=[{"start": "2026-03-01"}])


async def test_bills_show_a_possible_stay_until_the_program_does_and_never_move_the_timeline(tmp_path):
    world = WorldFolder(tmp_path / "world", now="2026-03-10T12:00:00Z")
    world.ehr("payer", [*BILLS, ALLOWED], takes={"ExplanationOfBenefit": READ}, part2=False)
    world.ehr("iop", later={"2026-03-12T00-00Z": [STAY]})
    async with told(world) as story:
        await story.sync()
        account = await story.account()
        assert [(one["organization"], one["status"], one["possible"], one["start"]) for one in account["timeline"]] == [
            ("iop", "unknown", True, ["2026-03-03", "2026-03-03"])
        ]
        assert (account["transitions"], await story.open_findings()) == ([], [])
        assert await story.is_quiet()

        story.move("2026-03-13T12:00:00Z")
        await story.sync()
        account = await story.account()
        assert [(one["status"], one.get("possible"), one["start"][0]) for one in account["timeline"]] == [
            ("active", False, "2026-03-02")
        ]
        assert [one["kind"] for one in account["transitions"]] == ["admission"]
        assert await story.open_findings() == []

        story.move("2026-03-18T12:00:00Z")
        await story.sync()
        (found,) = await story.open_findings()
        assert (found.code, found.facts["authorized"], found.urgency) == (
            "level.authorized-differs",
            {"edition": None, "code": "2.5"},
            "routine",
        )
        assert (story.writes("payer"), story.writes("iop")) == ([], [])
        assert await story.is_quiet()
