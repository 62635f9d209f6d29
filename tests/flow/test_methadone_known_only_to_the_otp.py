"""Methadone is given at the OTP alone: with a consent the family physician is told, without one nothing is guessed."""

from tests.builders import a_consent, an_administration, an_episode
from tests.flow.story import NATIVE, READ_ONLY, WorldFolder, told

DOSES = [an_administration(f"A-{day}", at=f"2026-03-{day}T07:00:00-04:00") for day in range(25, 32)]
ENROLLED = an_episode("O-1", level="3e OTP", start="2026-01-05")


def ana(tmp_path, *records, consent, takes=READ_ONLY):
    world = WorldFolder(tmp_path / "world", now="2026-04-03T12:00:00Z")
    world.ehr("otp", [ENROLLED, *records], takes=takes)
    world.ehr("pcp", takes=NATIVE, part2=False)
    if consent:
        world.consent(a_consent("C-1", discloser="otp", recipient="pcp"))
    return world


async def test_days_without_a_dose_are_no_stop_and_the_physician_is_told_once(tmp_path):
    async with told(ana(tmp_path, *DOSES, consent=True)) as story:
        await story.sync()
        (course,) = (await story.account())["courses"]
        assert (course["ingredient"], course["last_seen"]) == ("methadone", "2026-03-31")
        assert (course["dose"]["value"], course["dose"]["unit"], course["status"]) == (85, "mg", "active")
        (statement,) = story.held("pcp", "MedicationStatement")
        assert statement["status"] == "active"
        assert {one["code"] for one in statement["meta"]["security"]} >= {"42CFRPart2", "R"}
        assert story.writes("otp") == []
        assert len(await story.disclosures()) == 1
        assert await story.is_quiet()


async def test_without_a_consent_the_physician_s_record_stays_as_if_no_otp_were_there(tmp_path):
    async with told(ana(tmp_path, *DOSES, consent=False)) as story:
        await story.sync()
        assert (story.held("pcp", "MedicationStatement"), story.writes("pcp")) == ([], [])
        assert await story.disclosures() == []


async def test_an_otp_that_shows_no_doses_leaves_what_is_taken_unknown_and_never_nothing(tmp_path):
    async with told(ana(tmp_path, consent=True, takes={"MedicationAdministration": []})) as story:
        await story.sync()
        assert (await story.account())["courses"] == []
        assert [(one.code, one.urgency) for one in await story.open_findings()] == [("mat.unknown", "soon")]
        assert story.writes("pcp") == []
        assert await story.is_quiet()
