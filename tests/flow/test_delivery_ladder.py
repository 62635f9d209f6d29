"""What no EHR of the big six takes as data goes down their ladders, and counts for no more than it is."""

from dataclasses import replace

import pytest

from coordinator.errors import InvalidInput, NotFound
from coordinator.outbox.delivery import acknowledgment, delivery_key, delivery_of
from coordinator.sync.delivered import acknowledge
from coordinator.sync.gather import setting_of
from coordinator.sync.tenant import read_tenant
from tests.builders import METHADONE, a_consent, an_administration, an_order
from tests.flow.conftest import served
from tests.flow.story import WRITE, WorldFolder, told

LADDERS = {
    "epic-r4": ("document", "DocumentReference"),
    "oracle-millennium-r4": ("document", "DocumentReference"),
    "athenahealth-r4": ("none", "MedicationStatement"),
    "meditech-r4": ("message", "Communication"),
    "eclinicalworks-r4": ("none", "MedicationStatement"),
    "nextgen-enterprise-r4": ("none", "MedicationStatement"),
}
TASKS = {"Task": WRITE}
NOTES = {"DocumentReference": [*WRITE, "search-type"]}


def a_clinic(tmp_path, takes, *, consent=True):
    world = WorldFolder(tmp_path / "world")
    world.ehr("otp", [an_administration()], takes={})
    world.ehr("pcp", takes=takes, part2=False)
    if consent:
        world.consent(a_consent("C-1", discloser="otp", recipient="pcp"))
    return world


async def ask_for_whom_we_know(story):
    """Give the physician's EHR a roster: none of the six lists its patients."""
    async with story.store.transaction() as tx:
        (pcp,) = [one for one in await tx.registry.ehrs() if one.name == "pcp"]
        await tx.registry.put_ehr(replace(pcp, roster="file:roster.txt", patients=("p-1",)))


async def the_need(story):
    """Return the one need of medication, which is not a question or a plan."""
    (found,) = [one for one in await story.entries() if one.intent.concept == "medication"]
    return found


async def how_far(story):
    need = await the_need(story)
    state = delivery_of(need)
    return need.intent.form.value, need.intent.type, state and state.value


async def acknowledged(story, key, by="Dr Park", how="by phone"):
    async with story.store.transaction() as tx:
        tenant = await read_tenant(tx)
        setting = await setting_of(tx, tenant.policy, tenant.forms)
        return await acknowledge(tx, key, told=(by, how), setting=setting, actor="casey", now=story.clock.now())


@pytest.mark.parametrize("name", LADDERS)
async def test_a_medication_goes_down_the_ladder_of_each_vendor(tmp_path, name):
    form, type_ = LADDERS[name]
    async with told(a_clinic(tmp_path, name)) as story:
        await ask_for_whom_we_know(story)
        await story.sync()
        assert await how_far(story) == (form, type_, "owed" if form == "none" else "delivered")
        assert len(story.writes("pcp")) == (form != "none")
        before = len(await story.disclosures())
        await acknowledged(story, delivery_key(await the_need(story)))
        known = acknowledgment(await the_need(story))
        assert await how_far(story) == (form, type_, "acknowledged")
        assert (known.by, known.how) == ("Dr Park", "by phone")
        assert len(await story.disclosures()) - before == (form == "none")  # to tell is to disclose
        assert await story.is_quiet()


async def test_discrete_data_seen_later_make_it_present(tmp_path):
    async with told(a_clinic(tmp_path, NOTES)) as story:
        await story.sync()
        assert (await how_far(story))[2] == "delivered"
        story.move("2026-04-08T12:00:00Z")
        story.save("pcp", an_order("o-1", code=METHADONE, dose="85 mg"))
        await story.sync()
        assert (await how_far(story))[2] == "present"
        assert await story.is_quiet()


@pytest.mark.parametrize(
    ("status", "state"), [("accepted", "acknowledged"), ("requested", "delivered"), ("rejected", "delivered")]
)
async def test_staff_who_take_up_the_task_in_their_own_ehr_acknowledge_it(tmp_path, status, state):
    async with told(a_clinic(tmp_path, TASKS)) as story:
        await story.sync()
        assert await how_far(story) == ("message", "Task", "delivered")
        (task,) = story.held("pcp", "Task")
        story.move("2026-04-08T12:00:00Z")
        story.save("pcp", {**task, "status": status, "note": [{"text": "seen"}]})
        await story.sync()
        assert (await how_far(story))[2] == state
        assert len(story.writes("pcp")) == 1
        assert await story.is_quiet()


async def test_another_dose_is_not_what_was_acknowledged(tmp_path):
    async with told(a_clinic(tmp_path, NOTES)) as story:
        await story.sync()
        await acknowledged(story, delivery_key(await the_need(story)))
        story.move("2026-04-08T12:00:00Z")
        story.save("otp", an_administration("A-2", dose="90 mg", at="2026-04-08T07:00:00-04:00"))
        await story.sync()
        assert (await how_far(story))[2] == "delivered"


async def test_who_may_not_be_told_is_not_told_by_a_person_either(tmp_path):
    async with told(a_clinic(tmp_path, "nextgen-enterprise-r4")) as story:
        await story.sync()
        key = delivery_key(await the_need(story))
        await story.revoke("C-1")
        before = len(await story.disclosures())
        with pytest.raises(InvalidInput, match="may not be told there"):
            await acknowledged(story, key)
        assert len(await story.disclosures()) == before
        await story.sync()
        with pytest.raises(InvalidInput, match="This is withheld"):
            await acknowledged(story, key)


async def test_an_acknowledgment_names_somebody_and_something(tmp_path):
    async with told(a_clinic(tmp_path, NOTES)) as story:
        await story.sync()
        with pytest.raises(InvalidInput, match="Nobody is named"):
            await acknowledged(story, delivery_key(await the_need(story)), by=" ")
        with pytest.raises(NotFound):
            await acknowledged(story, "no-such-key")


def test_the_command_lists_how_far_each_need_came_and_keeps_who_knows_it(coordinator, tmp_path):
    world = a_clinic(tmp_path, NOTES).finish()
    with served(world, coordinator.home):
        coordinator("sandbox", "connect", world)
        coordinator("sync")
        (row,) = coordinator("delivery", "list", "--ehr", "pcp", "--json").json
        told_ = coordinator("delivery", "acknowledge", row["key"], "--by", "Dr Park")
        (after,) = coordinator("delivery", "list", "--json").json
        wrong = coordinator("delivery", "acknowledge", "0000", "--by", "Dr Park")
    assert (row["delivery"], row["form"], row["by"]) == ("delivered", "document", "")
    assert "acknowledged by Dr Park" in told_.out
    assert (after["delivery"], after["by"], after["how"]) == ("acknowledged", "Dr Park", "told us")
    assert (wrong.code, "delivery list" in wrong.err) == (1, True)
