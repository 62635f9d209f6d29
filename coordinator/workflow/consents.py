"""The registry of consents: a consent comes in as FHIR, is checked by its elements, and ends by revocation."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from coordinator.access.registry import StoredConsent
from coordinator.audit import AuditRow, Happening, audit_row
from coordinator.care.consent.mapping import read_consent
from coordinator.care.consent.model import ConsentRecord
from coordinator.care.consent.rules import in_force, is_restricting, problems
from coordinator.care.patient.keys import matching_keys
from coordinator.care.patient.model import PatientRecord
from coordinator.errors import InvalidInput, NotFound
from coordinator.fhir import Identifier, as_r4, check, check_r5, is_r5_consent, read_document
from coordinator.outbox import Status
from coordinator.outbox.model import subject_of
from coordinator.workflow.ports import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentLine:
    """A consent as the list shows it: how it stands, and what is missing in it (element id and text).

    A restriction stands as `restricts`. `person` is whom it is about, None where nobody known has its identifier;
    `disclosers` and `recipients` are organizations as (system, value).
    """

    consent: str
    state: str
    person: str | None
    disclosers: tuple[tuple[str, str], ...]
    recipients: tuple[tuple[str, str], ...]
    start: str | None
    end: str | None
    purposes: tuple[str, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What left by a consent: to which EHR, when, about which person, what; in flight where no answer is known yet."""

    ehr: str
    at: datetime
    person: str | None
    subject: str
    is_in_flight: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """A consent that has ended, what had left by it before, and the EHRs whose staff may be told that it has."""

    line: ConsentLine
    sent: tuple[Sent, ...]
    notice_to: tuple[str, ...]


async def add_consent(
    tx: Transaction, body: bytes, *, actor: str, now: datetime, forms: Mapping[str, frozenset[str]]
) -> ConsentLine:
    """Register a consent. One with missing elements is kept and permits nothing; a broken document is refused.

    A consent that was revoked stays so: what a person took back is given anew only by a new consent, with a new id.
    """
    document = read_document(body)
    if document.type != "Consent":
        raise InvalidInput(
            f"This is a {document.type}, not a Consent.",
            operation="add consent",
            hint="Give a FHIR Consent of R4 or R5.",
        )
    is_r5 = is_r5_consent(document)
    issues = [one for one in (check_r5(as_r4(document)) if is_r5 else check(document)) if one.blocks]
    if issues:
        raise InvalidInput(
            f"The Consent is not valid FHIR {'R5' if is_r5 else 'R4'}: {issues[0].path}: {issues[0].text.rstrip('.')}.",
            operation="add consent",
            hint="Correct the element and add it again.",
        )
    record = read_consent(document)
    if not record.consent_id:
        raise InvalidInput("The Consent has no id or identifier.", operation="add consent", hint="Give it an id.")
    held = {one.consent_id: one for one in await tx.consents.consents()}.get(record.consent_id)
    if held is not None and held.revoked_at is not None:
        if held.body == body:
            return await _line(tx, held, now, forms)
        raise InvalidInput(
            f"The consent {record.consent_id!r} was revoked on {held.revoked_at:%Y-%m-%d}; it is not taken up again.",
            operation="add consent",
            hint="Register a new consent under an id of its own.",
        )
    stored = StoredConsent(consent_id=record.consent_id, body=body, added_at=now)
    line = await _line(tx, stored, now, forms)
    await tx.audit.append([_event("consent", line, actor=actor, now=now)])
    if await tx.consents.put_consent(stored):
        await _wake_all(tx)
    return line


