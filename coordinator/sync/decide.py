"""Decide: reconcile each person who is owed it, and write down what each EHR is owed from that."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

from coordinator.access import next_change
from coordinator.audit import Happening, audit_row
from coordinator.clock import Clock
from coordinator.fhir import Json, canonical
from coordinator.outbox import Entry, Form, Intent, Status
from coordinator.outbox.owed_care_plan import CANNOT
from coordinator.outbox.succession import conflicts, is_stuck, uncontested
from coordinator.reconcile import Account, Finding
from coordinator.reconcile.finding_life import RESOLVED
from coordinator.reconcile.findings import finding
from coordinator.sync.agreed import write_agreed
from coordinator.sync.circle import Terms, terms_of
from coordinator.sync.consent_doubts import consent_findings
from coordinator.sync.delivered import keep_deliveries
from coordinator.sync.doubts import identity_findings, wrong_person_findings
from coordinator.sync.dues import Dues, disputes_among, dues_of
from coordinator.sync.gather import ACTOR, WHOLE, Dossier, Setting, account_of, gather
from coordinator.sync.ports import Ehr, Store, Transaction
from coordinator.sync.records import Due, StoredAccount
from coordinator.sync.unreadable import unreadable_findings
from coordinator.tracing import span

BATCH = 50

_UNSTORABLE = "write.cannot-be-stored"
_CONTESTED = "write.contested"
_EVER = datetime.min.replace(tzinfo=UTC)
_TROUBLE = {
    Status.REFUSED: _UNSTORABLE,
    Status.CONFLICT: _CONTESTED,
    Status.UNKNOWN: "write.unknown-outcome",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideReport:
    """Who was reconciled and how many rows changed by that; `again` are those who are known to an EHR not open now."""

    persons: frozenset[str]
    changed: int
    again: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pass:
    """What one transaction of deciding works with."""

    tx: Transaction
    setting: Setting
    ehrs: Mapping[str, Ehr]
    now: datetime
    again: set[str]
    terms: Terms


async def decide(
    store: Store, setting: Setting, ehrs: Mapping[str, Ehr], clock: Clock, *, only: Collection[str] | None = None
) -> DecideReport:
    """Reconcile everybody who is owed it, or of these alone, in small transactions.

    Who is known to an EHR that is not open now is owed it again: what that EHR is owed could not be decided. That makes
    no job, since nothing is gained by looking again at once.
    """
    with span("decide") as here:
        report = await _decided(store, setting, ehrs, clock, only=only)
        here.tell(people=len(report.persons), changed=report.changed)
        return report


async def _decided(
    store: Store, setting: Setting, ehrs: Mapping[str, Ehr], clock: Clock, *, only: Collection[str] | None
) -> DecideReport:
    persons: set[str] = set()
    changed = 0
    again: set[str] = set()
    while True:
        async with store.transaction() as tx:
            now = clock.now()
            batch = await tx.wakes.due(now, limit=BATCH, only=only)
            terms = await terms_of(tx, setting.policy.options)
            here = _Pass(tx=tx, setting=setting, ehrs=ehrs, now=now, again=again, terms=terms)
            for due in batch:
                changed += await _decide_person(here, due)
        persons |= {due.person for due in batch}
        if len(batch) < BATCH:
            break
    if again:
        async with store.transaction() as tx:
            await tx.jobs.hush()
            await tx.wakes.wake(again)
    return DecideReport(persons=frozenset(persons), changed=changed, again=frozenset(again))


async def _decide_person(here: _Pass, due: Due) -> int:
    tx = here.tx
    dossier = await gather(tx, due.person, here.setting)
    if not dossier.links:
        return await _decide_for_nobody(here, dossier, due)
    account = account_of(dossier, here.setting, here.now)
    changed = await _put_account(here, dossier, account)
    disputes = await _unseen_disputes(here, dossier, account)
    is_troubled = any(one.status in _TROUBLE or _cannot_be_stored(one) for one in dossier.entries)
    for name in sorted(here.ehrs):
        if dossier.patient_at(name) is not None:
            dues = dues_of(dossier, account, here.ehrs[name], setting=here.setting, now=here.now)
            changed += await _decide_for(here, dossier, name, dues)
            disputes |= {one.key: one for one in dues.disputes}
            is_troubled |= any(_is_unstorable(one) for one in dues.intents)
    changed += await _owe_nothing(here, dossier, {one.intent.ehr for one in dossier.entries} - dossier.ehrs)
    doubts = await identity_findings(tx, dossier, here.terms)
    writes = await _write_findings(tx, dossier) if is_troubled else []
    unread = await unreadable_findings(tx, dossier)
    asked = consent_findings(dossier, here.setting, now=here.now)
    findings = (*account.findings, *disputes.values(), *doubts, *writes, *unread, *asked)
    changed += await tx.accounts.put_findings(due.person, findings, here.now)
    if any(one.ehr in here.setting.connections and one.ehr not in here.ehrs for one in dossier.links):
        here.again.add(due.person)
    await tx.wakes.reconciled(due, at=here.now, due_at=_next_moment(dossier, here.setting, here.now))
    return changed


async def _unseen_disputes(here: _Pass, dossier: Dossier, account: Account) -> dict[str, Finding]:
    """Return the open questions that may be those of an EHR that is not open now: nobody knows that they are gone."""
    if all(one.ehr in here.ehrs or one.ehr not in here.setting.connections for one in dossier.links):
        return {}
    held = [one for _, one in await here.tx.accounts.findings(dossier.person) if one.status != RESOLVED]
    return {one.key: one for one in disputes_among(held, dossier, account)}


async def _decide_for_nobody(here: _Pass, dossier: Dossier, due: Due) -> int:
    """Close what is open of a person whose records are another's now; what was agreed stays, in case they come back."""
    account = account_of(replace(dossier, agreed={}), here.setting, here.now)
    changed: int = await here.tx.accounts.put_account(_stored(dossier, account, here.now))
    changed += await _owe_nothing(here, dossier, {one.intent.ehr for one in dossier.entries})
    changed += await here.tx.accounts.put_findings(due.person, await wrong_person_findings(here.tx, dossier), here.now)
    await here.tx.wakes.reconciled(due, at=here.now, due_at=None)
    return changed


