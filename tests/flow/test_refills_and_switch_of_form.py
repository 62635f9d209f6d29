"""Ana refills early, then changes from films to tablets: coverage follows, and nobody is written to for each supply."""

from tests.builders import a_consent, a_dispense, an_administration, an_order
from tests.flow.story import READ_ONLY, WorldFolder, told

TABLET = "351267"  # buprenorphine 8 MG / naloxone 2 MG Sublingual Tablet
ORDER = an_order("M-1", dose="16 mg", at="2026-03-04T09:00:00-05:00")
FIRST = a_dispense("D-1", at="2026-03-04T10:00:00-05:00")
EARLY = a_dispense("D-2", at="2026-03-11T10:00:00-04:00")
ANOTHER = a_dispense("D-3", at="2026-03-25T10:00:00-04:00")
SWITCHED = [
    an_order("M-1", dose="16 mg", at="2026-03-04T09:00:00-05:00", status="stopped"),
    an_order("M-2", dose="16 mg", code=TABLET, at="2026-04-06T09:00:00-04:00"),
    a_dispense("D-4", at="2026-04-06T10:00:00-04:00", code=TABLET) | {"quantity": {"value": 28, "unit": "tablet"}},
]


def ana(tmp_path, *, source="iop", now="2026-03-12T12:00:00Z", records=(), later=None):
    world = WorldFolder(tmp_path / "world", now=now)
    world.ehr(source, records, takes=READ_ONLY, later=later)
    world.ehr("pcp", part2=False)
    world.consent(a_consent("C-1", discloser=source, recipient="pcp"))
    return world


def courses(account):
    return {one["form"]: one for one in account["courses"]}


async def test_an_early_refill_extends_the_days_covered_and_is_no_news_to_others(tmp_path):
    later = {"2026-03-25T15-00Z": [ANOTHER]}
    async with told(ana(tmp_path, records=[ORDER, FIRST, EARLY], later=later)) as story:
        await story.sync()
        assert courses(await story.account())["SL film"]["covered"] == [["2026-03-04", "2026-03-31"]]
        assert story.writes("pcp") == [("POST", "MedicationStatement", 201)]
        story.move("2026-03-26T12:00:00Z")
        await story.sync()
        film = courses(await story.account())["SL film"]
        assert (film["covered"], film["gaps"]) == ([["2026-03-04", "2026-04-14"]], [])
        assert (film["taking"]["status"], film["taking"]["basis"]) == ("presumed", "supply")
        assert story.writes("pcp") == [("POST", "MedicationStatement", 201)]
        assert await story.open_findings() == []
        assert await story.is_quiet()


async def test_a_planned_switch_of_form_is_no_duplicate_and_both_statements_say_so(tmp_path):
    records = [ORDER, FIRST, EARLY, ANOTHER]
    world = ana(tmp_path, now="2026-04-01T12:00:00Z", records=records, later={"2026-04-06T15-00Z": SWITCHED})
    async with told(world) as story:
        await story.sync()
        story.move("2026-04-16T12:00:00Z")
        await story.sync()
        made = courses(await story.account())
        assert made["SL tablet"]["switched_from"] == {
            "course": "course:buprenorphine/naloxone|SL film",
            "day": "2026-04-06",
            "crossover_days": 9,
        }
        assert [(made[form]["status"]) for form in ("SL film", "SL tablet")] == ["stopped", "active"]
        assert await story.open_findings() == []
        held = {
            one["medicationCodeableConcept"]["coding"][0]["code"]: one
            for one in story.held("pcp", "MedicationStatement")
        }
        assert {code: one["status"] for code, one in held.items()} == {"1010604": "stopped", TABLET: "active"}
        assert await story.is_quiet()


async def test_a_dose_given_each_day_is_written_once_and_cited_by_the_first_and_the_latest(tmp_path):
    """What an OTP gives daily would else be a write a day to everybody who may know of it."""
    given = [an_administration(f"A-{day}", at=f"2026-03-{day:02}T07:00:00-04:00") for day in range(9, 32)]
    later = {f"2026-03-{day}T14-00Z": [given[day - 9]] for day in range(13, 32)}
    world = ana(tmp_path, source="otp", records=given[:4], later=later)
    async with told(world) as story:
        await story.sync()
        for day in (13, 14, 20, 31):
            story.move(f"2026-03-{day}T18:00:00Z")
            await story.sync()
        assert story.writes("pcp") == [("POST", "MedicationStatement", 201)]
        (statement,) = story.held("pcp", "MedicationStatement")
        cited = [one["identifier"]["value"] for one in statement["derivedFrom"]]
        assert cited == ["otp/MedicationAdministration/A-9", "otp/MedicationAdministration/A-12"]
        (course,) = (await story.account())["courses"]
        assert (course["last_seen"], len(course["evidence"])) == ("2026-03-31", 23)
        assert await story.is_quiet()