async def revoke_consent(
    tx: Transaction, consent_id: str, *, actor: str, now: datetime, forms: Mapping[str, frozenset[str]]
) -> Revoked:
    """End a consent: from the commit of this transaction on it permits nothing. Raises NotFound.

    What left by it before stays where it is (42 CFR 2.31(a)(6): the revocation reaches what is to come), and is listed.
    """
    held = {one.consent_id: one for one in await tx.consents.consents()}
    if consent_id not in held:
        raise NotFound(
            "There is no consent of this id.", operation="revoke", hint="`coordinator consent list` shows the ids."
        )
    stored = held[consent_id]
    if stored.revoked_at is None:
        stored = replace(stored, revoked_at=now)
        line = await _line(tx, stored, now, forms)
        await tx.audit.append([_event("revocation", line, actor=actor, now=now)])
        await tx.consents.put_consent(stored)
        await _wake_all(tx)
    line = await _line(tx, stored, now, forms)
    sent = await _sent_by(tx, consent_id, line.person)
    return Revoked(line=line, sent=sent, notice_to=tuple(sorted({one.ehr for one in sent})))


async def _sent_by(tx: Transaction, consent_id: str, person: str | None) -> tuple[Sent, ...]:
    """Return what left by a consent, oldest first, as the log has it; a write without answer yet is in flight."""
    rows = [
        one for one in await tx.audit.query("disclosure", person=person) if consent_id in (one.consent or "").split(",")
    ]
    waiting = Counter(
        (one.intent.ehr, one.intent.person, subject_of(one.intent))
        for one in await tx.outbox.entries(person=person)
        if one.status in {Status.IN_FLIGHT, Status.UNKNOWN}
    )
    sent: list[Sent] = []
    for one in reversed(rows):
        what = (one.ehr or "", one.person or "", one.subject)
        sent.append(
            Sent(ehr=what[0], at=one.at, person=one.person, subject=one.subject, is_in_flight=waiting[what] > 0)
        )
        waiting[what] -= 1
    return tuple(reversed(sent))


async def list_consents(tx: Transaction, *, now: datetime, forms: Mapping[str, frozenset[str]]) -> list[ConsentLine]:
    """Return the consents of the registry in order of id."""
    held = sorted(await tx.consents.consents(), key=lambda one: one.consent_id)
    return [await _line(tx, one, now, forms) for one in held]


async def _line(
    tx: Transaction, stored: StoredConsent, now: datetime, forms: Mapping[str, frozenset[str]]
) -> ConsentLine:
    record = replace(read_consent(read_document(stored.body)), revoked_at=stored.revoked_at)
    found = problems(record, now=now, forms=forms) if record.restriction is None else ()
    return ConsentLine(
        consent=stored.consent_id,
        state=_state(record, now, is_whole=not found),
        person=await _person_of(tx, record.patient),
        disclosers=_named(record.disclosers),
        recipients=_named(record.recipients),
        start=record.start,
        end=record.end,
        purposes=tuple(sorted(record.purposes)),
        problems=tuple(f"{one.element_id}: {one.text}" for one in found),
    )


def _state(record: ConsentRecord, now: datetime, *, is_whole: bool) -> str:
    if record.revoked_at is not None:
        return "revoked"
    if record.restriction is not None:
        return "restricts" if is_restricting(record, now) else "not in force"
    if not in_force(record, now):
        return "not in force"
    return "in force" if is_whole else "defective"


async def _person_of(tx: Transaction, patient: Identifier | None) -> str | None:
    """Return the one person who has the identifier that a consent names."""
    keys = matching_keys(PatientRecord(identifiers=(patient,))) if patient else ()
    places = {place for found in (await tx.people.with_keys(keys)).values() for place in found}
    persons = {link.person for link in (await tx.people.linked(sorted(places))).values()}
    return persons.pop() if len(persons) == 1 else None


def _named(organizations: Sequence[Identifier]) -> tuple[tuple[str, str], ...]:
    return tuple((one.system or "", one.value or "") for one in organizations)


def _event(kind: str, line: ConsentLine, *, actor: str, now: datetime) -> AuditRow:
    """Return the event of a consent, about the person whom it is known to concern."""
    return audit_row(
        Happening(kind=kind, at=now, actor=actor, subject="Consent", consent=line.consent, person=line.person)
    )


async def _wake_all(tx: Transaction) -> None:
    """Wake everybody: whom a consent is about is found when each is reconciled, and it changes only their results."""
    await tx.wakes.wake(sorted({one.person for one in await tx.people.links()}))
