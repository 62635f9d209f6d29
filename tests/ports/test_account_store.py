"""A store keeps what follows from the evidence, and writes a row only where content changed."""

from dataclasses import replace

import pytest

from coordinator.errors import NotFound
from coordinator.fhir import DecimalText
from coordinator.reconcile.finding_life import Cause, FindingEvent, Turn
from coordinator.sync.records import StoredAccount, StoredConsent
from tests.ports.rows import NOON, a_decision, a_finding, an_event, later

ACCOUNT = StoredAccount(person="anyone", body=b'{"a":1}', hash="h1", reconciled_at=NOON)
CONSENT = StoredConsent(consent_id="c1", body=b'{"resourceType":"Consent"}', added_at=NOON)


async def test_an_account_comes_back_and_is_written_only_when_it_changed(store):
    async with store.transaction() as tx:
        assert await tx.accounts.account("anyone") is None
        assert await tx.accounts.put_account(ACCOUNT)
        assert not await tx.accounts.put_account(replace(ACCOUNT, reconciled_at=later(days=1)))
        assert await tx.accounts.account("anyone") == ACCOUNT
        changed = replace(ACCOUNT, body=b'{"a":2}', hash="h2", reconciled_at=later(days=2))
        assert await tx.accounts.put_account(changed)
        assert await tx.accounts.account("anyone") == changed


async def test_findings_come_back_in_order_of_person_and_key(store):
    findings = [a_finding("k1", days=3), a_finding("k2", due_at=later(days=1), dose=DecimalText("1.10"))]
    async with store.transaction() as tx:
        assert await tx.accounts.put_findings("b", reversed(findings), NOON) == 2
        assert await tx.accounts.put_findings("a", findings[:1], NOON) == 1
    async with store.transaction() as tx:
        assert await tx.accounts.findings("b") == [("b", findings[0]), ("b", findings[1])]
        assert [(person, one.key) for person, one in await tx.accounts.findings()] == [
            ("a", "k1"),
            ("b", "k1"),
            ("b", "k2"),
        ]


async def test_a_decimal_in_the_facts_keeps_its_text(store):
    async with store.transaction() as tx:
        await tx.accounts.put_findings("anyone", [a_finding(dose=DecimalText("1.10"))], NOON)
        ((_, found),) = await tx.accounts.findings("anyone")
    assert isinstance(found.facts["dose"], DecimalText)
    assert found.facts["dose"].text == "1.10"


async def test_findings_unchanged_write_nothing(store):
    async with store.transaction() as tx:
        await tx.accounts.put_findings("anyone", [a_finding(days=3, of="stay")], NOON)
    async with store.transaction() as tx:
        assert await tx.accounts.put_findings("anyone", [a_finding(of="stay", days=3)], later(days=1)) == 0


async def test_what_is_no_longer_found_becomes_resolved_once(store):
    async with store.transaction() as tx:
        await tx.accounts.put_findings("anyone", [a_finding("k1"), a_finding("k2")], NOON)
        assert await tx.accounts.put_findings("anyone", [a_finding("k2")], NOON) == 1
        assert await tx.accounts.put_findings("anyone", [a_finding("k2")], NOON) == 0
        assert [one.status for _, one in await tx.accounts.findings("anyone")] == ["resolved", "open"]


async def test_what_is_found_again_is_open_again(store):
    async with store.transaction() as tx:
        for findings in ([a_finding()], [], [a_finding()]):
            await tx.accounts.put_findings("anyone", findings, NOON)
        assert await tx.accounts.findings("anyone") == [("anyone", a_finding())]


async def test_a_finding_keeps_the_status_it_comes_with(store):
    async with store.transaction() as tx:
        await tx.accounts.put_findings("anyone", [a_finding()], NOON)
        assert await tx.accounts.put_findings("anyone", [a_finding(status="resolved")], NOON) == 1
        assert await tx.accounts.findings("anyone") == [("anyone", a_finding(status="resolved"))]


async def test_decisions_come_back_in_the_order_in_which_they_were_made(store):
    decisions = [a_decision("k2", end="2026-06-01"), a_decision("k1", dose=DecimalText("8.0"))]
    async with store.transaction() as tx:
        person, other = await tx.people.create(), await tx.people.create()
        for decision in decisions:
            await tx.accounts.add_decision(person, decision)
    async with store.transaction() as tx:
        assert await tx.accounts.decisions(person) == decisions
        assert await tx.accounts.decisions(other) == []


async def test_a_decision_about_nobody_is_refused(store):
    with pytest.raises(NotFound):
        async with store.transaction() as tx:
            await tx.accounts.add_decision("nobody", a_decision())


async def test_agreed_states_are_kept_by_view_and_written_only_when_changed(store):
    async with store.transaction() as tx:
        assert await tx.accounts.put_shadow("anyone", "north", b"{}", at=NOON)
        assert await tx.accounts.put_shadow("anyone", "", b'{"a":1}', at=NOON)
        assert await tx.accounts.put_shadow("other", "north", b"[]", at=NOON)
        assert not await tx.accounts.put_shadow("anyone", "north", b"{}", at=NOON)
        assert await tx.accounts.put_shadow("anyone", "north", b'{"b":1}', at=NOON)
        assert await tx.accounts.shadows("anyone") == {"": b'{"a":1}', "north": b'{"b":1}'}