async def _owe_nothing(here: _Pass, dossier: Dossier, ehrs: Collection[str]) -> int:
    """Owe nothing more to EHRs at which the person has no record."""
    changed = 0
    for ehr in sorted(ehrs):
        changed += await here.tx.outbox.put_intents(dossier.person, ehr, (), at=here.now)
        changed += await _withhold(here, dossier, ehr, [])
    return changed


def _stored(dossier: Dossier, account: Account, now: datetime) -> StoredAccount:
    return StoredAccount(person=dossier.person, body=canonical(account.content), hash=account.hash, reconciled_at=now)


async def _put_account(here: _Pass, dossier: Dossier, account: Account) -> int:
    changed: int = await here.tx.accounts.put_account(_stored(dossier, account, here.now))
    return changed + await here.tx.accounts.put_shadow(dossier.person, WHOLE, write_agreed(account.agreed), at=here.now)


# ---- one recipient ---------------------------------------------------------------------------------------------------
async def _decide_for(here: _Pass, dossier: Dossier, ehr: str, dues: Dues) -> int:
    """Make the difference between what this recipient may know and what it holds what it is owed."""
    await _try_again(here, dossier, ehr)
    changed: int = await here.tx.accounts.put_shadow(dossier.person, ehr, write_agreed(dues.agreed), at=here.now)
    changed += await here.tx.outbox.put_intents(dossier.person, ehr, dues.intents, at=here.now)
    changed += await _withhold(here, dossier, ehr, dues.held_back)
    return changed + await keep_deliveries(here.tx, dossier, ehr, held=dues.held, now=here.now)


async def _try_again(here: _Pass, dossier: Dossier, ehr: str) -> None:
    """Let go on what met too many edits, where a person has said so since."""
    for entry in dossier.entries:
        key = f"{_CONTESTED}:{ehr}/{entry.intent.key}"
        if entry.intent.ehr != ehr or not is_stuck(entry):
            continue
        if any(one.key == key and one.decided_at > (entry.updated_at or _EVER) for one in dossier.decisions):
            freed = replace(uncontested(entry), status=Status.OWED, reason="", updated_at=here.now)
            await here.tx.outbox.set_status(freed)


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
async def _write_findings(tx: Transaction, dossier: Dossier) -> list[Finding]:
    """Return a finding for each write that an EHR refused, that met a change, or whose outcome is unknown.

    How they stand after deciding is what counts: what is owed anew or wanted no longer is trouble no more.
    """
    return [
        finding(
            _TROUBLE.get(one.status, _UNSTORABLE),
            f"{one.intent.ehr}/{one.intent.key.removesuffix(f':{CANNOT}')}",
            facts={"ehr": one.intent.ehr, "type": one.intent.type, "reason": _reason(one)} | _tries(one),
            evidence=one.intent.evidence,
        )
        for one in await tx.outbox.entries(person=dossier.person)
        if one.status in _TROUBLE or _cannot_be_stored(one)
    ]


def _cannot_be_stored(entry: Entry) -> bool:
    """Tell whether an entry is of values that its EHR is known not to hold: they stay owed, for a person to tell."""
    return entry.status is Status.OWED and _is_unstorable(entry.intent)


def _is_unstorable(intent: Intent) -> bool:
    return intent.form is Form.NONE and bool(intent.paths)


def _tries(entry: Entry) -> dict[str, Json]:
    """Return after how many tries in a row a person is asked, where that is so."""
    return {"tries": conflicts(entry)} if is_stuck(entry) else {}


def _reason(entry: Entry) -> str:
    return entry.reason or f"cannot be stored: {', '.join(entry.intent.paths)}"


def _next_moment(dossier: Dossier, setting: Setting, now: datetime) -> datetime:
    """Return when time itself may change the result: the next day of the programs, or a consent's own date."""
    zone = setting.policy.zone
    tomorrow = datetime.combine(now.astimezone(zone).date() + timedelta(days=1), time(), tzinfo=zone)
    moment = next_change(dossier.consents, now)
    return min(tomorrow, moment) if moment else tomorrow
