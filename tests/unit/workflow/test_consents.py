"""The registry of consents: what comes in, what is refused with a reason, and how a consent ends."""

import json
from datetime import timedelta

import pytest

from coordinator.errors import InvalidInput, NotFound
from coordinator.fhir import BadJson
from coordinator.matching.links import IdentityLink
from coordinator.sandbox.memory_store import MemoryStore
from coordinator.workflow import add_consent, list_consents, revoke_consent
from tests.builders import DIRECTORY, FORMS, MRN, NOW, a_consent, a_goal


@pytest.fixture
async def tx():
    async with MemoryStore().transaction() as tx:
        person = await tx.people.create()
        link = IdentityLink(ehr="iop", patient="i", person=person, since=NOW, by="rule", matched_hash=b"h")
        await tx.people.link(link)
        for due in await tx.wakes.due(NOW, limit=9):
            await tx.wakes.reconciled(due, at=NOW, due_at=None)
        yield tx


async def add(tx, body=None, now=NOW):
    raw = json.dumps(a_consent("C-1") if body is None else body).encode()
    return await add_consent(tx, raw, actor="casey", now=now, forms=FORMS)


async def test_a_whole_consent_is_in_force_and_wakes_everybody(tx):
    line = await add(tx)
    assert (line.consent, line.state, line.problems) == ("C-1", "in force", ())
    assert line.purposes == ("HOPERAT", "HPAYMT", "TREAT")
    assert len(await tx.wakes.due(NOW, limit=9)) == 1
    assert [row.consent for row in await tx.audit.query("consent")] == ["C-1"]


async def test_the_same_consent_again_changes_nothing(tx):
    await add(tx)
    for due in await tx.wakes.due(NOW, limit=9):
        await tx.wakes.reconciled(due, at=NOW, due_at=None)
    await add(tx)
    assert await tx.wakes.due(NOW, limit=9) == []


STATES = {
    "defective, and says what is missing": (a_consent(verification=[{"verified": False}]), "defective"),
    "not in force yet": (a_consent(signed="2026-05-01T09:00:00-04:00"), "not in force"),
    "not in force any more": (a_consent(end="2026-02-01"), "not in force"),
}


@pytest.mark.parametrize(("body", "state"), STATES.values(), ids=STATES)
async def test_a_consent_that_permits_nothing_is_kept_and_says_so(tx, body, state):
    line = await add(tx, body)
    assert line.state == state
    assert line.problems
    assert len(await tx.consents.consents()) == 1


REFUSED = {
    "another resource": (a_goal(), "not a Consent"),
    "not valid": (a_consent(status="bogus"), "not valid FHIR"),
    "without an id": ({name: value for name, value in a_consent().items() if name != "id"}, "no id"),
}


@pytest.mark.parametrize(("body", "words"), REFUSED.values(), ids=REFUSED)
async def test_what_is_no_consent_is_refused_with_what_to_do(tx, body, words):
    with pytest.raises(InvalidInput, match=words) as refused:
        await add(tx, body)
    assert refused.value.hint
    assert await tx.consents.consents() == []


async def test_a_consent_tells_whose_it_is_from_whom_and_to_whom(tx):
    await tx.people.put_keys("iop", "i", [f"i|{MRN}|A1"])
    line = await add(tx)
    (link,) = await tx.people.links()
    assert line.person == link.person
    assert (line.disclosers, line.recipients) == (((DIRECTORY, "iop"),), ((DIRECTORY, "pcp"),))


async def test_a_consent_of_somebody_whom_nobody_knows_names_no_person(tx):
    assert (await add(tx)).person is None


async def test_a_consent_that_was_revoked_does_not_come_back_by_its_old_paper(tx):
    """Who took a consent back must not find it in force because somebody read the old file in again."""
    await add(tx)
    await revoke_consent(tx, "C-1", actor="casey", now=NOW, forms=FORMS)
    line = await add(tx, now=NOW + timedelta(days=1))
    assert line.state == "revoked"
    (held,) = await tx.consents.consents()
    assert held.revoked_at == NOW


async def test_another_paper_under_the_id_of_a_revoked_consent_is_refused(tx):
    await add(tx)
    await revoke_consent(tx, "C-1", actor="casey", now=NOW, forms=FORMS)
    with pytest.raises(InvalidInput, match="was revoked on 2026-04-07") as refused:
        await add(tx, a_consent("C-1", end="2027-01-01"))
    assert "id of its own" in (refused.value.hint or "")
    assert [one.state for one in await list_consents(tx, now=NOW, forms=FORMS)] == ["revoked"]


async def test_what_is_no_json_is_refused(tx):
    with pytest.raises(BadJson):
        await add_consent(tx, b"{", actor="casey", now=NOW, forms=FORMS)


async def test_a_revoked_consent_stays_revoked_since_the_first_time(tx):
    await add(tx)
    first = await revoke_consent(tx, "C-1", actor="casey", now=NOW, forms=FORMS)
    await revoke_consent(tx, "C-1", actor="casey", now=NOW + timedelta(days=1), forms=FORMS)
    (held,) = await tx.consents.consents()
    assert (first.line.state, held.revoked_at) == ("revoked", NOW)
    assert len(await tx.audit.query("revocation")) == 1


async def test_a_consent_that_is_not_there_can_not_be_revoked(tx):
    with pytest.raises(NotFound) as refused:
        await revoke_consent(tx, "C-9", actor="casey", now=NOW, forms=FORMS)
    assert "consent list" in (refused.value.hint or "")


async def test_the_list_stands_in_order_of_id(tx):
    for name in ("C-2", "C-1"):
        await add(tx, a_consent(name))
    assert [one.consent for one in await list_consents(tx, now=NOW, forms=FORMS)] == ["C-1", "C-2"]


R5 = {
    **{key: value for key, value in a_consent("C-5").items() if key in ("resourceType", "id", "status", "category")},
    "subject": a_consent()["patient"],
    "date": "2026-01-05",
    "grantor": a_consent()["performer"],
    "sourceAttachment": [a_consent()["sourceAttachment"]],
    "verification": [{"verified": True}],
    "decision": "deny",
    "provision": [{key: value for key, value in a_consent()["provision"].items() if key not in ("type", "class")}],
}


async def test_a_consent_of_r5_is_registered_as_it_came(tx):
    line = await add(tx, R5)
    assert (line.consent, line.state, line.problems) == ("C-5", "in force", ())
    (stored,) = await tx.consents.consents()
    assert json.loads(stored.body) == R5
    assert (await revoke_consent(tx, "C-5", actor="casey", now=NOW, forms=FORMS)).line.state == "revoked"


async def test_a_consent_of_r5_whose_state_is_unknown_is_refused(tx):
    with pytest.raises(InvalidInput, match=r"not valid FHIR R5: Consent\.status"):
        await add(tx, R5 | {"status": "unknown"})
