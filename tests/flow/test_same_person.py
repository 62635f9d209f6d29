"""Ana or two Anas: joined by a person's word, parted again, merged by an EHR; nothing leaves over a possible link."""

from tests.builders import a_consent, a_goal, a_patient, a_statement, an_administration, an_episode
from tests.flow.story import NATIVE, READ_ONLY, WorldFolder, told

ELSEWHERE = {"telecom": [{"system": "phone", "value": "+1-518-555-0199"}]}


def world_of(tmp_path, *, later=None):
    """Return a world in which nothing but name and birth date is shared by the records of two EHRs."""
    world = WorldFolder(tmp_path / "world")
    world.ehr("otp", [an_administration()], takes=READ_ONLY, patients=[a_patient(mrn="O-1")])
    world.ehr("pcp", part2=False, patients=[a_patient(mrn="P-1", **ELSEWHERE)], later=later)
    world.consent(a_consent("C-1", discloser="otp", recipient="pcp", mrn="O-1"))
    return world


async def persons(story):
    async with story.store.transaction() as tx:
        links = await tx.people.links()
    found = {}
    for link in links:
        found.setdefault(link.person, set()).add(link.ehr)
    return sorted(map(sorted, found.values()))


async def codes(story):
    return sorted(one.code for one in await story.open_findings())


async def test_a_possible_match_is_one_question_told_feature_by_feature_and_without_values(tmp_path):
    async with told(world_of(tmp_path)) as story:
        await story.sync()
        assert await persons(story) == [["otp"], ["pcp"]]
        (found,) = await story.open_findings()
        assert (found.code, found.rules) == ("identity.possible", ("ID-14",))
        levels = {one["feature"]: (one["agreement"], one["bits"]) for one in found.facts["features"]}
        assert levels == {
            "birth date": ("same", "14.2"),
            "family name": ("same", "9.8"),
            "given name": ("same", "6.4"),
            "phone": ("differs", "-1.7"),
        }
        assert (found.facts["bits"], found.facts["possible_from"], found.facts["certain_from"]) == ("28.7", "18", "33")
        assert not {"Ruiz", "Ana", "1991-04-12"} & set(str(dict(found.facts)).replace("'", " ").split())
        assert await story.is_quiet()


async def test_nothing_is_told_across_a_possible_link(tmp_path):
    async with told(world_of(tmp_path)) as story:
        await story.sync()
        assert (story.writes("pcp"), story.writes("otp"), await story.disclosures()) == ([], [], [])
        assert await story.stands() == {}
        async with story.store.transaction() as tx:
            for link in await tx.people.links():
                account = await tx.accounts.account(link.person)
                assert account is not None
                other = {"otp": b"pcp/", "pcp": b"otp/"}[link.ehr]
                assert other not in account.body


async def test_joined_by_a_persons_word_and_parted_again_both_accounts_are_as_before(tmp_path):
    async with told(world_of(tmp_path)) as story:
        await story.sync()
        before = await story.accounts()
        await story.answer("identity.possible", {"same": True})
        await story.sync()
        assert await persons(story) == [["otp", "pcp"]]
        assert [method for method, *_ in story.writes("pcp")] == ["POST"]
        await story.answer("identity.possible", {"same": False}, status="resolved")
        await story.sync()
        assert await persons(story) == [["otp"], ["pcp"]]
        assert await story.accounts() == before
        assert await story.is_quiet()


async def test_what_was_written_while_they_were_joined_needs_a_person_and_stays_where_it_is(tmp_path):
    async with told(world_of(tmp_path)) as story:
        await story.sync()
        await story.answer("identity.possible", {"same": True})
        await story.sync()
        (statement,) = story.held("pcp", "MedicationStatement")
        await story.answer("identity.possible", {"same": False}, status="resolved")
        await story.sync()
        (found,) = await story.open_findings()
        assert (found.code, found.urgency, found.facts["ehr"]) == ("disclosure.wrong-person", "urgent", "pcp")
        assert [one.partition("@")[0] for one in found.evidence] == ["otp/MedicationAdministration/A-1"]
        assert found.facts["sent"] == [row.at.isoformat() for row in await story.disclosures()]
        assert story.held("pcp", "MedicationStatement") == [statement]
        assert [method for method, *_ in story.writes("pcp")] == ["POST"]
        await story.answer("disclosure.wrong-person", {"seen": True})
        await story.sync()
        assert await story.open_findings() == []
        assert await story.is_quiet()


