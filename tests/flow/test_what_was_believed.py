"""What we believed at an instant: the account of then, whatever was corrected, agreed, decided or joined since."""

from datetime import date, datetime

import pytest

from coordinator.fhir import parse
from coordinator.sync.gather import account_of, end_of, gather, setting_of
from coordinator.sync.tenant import read_tenant
from tests.builders import a_consent, a_goal, a_plan, a_statement, an_encounter, an_episode
from tests.flow.story import READ_ONLY, WorldFolder, told

INSTANTS = (
    "2026-04-07T12:00:00Z",
    "2026-04-08T12:00:00Z",
    "2026-04-09T12:00:00Z",
    "2026-04-10T12:00:00Z",
    "2026-04-12T12:00:00Z",
)


def ana(tmp_path):
    """Ana's stay is corrected twice, one record turns out to be an error, goals are edited on both sides."""
    world = WorldFolder(tmp_path / "world")
    closed = an_episode("R-101", level="3e 3.5", start="2026-03-02", end="2026-03-31")
    error = an_encounter("R-188", start="2026-03-29", class_="IMP", status="entered-in-error")
    world.ehr(
        "res",
        [an_episode("R-101", level="3e 3.5", start="2026-03-02"), an_encounter("R-188", start="2026-03-29")],
        takes=READ_ONLY,
        later={"2026-04-08T00-00Z": [error], "2026-04-09T00-00Z": [closed]},
    )
    iop = [an_episode("I-55", start="2026-04-02"), a_goal("G-1", due="2026-06-30"), a_plan(goals=["G-1"])]
    world.ehr(
        "iop",
        [*iop, a_statement()],
        later={"2026-04-10T00-00Z": [a_goal("G-1", due="2026-07-31")], "2026-04-11T00-00Z": [_gone("Goal", "G-1")]},
    )
    for number, (one, other) in enumerate([("res", "iop"), ("iop", "res")]):
        world.consent(a_consent(f"C-{number}", discloser=one, recipient=other))
    return world


def _gone(type_, id_):
    return {"resourceType": type_, "id": id_, "_deleted": True}


async def _account(story, person, *, known_at=None, as_of=None):
    async with story.store.transaction() as tx:
        tenant = await read_tenant(tx)
        setting = await setting_of(tx, tenant.policy, tenant.forms, known_at=known_at)
        dossier = await gather(tx, person, setting, known_at=known_at, as_of=as_of)
    now = end_of(as_of, setting.policy.zone) if as_of else known_at or story.clock.now()
    return account_of(dossier, setting, now)


async def _lived(story):
    """Live through the instants; return the person, and the stored account at each."""
    stored = {}
    for number, instant in enumerate(INSTANTS):
        story.move(instant)
        await story.sync()
        if number == 1:
            await story.resolve("stay.end-missing", {"end": "2026-04-01"})
            await story.sync()
        async with story.store.transaction() as tx:
            (person,) = {one.person for one in await tx.people.links()}
            stored[datetime.fromisoformat(instant)] = await tx.accounts.account(person)
    return person, stored


async def test_the_account_known_at_an_instant_is_the_one_that_was_computed_then(tmp_path):
    async with told(ana(tmp_path)) as story:
        person, stored = await _lived(story)
        assert len({one.hash for one in stored.values()}) == len(INSTANTS)
        known = {at: await _account(story, person, known_at=at) for at in stored}
        assert {at: one.content for at, one in known.items()} == {at: parse(one.body) for at, one in stored.items()}
        assert {at: one.hash for at, one in known.items()} == {at: one.hash for at, one in stored.items()}


@pytest.mark.parametrize(
    ("known_at", "as_of", "ends"),
    [
        ("2026-04-07T12:00:00Z", "2026-03-20", [None]),
        ("2026-04-07T12:00:00Z", "2026-04-05", [["2026-03-29", "2026-04-02"], None]),
        ("2026-04-08T12:00:00Z", "2026-04-05", [["2026-04-01", "2026-04-01"], None]),
        (None, "2026-03-31", [["2026-03-31", "2026-03-31"]]),
        (None, "2026-03-30", [None]),
    ],
)
async def test_what_was_true_on_a_day_as_it_was_believed_at_an_instant(tmp_path, known_at, as_of, ends):
    async with told(ana(tmp_path)) as story:
        person, _ = await _lived(story)
        known = datetime.fromisoformat(known_at) if known_at else None
        account = await _account(story, person, known_at=known, as_of=date.fromisoformat(as_of))
        assert [one["end"] for one in account.content["timeline"]] == ends
