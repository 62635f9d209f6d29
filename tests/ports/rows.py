"""Builds the records that go through a store: only what matters is written."""

import hashlib
from datetime import UTC, datetime, timedelta

from coordinator.audit.model import AuditRow
from coordinator.outbox.model import Form, Intent
from coordinator.reconcile.model import Decision, Finding, Grade, Presence
from coordinator.sync.records import Cursor, IdentityLink, PullRecord, Quarantined, Received

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def later(**parts):
    return NOON + timedelta(**parts)


def digest(text):
    return hashlib.sha256(text.encode()).digest()


def a_version(
    id_="o1",
    *,
    ehr="north",
    type_="Observation",
    version="1",
    says="a",
    patient="p1",
    at=NOON,
    presence=Presence.PRESENT,
):
    body = f'{{"resourceType":"{type_}","id":"{id_}","meta":{{"versionId":"{version}"}},"says":"{says}"}}'
    return Received(
        ehr=ehr,
        type=type_,
        id=id_,
        version=version,
        raw_hash=digest(body),
        canonical_hash=digest(says),
        body=body.encode(),
        patient=patient,
        learned_at=at,
        presence=presence,
    )


def a_patient(id_="p1", **parts):
    return a_version(id_, type_="Patient", patient=None, **parts)


def a_link(person, patient="p1", *, ehr="north", by="rule", says="a", since=NOON):
    return IdentityLink(ehr=ehr, patient=patient, person=person, since=since, by=by, matched_hash=digest(says))


def a_pull(type_="Observation", *, ehr="north", grade=Grade.COMPLETE):
    return PullRecord(
        ehr=ehr, type=type_, started_at=NOON, ended_at=NOON, grade=grade, reason="", seen=1, changed=1, quarantined=0
    )


def a_cursor(type_="Observation", *, ehr="north", mark=NOON, **more):
    return Cursor(ehr=ehr, type=type_, way="last-updated", basis="b", mark=mark, compared_at=NOON, **more)


def an_unread(id_="o1", *, body=b"{", patient=None):
    return Quarantined(
        ehr="north",
        type="Observation",
        id=id_,
        raw_hash=digest(body.decode()),
        body=body,
        reason="not JSON",
        place="byte 1",
        learned_at=NOON,
        patient=patient,
    )


def a_finding(key="k1", *, sentence="Something differs.", status="open", due_at=None, **facts):
    return Finding(
        key=key,
        code="stay-never-closed",
        urgency="soon",
        sentence=sentence,
        suggestion="Ask.",
        facts=facts,
        evidence=("north/Observation/o1@1",),
        status=status,
        due_at=due_at,
    )


def a_decision(key="k1", **value):
    return Decision(
        key=key,
        code="stay-never-closed",
        value=value,
        reason="asked",
        actor="a coordinator",
        decided_at=NOON,
        facts={"end": "2026-06-01"},
        evidence=("north/Observation/o1@1",),
    )


def an_intent(key="i1", *, person="anyone", ehr="north", material=b"m1", body=b"{}", form=Form.NATIVE, **parts):
    return Intent(
        key=key,
        person=person,
        ehr=ehr,
        concept="goal",
        type="Goal",
        form=form,
        body=body,
        material=material,
        claim=("https://coordinator.example/id", key),
        paths=("Goal.lifecycleStatus",),
        evidence=("south/Goal/g1@1",),
        **parts,
    )


def an_event(kind="disclosure", *, person="anyone", at=NOON):
    return AuditRow(
        kind=kind,
        at=at,
        actor="system",
        person=person,
        ehr="north",
        consent=None,
        purpose="TREAT",
        outcome="ok",
        subject="Goal",
        body=b"{}",
    )