async def test_who_was_told_apart_is_asked_about_again_only_when_what_was_compared_changes(tmp_path):
    moved = a_patient(mrn="P-1", **ELSEWHERE, address=[{"line": ["9 Oak Road"], "city": "Troy", "state": "NY"}])
    same_phone = a_patient(mrn="P-1")
    later = {"2026-04-08T00-00Z": [moved], "2026-04-09T00-00Z": [same_phone]}
    async with told(world_of(tmp_path, later=later)) as story:
        await story.sync()
        await story.answer("identity.possible", {"same": False})
        await story.sync()
        story.move("2026-04-08T12:00:00Z")
        await story.sync()
        assert await codes(story) == []
        story.move("2026-04-09T12:00:00Z")
        await story.sync()
        (found,) = await story.open_findings()
        assert (found.code, found.facts["agreement"], found.rules) == (
            "identity.possible",
            "certain",
            ("ID-09", "ID-22"),
        )
        assert await persons(story) == [["otp"], ["pcp"]]
        assert await story.is_quiet()


async def test_a_merge_by_an_ehr_is_followed_told_and_undone_with_it(tmp_path):
    other = a_patient(
        "p-2", mrn="P-2", name=[{"family": "Ruis", "given": ["Anna"]}], birthDate="1991-04-21", telecom=[]
    )
    merged = other | {"active": False, "link": [{"other": {"reference": "Patient/p-1"}, "type": "replaced-by"}]}
    world = WorldFolder(tmp_path / "world")
    world.ehr("iop", [a_goal(due="2026-06-30")], patients=[a_patient(mrn="I-1")])
    world.ehr(
        "ced",
        [an_episode("E-2", patient="p-2")],
        takes=NATIVE,
        patients=[a_patient(mrn="C-1"), other],
        later={"2026-04-08T00-00Z": [merged], "2026-04-09T00-00Z": [other]},
    )
    async with told(world) as story:
        await story.sync()
        before = await story.accounts()
        assert await persons(story) == [["ced"], ["ced", "iop"]]
        story.move("2026-04-08T12:00:00Z")
        await story.sync()
        assert await persons(story) == [["ced", "iop"]]
        (found,) = [one for one in await story.open_findings() if one.code == "identity.merged-at-source"]
        assert (found.facts["from"], found.facts["into"]) == ("ced/Patient/p-2", "ced/Patient/p-1")
        assert (await story.account())["timeline"][0]["evidence"][0].startswith("ced/EpisodeOfCare/E-2")
        story.move("2026-04-09T12:00:00Z")
        await story.sync()
        assert await persons(story) == [["ced"], ["ced", "iop"]]
        assert set(before) == set(await story.accounts())
        assert "identity.merged-at-source" not in await codes(story)
        assert await story.is_quiet()


async def test_what_was_decided_while_joined_goes_with_the_records_that_it_is_about(tmp_path):
    world = WorldFolder(tmp_path / "world")
    ended = an_episode("E-1", start="2026-03-01", end="2026-03-20", status="finished")
    world.ehr("res", [ended], takes=READ_ONLY, patients=[a_patient(mrn="R-1")])
    world.ehr("pcp", [a_statement("P-9")], part2=False, patients=[a_patient(mrn="P-1", **ELSEWHERE)])
    async with told(world) as story:
        await story.sync()
        open_before, before = await codes(story), await story.accounts()
        await story.answer("identity.possible", {"same": True})
        await story.sync()
        assert [one for one in await codes(story) if not one.startswith("identity")] == [
            one for one in open_before if not one.startswith("identity")
        ]
        await story.answer("identity.possible", {"same": False}, status="resolved")
        await story.sync()
        assert await story.accounts() == before
