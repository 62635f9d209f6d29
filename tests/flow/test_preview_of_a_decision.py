"""What a preview tells is what then happens: same EHRs, same records, same content; and asking changes nothing."""

from contextlib import AsyncExitStack

import pytest

from coordinator.outbox import Status
from coordinator.sync.gather import setting_of
from coordinator.sync.opening import open_ehrs
from coordinator.sync.preview import Supposed, preview
from coordinator.sync.run import decide
from coordinator.sync.tenant import read_tenant
from coordinator.workflow import Answer, consider, resolve_finding, short_key
from tests.builders import a_consent, a_goal, a_plan, an_encounter, an_episode
from tests.flow.story import READ_ONLY, WorldFolder, told

ABSTAIN = "Maintain abstinence from alcohol"
BOTH = (("iop", "ced"), ("ced", "iop"))


def gwen(tmp_path, consents=BOTH):
    """Both programs change the due day of one goal, each to another."""
    world = WorldFolder(tmp_path / "world")
    for name, goal, due in (("iop", "G-1", "2026-07-31"), ("ced", "c-1", "2026-08-31")):
        edited = {"2026-05-20T00-00Z": [a_goal(goal, text=ABSTAIN, due=due)]}
        records = [a_goal(goal, text=ABSTAIN, due="2026-06-30"), a_plan(f"CP-{name}", goals=[goal])]
        world.ehr(name, records, later=edited)
    for number, (one, other) in enumerate(consents):
        world.consent(a_consent(f"C-{number}", discloser=one, recipient=other))
    return world


def ana(tmp_path, consents=(("res", "iop"), ("iop", "res"))):
    world = WorldFolder(tmp_path / "world")
    stay = an_episode("R-101", level="3e 3.5", start="2026-03-02")
    world.ehr("res", [stay, an_encounter("R-188", start="2026-03-29", class_="IMP")], takes=READ_ONLY)
    world.ehr("iop", [an_episode("I-55", start="2026-04-02")])
    for number, (one, other) in enumerate(consents):
        world.consent(a_consent(f"C-{number}", discloser=one, recipient=other))
    return world


def meaning(entries):
    return sorted(
        (one.intent.ehr, one.intent.key, one.status.value, one.intent.form.value, one.intent.body) for one in entries
    )


CASES = {
    "a goal that both changed": (gwen, "plan.goal-differs", {"accept": "ced/Goal/c-1"}, [("iop", "owed")]),
    "a last day that was asked for": (ana, "stay.end-missing", {"end": "2026-04-01"}, [("res", "owed")]),
}


@pytest.mark.parametrize(("world", "code", "value", "follows"), CASES.values(), ids=CASES)
async def test_the_preview_is_what_then_happens(tmp_path, world, code, value, follows):
    async with told(world(tmp_path)) as story:
        await story.sync()
        story.move("2026-05-21T12:00:00Z")
        await story.sync()
        (found,) = [one for one in await story.open_findings() if one.code == code]
        answer, before, state = Answer(value=value, reason="asked"), await story.entries(), await story.state()
        async with AsyncExitStack() as stack:
            async with story.store.transaction() as tx:
                (person,) = {one.person for one in await tx.people.links()}
                tenant = await read_tenant(tx)
                setting = await setting_of(tx, tenant.policy, tenant.forms)
                connections = await tx.registry.ehrs()
            ehrs = await open_ehrs(stack, story.ehrs, connections, problems={})
            now, key = story.clock.now(), short_key(person, found)
            async with story.store.transaction() as tx:
                made = await consider(tx, key, answer, actor="casey", now=now)
                supposed = Supposed(person=person, decision=made.decision, joined=made.joined)
                shown = await preview(tx, supposed, setting, ehrs=ehrs, now=now)
                assert await tx.accounts.decisions(person) == []
            assert await story.state() == state

            async with story.store.transaction() as tx:
                await resolve_finding(tx, key, answer, actor="casey", now=now)
            await decide(story.store, setting, ehrs, story.clock)
        held = {(one.intent.ehr, one.intent.key): one for one in before}
        then = [one for one in await story.entries() if held.get((one.intent.ehr, one.intent.key)) != one]
        assert meaning(shown) == meaning(then)
        assert [(one.intent.ehr, one.status.value) for one in shown] == follows


async def test_what_consent_holds_back_is_told_as_withheld_without_its_content(tmp_path):
    async with told(gwen(tmp_path, consents=(("iop", "ced"),))) as story:
        await story.sync()
        story.move("2026-05-21T12:00:00Z")
        await story.sync()
        (found,) = [one for one in await story.open_findings() if one.code == "plan.goal-differs"]
        async with AsyncExitStack() as stack, story.store.transaction() as tx:
            (person,) = {one.person for one in await tx.people.links()}
            tenant = await read_tenant(tx)
            setting = await setting_of(tx, tenant.policy, tenant.forms)
            ehrs = await open_ehrs(stack, story.ehrs, await tx.registry.ehrs(), problems={})
            answer = Answer(value={"accept": "ced/Goal/c-1"}, reason="asked")
            made = await consider(tx, short_key(person, found), answer, actor="casey", now=story.clock.now())
            supposed = Supposed(person=person, decision=made.decision)
            shown = await preview(tx, supposed, setting, ehrs=ehrs, now=story.clock.now())
    withheld = [one for one in shown if one.intent.ehr == "iop"]
    assert {one.status for one in withheld} == {Status.WITHHELD}
    assert {one.intent.body for one in withheld} == {b""}