async def test_a_consent_is_written_when_new_and_when_revoked(store):
    async with store.transaction() as tx:
        assert await tx.consents.put_consent(CONSENT)
        assert not await tx.consents.put_consent(CONSENT)
        assert await tx.consents.put_consent(replace(CONSENT, revoked_at=later(days=1)))
        assert await tx.consents.put_consent(replace(CONSENT, consent_id="c0"))
        assert [(one.consent_id, one.revoked_at) for one in await tx.consents.consents()] == [
            ("c0", None),
            ("c1", later(days=1)),
        ]


async def test_the_log_answers_by_kind_person_and_time(store):
    events = [an_event(), an_event("refusal"), an_event(person="other", at=later(days=1)), an_event(at=later(days=2))]
    async with store.transaction() as tx:
        await tx.audit.append(events)
        await tx.audit.append([])
    async with store.transaction() as tx:
        assert await tx.audit.query("disclosure") == [events[0], events[2], events[3]]
        assert await tx.audit.query("disclosure", person="anyone") == [events[0], events[3]]
        assert await tx.audit.query("disclosure", since=later(days=1)) == [events[2], events[3]]
        assert await tx.audit.query("refusal", person="anyone", since=NOON) == [events[1]]
        assert await tx.audit.query("access") == []


async def test_agreed_states_are_told_as_they_were_at_an_instant(store):
    async with store.transaction() as tx:
        await tx.accounts.put_shadow("anyone", "north", b"{}", at=NOON)
        await tx.accounts.put_shadow("anyone", "", b"[]", at=later(days=1))
        await tx.accounts.put_shadow("anyone", "north", b'{"b":1}', at=later(days=2))
        await tx.accounts.put_shadow("anyone", "north", b'{"b":1}', at=later(days=3))
        await tx.accounts.put_shadow("other", "north", b"{}", at=NOON)
        assert await tx.accounts.shadows("anyone", known_at=later(days=-1)) == {}
        assert await tx.accounts.shadows("anyone", known_at=NOON) == {"north": b"{}"}
        assert await tx.accounts.shadows("anyone", known_at=later(days=1)) == {"": b"[]", "north": b"{}"}
        assert await tx.accounts.shadows("anyone", known_at=later(days=2)) == {"": b"[]", "north": b'{"b":1}'}


async def _life(tx, person="anyone"):
    return [(one.key, one.turn, one.at, one.actor, one.cause) for _, one in await tx.accounts.finding_events(person)]


async def test_the_life_of_a_finding_is_opened_resolved_and_reopened_with_its_times(store):
    async with store.transaction() as tx:
        await tx.accounts.put_findings("anyone", [a_finding("k1")], NOON)
        await tx.accounts.put_findings("anyone", [a_finding("k1", days=2)], later(hours=1))
        await tx.accounts.put_findings("anyone", [], later(days=1))
        await tx.accounts.put_findings("anyone", [], later(days=2))
        await tx.accounts.put_findings("anyone", [a_finding("k1")], later(days=3))
        assert await _life(tx) == [
            ("k1", Turn.OPENED, NOON, "system:sync", Cause.NONE),
            ("k1", Turn.RESOLVED, later(days=1), "system:sync", Cause.EVIDENCE),
            ("k1", Turn.REOPENED, later(days=3), "system:sync", Cause.NONE),
        ]
        assert await tx.accounts.finding_events("other") == []


async def test_a_finding_that_somebody_answered_is_resolved_by_that_person_and_no_other_is(store):
    async with store.transaction() as tx:
        await tx.accounts.put_findings("anyone", [a_finding("k1"), a_finding("k2")], NOON)
        answered = FindingEvent(key="k1", turn=Turn.ANSWERED, at=later(hours=1), actor="user:ada")
        await tx.accounts.add_finding_event("anyone", answered)
        await tx.accounts.put_findings("anyone", [], later(days=1))
        await tx.accounts.put_findings("anyone", [a_finding("k1")], later(days=2))
        await tx.accounts.put_findings("anyone", [], later(days=3))
        ended = [(key, actor, cause) for key, turn, _, actor, cause in await _life(tx) if turn is Turn.RESOLVED]
    assert ended == [
        ("k1", "user:ada", Cause.PERSON),
        ("k2", "system:sync", Cause.EVIDENCE),
        ("k1", "system:sync", Cause.EVIDENCE),
    ]


async def test_an_assignment_tells_to_whom(store):
    event = FindingEvent(key="k1", turn=Turn.ASSIGNED, at=NOON, actor="user:ada", assignee="user:ben")
    async with store.transaction() as tx:
        await tx.accounts.add_finding_event("anyone", event)
        await tx.accounts.add_finding_event("other", event)
        assert await tx.accounts.finding_events() == [("anyone", event), ("other", event)]


async def test_what_was_decided_about_a_kind_of_finding_is_told_about_whomever(store):
    async with store.transaction() as tx:
        first, second = await tx.people.create(), await tx.people.create()
        one, other = a_decision("k1", same=True), a_decision("k2", same=False)
        await tx.accounts.add_decision(second, one)
        await tx.accounts.add_decision(first, other)
        assert await tx.accounts.decided(one.code) == [one, other]
        assert await tx.accounts.decided("another") == []
