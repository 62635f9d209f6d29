"""Decide: reconcile each person who is owed it, and write down what each EHR is owed from that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from coordinator.access import next_change
from coordinator.audit import Happening, audit_row
from coordinator.care.patient.mapping import read_patient
from coordinator.clock import Clock
from coordinator.disclosure import Sight
from coordinator.fhir import Json, canonical
from coordinator.matching import Candidate, match
from coordinator.matching import Possible as PossiblySame
from coordinator.outbox import Entry, Intent, Receiver, Status, owed
from coordinator.reconcile import Account, Agreed, Finding, reconcile
from coordinator.reconcile.findings import finding
from coordinator.sync.agreed import write_agreed
from coordinator.sync.gather import ACTOR, WHOLE, Dossier, Setting, account_of, gather, sight_for
from coordinator.sync.match import candidates
from coordinator.sync.ports import Ehr, Store, Transaction
from coordinator.sync.records import Due, StoredAccount

BATCH = 50

_TROUBLE = {
    Status.REFUSED: "write.cannot-be-stored",
    Status.CONFLICT: "write.contested",
    Status.UNKNOWN: "write.unknown-outcome",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideReport:
    """How many persons were reconciled and how many rows changed by that."""

    persons: int
    changed: int


async def decide(store: Store, setting: Setting, ehrs: Mapping[str, Ehr], clock: Clock) -> DecideReport:
    """Reconcile everybody who is owed it, in small transactions."""
    persons = changed = 0
    while True:
        async with store.transaction() as tx:
            batch = await tx.wakes.due(clock.now(), limit=BATCH)
            for due in batch:
                changed += await _decide_person(tx, due, setting, ehrs, clock.now())
        persons += len(batch)
        if len(batch) < BATCH:
            return DecideReport(persons=persons, changed=changed)


async def _decide_person(
    tx: Transaction, due: Due, setting: Setting, ehrs: Mapping[str, Ehr], now: datetime
) -> int:
    dossier = await gather(tx, due.person, setting)
    account = account_of(dossier, setting, now)
    changed: int = await _put_account(tx, dossier, account, now)
    doubts = await _identity_findings(tx, dossier)
    findings = (*account.findings, *doubts, *_write_findings(dossier))
    changed += await tx.accounts.put_findings(due.person, findings, now)
    for name in sorted(ehrs):
        if dossier.patient_at(name) is not None:
            changed += await _decide_for(tx, dossier, account, ehrs[name], setting=setting, now=now)
    await tx.wakes.reconciled(due, at=now, due_at=_next_moment(dossier, setting, now))
    return changed


async def _put_account(tx: Transaction, dossier: Dossier, account: Account, now: datetime) -> int:
    stored = StoredAccount(
        person=dossier.person, body=canonical(account.content), hash=account.hash, reconciled_at=now
    )
    changed = await tx.accounts.put_account(stored)
    return changed + await tx.accounts.put_shadow(dossier.person, WHOLE, write_agreed(account.agreed))


# ---- one recipient -------------------------------------------------------------------------------------------------------
async def _decide_for(
    tx: Transaction, dossier: Dossier, account: Account, ehr: Ehr, *, setting: Setting, now: datetime
) -> int:
    """Reconcile again over what this recipient may receive, and make that difference what it is owed."""
    seen = sight_for(dossier, ehr.name, setting, now)
    agreed = dossier.agreed.get(ehr.name, Agreed())
    view = reconcile(seen.evidence, agreed, seen.decisions, policy=setting.policy, as_of=now)
    receiver = _receiver(ehr, dossier.patient_at(ehr.name) or "")
    echoes = tuple(one for one in dossier.evidence if one.ours and one.ehr == ehr.name)
    intents = owed(dossier.person, view, receiver, echoes)
    changed: int = await tx.accounts.put_shadow(dossier.person, ehr.name, write_agreed(view.agreed))
    changed += await tx.outbox.put_intents(dossier.person, ehr.name, intents, now)
    more = owed(dossier.person, account, receiver, echoes)
    wanted = {one.key for one in intents}
    held_back = {one.key: one for one in more if one.key not in wanted and seen.reason(one.evidence)}
    return changed + await _withhold(tx, dossier, ehr.name, held_back, seen=seen, now=now)


def _receiver(ehr: Ehr, patient: str) -> Receiver:
    return Receiver(
        ehr=ehr.name, patient=patient, forms=ehr.forms, types=ehr.carrier, can_store=ehr.can_store
    )


async def _withhold(
    tx: Transaction, dossier: Dossier, ehr: str, held_back: Mapping[str, Intent], *, seen: Sight, now: datetime
) -> int:
    """Keep what consent holds back, visible to us and with its reason; the refusal is in the audit log once."""
    held = {one.intent.key: one for one in dossier.entries if one.intent.ehr == ehr}
    changed = 0
    for key, intent in sorted(held_back.items()):
        reason = seen.reason(intent.evidence) or ""
        before = held.get(key)
        if before is not None and (before.status, before.reason) == (Status.WITHHELD, reason):
            continue
        await tx.audit.append([audit_row(_refusal(dossier, intent, reason, now))])
        await tx.outbox.set_status(
            Entry(intent=replace(intent, body=b""), status=Status.WITHHELD, reason=reason, updated_at=now)
        )
        changed += 1
    for key, entry in held.items():
        if entry.status is Status.WITHHELD and key not in held_back:
            current = {one.intent.key: one for one in await tx.outbox.entries(person=dossier.person, ehr=ehr)}
            if current[key].status is Status.WITHHELD:
                await tx.outbox.set_status(replace(entry, status=Status.OBSOLETE, reason="", updated_at=now))
                changed += 1
    return changed


def _refusal(dossier: Dossier, intent: Intent, reason: str, now: datetime) -> Happening:
    return Happening(
        kind="refusal",
        at=now,
        actor=ACTOR,
        subject=intent.concept,
        person=dossier.person,
        ehr=intent.ehr,
        purpose="TREAT",
        outcome="4",
        reason=reason,
        entities=intent.evidence,
    )


# ---- findings beside the account ------------------------------------------------------------------------------------------
async def _identity_findings(tx: Transaction, dossier: Dossier) -> list[Finding]:
    """Return a finding for each record that may be the same person's and is linked to somebody else."""
    links = {(one.ehr, one.patient): one for one in await tx.people.links()}
    places = {one.place: one.ref for one in dossier.evidence}
    found: dict[str, Finding] = {}
    for one in dossier.evidence:
        if one.document.type != "Patient":
            continue
        record = read_patient(one.document)
        near = await candidates(tx, record, (one.ehr, one.document.id), links)
        others = [each for each in near if each.person is not None and each.person != dossier.person]
        result = match(record, others)
        doubtful: Sequence[Candidate] = result.candidates if isinstance(result, PossiblySame) else ()
        for other in doubtful:
            pair = sorted([one.place, other.place])
            key = "+".join(pair)
            if not _told_apart(dossier, f"identity.possible:{key}"):
                facts: dict[str, Json] = {"records": list[Json](pair)}
                found[key] = finding(
                    "identity.possible", key, facts=facts, evidence=[places.get(each, each) for each in pair]
                )
    return [found[key] for key in sorted(found)]


def _told_apart(dossier: Dossier, key: str) -> bool:
    made = [one for one in dossier.decisions if one.key == key]
    latest = max(made, key=lambda one: one.decided_at, default=None)
    return latest is not None and latest.value.get("same") is False


def _write_findings(dossier: Dossier) -> list[Finding]:
    """Return a finding for each write that an EHR refused, that met a change, or whose outcome is unknown."""
    return [
        finding(
            _TROUBLE[one.status],
            f"{one.intent.ehr}/{one.intent.key}",
            facts={"ehr": one.intent.ehr, "type": one.intent.type, "reason": one.reason},
            evidence=one.intent.evidence,
        )
        for one in dossier.entries
        if one.status in _TROUBLE
    ]


def _next_moment(dossier: Dossier, setting: Setting, now: datetime) -> datetime:
    """Return when time itself may change the result: the next day of the programs, or a consent's own date."""
    zone = setting.policy.zone
    tomorrow = datetime.combine(now.astimezone(zone).date() + timedelta(days=1), time(), tzinfo=zone)
    moment = next_change(dossier.consents, now)
    return min(tomorrow, moment) if moment else tomorrow
