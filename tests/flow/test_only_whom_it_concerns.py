"""Only people whose evidence changed are reconciled; reconciling everybody anew gives the same store."""

from coordinator.sync.run import run
from tests.builders import (
    a_consent,
    a_goal,
    a_patient,
    a_plan,
    a_statement,
    an_administration,
    an_encounter,
    an_episode,
    an_order,
)
from tests.flow.story import READ_ONLY, WorldFolder, told

PEOPLE = ("p-1", "p-2", "p-3")


def of(tree, patient):
    """Return a record as another patient's, with ids of its own."""
    renamed = {**tree, "id": f"{tree['id']}-{patient}"}
    renamed |= {name: {"reference": f"Patient/{patient}"} for name in ("subject", "patient") if name in tree}
    if "goal" in tree:
        renamed["goal"] = [{"reference": f"{one['reference']}-{patient}"} for one in tree["goal"]]
    return renamed


def three_lives(tmp_path):
    world = WorldFolder(tmp_path / "world")
    others = [a_patient(one, mrn=f"M-{one}", birthDate=f"199{number}-05-17") for number, one in enumerate(PEOPLE[1:])]
    iop = [an_episode(start="2026-04-02"), a_goal("G-1"), a_plan(goals=["G-1"]), an_order(dose="16 mg")]
    res = [an_episode("R-1", level="3e 3.5", start="2026-03-02"), an_encounter("R-2", start="2026-03-29", class_="IMP")]
    otp = [an_administration(), a_statement(dose="24 mg")]
    for name, records, takes in (("iop", iop, None), ("res", res, READ_ONLY), ("otp", otp, READ_ONLY)):
        all_of_them = [of(one, patient) for patient in PEOPLE for one in records]
        world.ehr(name, [*others, *all_of_them], **({} if takes is None else {"takes": takes}))
    for number, (one, other) in enumerate([("iop", "res"), ("res", "iop"), ("otp", "iop"), ("iop", "otp")]):
        world.consent(a_consent(f"C-{number}", discloser=one, recipient=other))
    return world


async def held(store):
    """Return all that follows from the evidence, of everybody."""
    async with store.transaction() as tx:
        links = await tx.people.links()
        persons = sorted({one.person for one in links})
        kept = {one: (await tx.accounts.account(one), await tx.accounts.shadows(one)) for one in persons}
        findings, events = await tx.accounts.findings(), await tx.accounts.finding_events()
        return links, kept, findings, events, await tx.outbox.entries()


async def person_of(store, patient):
    async with store.transaction() as tx:
        (person,) = {one.person for one in await tx.people.links() if one.patient == patient}
        return person


async def test_only_the_person_whose_record_changed_is_reconciled_and_all_others_stay_as_they_were(tmp_path):
    async with told(three_lives(tmp_path)) as story:
        first = await story.sync()
        assert len(set(first.persons)) == len(PEOPLE)
        assert set((await story.sync()).persons) == set()
        before = await held(story.store)
        story.save("iop", of(an_order(dose="24 mg"), "p-2"))
        changed = await person_of(story.store, "p-2")
        assert set((await story.sync()).persons) == {changed}
        after = await held(story.store)
        assert {one for one in before[1] if before[1][one] != after[1][one]} == {changed}
        assert [one for one in before[2] if one[0] != changed] == [one for one in after[2] if one[0] != changed]


async def test_reconciling_everybody_anew_gives_the_same_store(tmp_path):
    async with told(three_lives(tmp_path)) as story:
        await story.sync()
        for change in (an_order(dose="24 mg"), an_episode("E-1", start="2026-04-03"), a_goal("G-1", due="2026-09-30")):
            story.save("iop", of(change, "p-3"))
            await story.sync()
        before = await held(story.store)
        assert before[2]
        assert before[4]
        report = await run(story.store, story.ehrs, story.clock, is_full=True)
        assert len(set(report.persons)) == len(PEOPLE)
        assert report.changed == 0
        assert await held(story.store) == before
