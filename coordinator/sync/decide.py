"""Decide: reconcile each person who is owed it, and write down what each EHR is owed from that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from coordinator.access import next_change
from coordinator.audit import Happening, audit_row
from coordinator.care.patient.mapping import read_patient
from coordinator.clock import Clock
from coordinator.fhir import Json, canonical
from coordinator.matching import Candidate, match
from coordinator.matching import Possible as PossiblySame
from coordinator.outbox import Intent, Status
from coordinator.reconcile import Account, Finding
from coordinator.reconcile.findings import finding
from coordinator.sync.agreed import write_agreed
from coordinator.sync.candidates import candidates
from coordinator.sync.dues import dues_of
from coordinator.sync.gather import ACTOR, WHOLE, Dossier, Setting, account_of, gather
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
    """Who was reconciled and how many rows changed by that."""

    persons: frozenset[str]
    changed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pass:
    """What one transaction of deciding works with."""

    tx: Transaction
    setting: Setting
    ehrs: Mapping[str, Ehr]
    now: datetime
    again: set[str]


async def decide(store: Store, setting: Setting, ehrs: Mapping[str, Ehr], clock: Clock) -> DecideReport:
    """Reconcile everybody who is owed it, in small transactions.

    Who is known to an EHR that is not open now is owed it again: what that EHR is owed could not be decided.
    """
    persons: set[str] = set()
    changed = 0
    again: set[str] = set()
    while True:
        async with store.transaction() as tx:
            now = clock.now()
            batch = await tx.wakes.due(now, limit=BATCH)
            here = _Pass(tx=tx, setting=setting, ehrs=ehrs, now=now, again=again)
            for due in batch:
                changed += await _decide_person(here, due)
        persons |= {due.person for due in batch}
        if len(batch) < BATCH:
            break
    if again:
        async with store.transaction() as tx:
            await tx.wakes.wake(again)
    return DecideReport(persons=frozenset(persons), changed=changed)


async def _decide_person(here: _Pass, due: Due) -> int:
    tx = here.tx
    dossier = await gather(tx, due.person, here.setting)
    account = account_of(dossier, here.setting, here.now)
    changed = await _put_account(here, dossier, account)
    for name in sorted(here.ehrs):
        if dossier.patient_at(name) is not None:
            changed += await _decide_for(here, dossier, account, here.ehrs[name])
    doubts = await _identity_findings(tx, dossier)
    findings = (*account.findings, *doubts, *await _write_findings(tx, dossier))
    changed += await tx.accounts.put_findings(due.person, findings, here.now)
    if any(one.ehr in here.setting.connections and one.ehr not in here.ehrs for one in dossier.links):
        here.again.add(due.person)
    await tx.wakes.reconciled(due, at=here.now, due_at=_next_moment(dossier, here.setting, here.now))
    return changed


async def _put_account(here: _Pass, dossier: Dossier, account: Account) -> int:
    stored = StoredAccount(
        person=dossier.person, body=canonical(account.content), hash=account.hash, reconciled_at=here.now
    )
    changed: int = await here.tx.accounts.put_account(stored)
    return changed + await here.tx.accounts.put_shadow(dossier.person, WHOLE, write_agreed(account.agreed), at=here.now)


# ---- one recipient ---------------------------------------------------------------------------------------------------
async def _decide_for(here: _Pass, dossier: Dossier, account: Account, ehr: Ehr) -> int:
    """Reconcile again over what this recipient may receive, and make that difference what it is owed."""
    dues = dues_of(dossier, account, ehr, setting=here.setting, now=here.now)
    state = write_agreed(dues.agreed)
    changed: int = await here.tx.accounts.put_shadow(dossier.person, ehr.name, state, at=here.now)
    changed += await here.tx.outbox.put_intents(dossier.person, ehr.name, dues.intents, at=here.now)
    return changed + await _withhold(here, dossier, ehr.name, dues.held_back)


async def _withhold(here: _Pass, dossier: Dossier, ehr: str, held_back: Sequence[tuple[Intent, str]]) -> int:
    """Keep what consent holds back, visible to us and with its reason; the refusal is in the audit log once."""
    entries = {one.intent.key: one for one in await here.tx.outbox.entries(person=dossier.person, ehr=ehr)}
    changed = 0
    for intent, reason in held_back:
        if await here.tx.outbox.withhold(intent, reason, at=here.now):
            await here.tx.audit.append([audit_row(_refusal(intent, reason, here.now))])
            changed += 1
    still = {intent.key for intent, _ in held_back}
    for key, entry in entries.items():
        if entry.status is Status.WITHHELD and key not in still:
            await here.tx.outbox.set_status(replace(entry, status=Status.OBSOLETE, reason="", updated_at=here.now))
            changed += 1
    return changed


def _refusal(intent: Intent, reason: str, now: datetime) -> Happening:
    return Happening(
        kind="refusal",
        at=now,
        actor=ACTOR,
        subject=intent.concept,
        person=intent.person,
        ehr=intent.ehr,
        purpose="TREAT",
        outcome="4",
        reason=reason,
        entities=intent.evidence,
    )


# ---- findings beside the account -------------------------------------------------------------------------------------
async def _identity_findings(tx: Transaction, dossier: Dossier) -> list[Finding]:
    """Return a finding for each record that may be the same person's and is linked to somebody else."""
    places = {one.place: one.ref for one in dossier.evidence}
    found: dict[str, Finding] = {}
    for one in dossier.evidence:
        if one.document.type != "Patient":
            continue
        record = read_patient(one.document)
        near = await candidates(tx, record, (one.ehr, one.document.id))
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


async def _write_findings(tx: Transaction, dossier: Dossier) -> list[Finding]:
    """Return a finding for each write that an EHR refused, that met a change, or whose outcome is unknown.

    How they stand after deciding is what counts: what is owed anew or wanted no longer is trouble no more.
    """
    if not any(one.status in _TROUBLE for one in dossier.entries):  # deciding itself makes no trouble
        return []
    return [
        finding(
            _TROUBLE[one.status],
            f"{one.intent.ehr}/{one.intent.key}",
            facts={"ehr": one.intent.ehr, "type": one.intent.type, "reason": one.reason},
            evidence=one.intent.evidence,
        )
        for one in await tx.outbox.entries(person=dossier.person)
        if one.status in _TROUBLE
    ]


def _next_moment(dossier: Dossier, setting: Setting, now: datetime) -> datetime:
    """Return when time itself may change the result: the next day of the programs, or a consent's own date."""
    zone = setting.policy.zone
    tomorrow = datetime.combine(now.astimezone(zone).date() + timedelta(days=1), time(), tzinfo=zone)
    moment = next_change(dossier.consents, now)
    return min(tomorrow, moment) if moment else tomorrow
