"""Ana is dosed at one opioid treatment program while another has enrolled her, too; neither knows of the other."""

from tests.builders import a_consent, an_administration, an_episode
from tests.flow.story import READ_ONLY, WorldFolder, told

HERE = an_episode("O-1", level="3e OTP", start="2026-01-05")
THERE = an_episode("T-1", level="3e OTP", start="2026-03-20")
LEFT = an_episode("O-1", level="3e OTP", start="2026-01-05", end="2026-03-20")
DOSES = [an_administration(f"A-{day}", at=f"2026-04-0{day}T07:00:00-04:00") for day in (1, 2, 3, 4, 5, 6)]


def ana(tmp_path, *, consents=()):
    world = WorldFolder(tmp_path / "world")
    world.ehr("otp", [HERE, *DOSES], takes=READ_ONLY, later={"2026-04-08T00-00Z": [LEFT]})
    world.ehr("ot2", [THERE], takes=READ_ONLY)
    for consent in consents:
        world.consent(consent)
    return world


async def test_two_programs_at_once_are_one_urgent_question_and_neither_stay_is_ended_by_us(tmp_path):
    """42 CFR 2.34: enrollment in two is looked into by people; silence between them ends neither."""
    async with told(ana(tmp_path)) as story:
        await story.sync()
        account = await story.account()
        assert [(one["organization"], one["end"], one["status"]) for one in account["timeline"]] == [
            ("otp", None, "active"),
            ("ot2", None, "active"),
        ]
        (found,) = await story.open_findings()
        assert (found.code, found.urgency, found.facts["calendar_days"]) == ("otp.double-enrollment", "urgent", 19)
        assert found.evidence == ("ot2/EpisodeOfCare/T-1@1", "otp/EpisodeOfCare/O-1@1")
        assert await story.stands() == {("ot2", "medication"): "withheld: no-consent"}
        assert (story.writes("otp"), story.writes("ot2")) == ([], [])
        assert await story.is_quiet()

        story.move("2026-04-09T12:00:00Z")
        await story.sync()
        assert "otp.double-enrollment" not in [one.code for one in await story.open_findings()]
        assert [one["end"] for one in (await story.account())["timeline"]] == [["2026-03-20", "2026-03-20"], None]


async def test_without_a_consent_neither_program_is_told_a_byte_of_the_other(tmp_path):
    async with told(ana(tmp_path, consents=[a_consent("C-1", discloser="otp", recipient="pcp")])) as story:
        await story.sync()
        assert await story.disclosures() == []
        assert (story.writes("otp"), story.writes("ot2")) == ([], [])
