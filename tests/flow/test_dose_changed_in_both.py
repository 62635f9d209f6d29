"""Ella's buprenorphine was changed by two prescribers in one week: no dose is chosen, summed or written."""

from tests.builders import a_consent, a_dispense, a_statement, an_order
from tests.flow.story import READ_ONLY, WorldFolder, told

CHANGED = [
    an_order("M-1", dose="16 mg", status="stopped"),
    an_order("M-2", dose="24 mg", at="2026-04-10T10:05:00-04:00"),
    a_dispense("D-7", at="2026-04-12T10:00:00-04:00", films=42, days=14),
]


def ella(tmp_path, *, also_in_pcp=True):
    world = WorldFolder(tmp_path / "world", now="2026-04-09T12:00:00Z")
    world.ehr("iop", [an_order("M-1", dose="16 mg")], takes=READ_ONLY, later={"2026-04-12T15-00Z": CHANGED})
    anew = a_statement("P-9", dose="8 mg", at="2026-04-11T15:20:00-04:00")
    world.ehr(
        "pcp",
        [a_statement("P-9", dose="16 mg")],
        part2=False,
        personality='if_match = "ignored"',
        later={"2026-04-12T15-00Z": [anew]} if also_in_pcp else None,
    )
    world.consent(a_consent("C-1", discloser="iop", recipient="pcp"))
    return world


QUESTION = [("POST", "Task", 201)]  # what a prescriber is asked, where the EHR takes a word to its staff


async def test_two_doses_are_one_dispute_and_no_dosage_is_written_anywhere(tmp_path):
    async with told(ella(tmp_path)) as story:
        await story.sync()
        assert (await story.account())["courses"][0]["dose"] == {"value": 16, "unit": "mg", "per": "d"}
        story.move("2026-04-13T12:00:00Z")
        await story.sync()
        (course,) = (await story.account())["courses"]
        assert (course["dose"], course["covered"]) == ("disputed", [["2026-04-12", "2026-04-25"]])
        (found,) = await story.open_findings()
        assert [(one["ehr"], one["value"], one["agrees_with"]) for one in found.facts["doses"]] == [
            ("iop", 24, ["iop/MedicationDispense/D-7"]),
            ("pcp", 8, []),
        ]
        assert (story.writes("iop"), story.writes("pcp")) == ([], QUESTION)
        assert await story.is_quiet()


async def test_the_decided_dose_is_written_once_and_only_where_it_is_not_said_already(tmp_path):
    async with told(ella(tmp_path)) as story:
        await story.sync()
        story.move("2026-04-13T12:00:00Z")
        await story.sync()
        await story.resolve("mat.dose-differs", {"accept": "iop/MedicationRequest/M-2"})
        await story.sync()
        assert (story.writes("iop"), story.writes("pcp")) == ([], [*QUESTION, ("PUT", "MedicationStatement/P-9", 200)])
        (statement,) = story.held("pcp", "MedicationStatement")
        assert statement["dosage"][0]["text"] == "24 mg daily"
        assert (await story.account())["courses"][0]["dose"]["value"] == 24
        assert await story.open_findings() == []
        assert await story.is_quiet()


async def test_a_dose_changed_by_one_prescriber_reaches_the_other_s_list(tmp_path):
    async with told(ella(tmp_path, also_in_pcp=False)) as story:
        await story.sync()
        story.move("2026-04-13T12:00:00Z")
        await story.sync()
        (statement,) = story.held("pcp", "MedicationStatement")
        assert (statement["dosage"][0]["text"], await story.open_findings()) == ("24 mg daily", [])
        assert await story.is_quiet()


async def test_a_later_change_to_the_dose_that_was_overruled_is_news(tmp_path):
    """The answer of April ended the dispute of April; in May the physician means it."""
    world = ella(tmp_path)
    again = a_statement("P-9", dose="8 mg", at="2026-05-11T15:20:00-04:00")
    world._records("pcp/changes/2026-05-11T20-00Z.ndjson", [again])
    async with told(world) as story:
        await story.sync()
        story.move("2026-04-13T12:00:00Z")
        await story.sync()
        await story.resolve("mat.dose-differs", {"accept": "iop/MedicationRequest/M-2"})
        await story.sync()
        written = len(story.writes("pcp"))
        story.move("2026-05-12T12:00:00Z")
        await story.sync()
        (statement,) = story.held("pcp", "MedicationStatement")
        assert (statement["dosage"][0]["text"], len(story.writes("pcp"))) == ("8 mg daily", written)
