"""Gather: all that deciding about one person needs, read from the store in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from coordinator.access import HeldConsent
from coordinator.care.consent.mapping import read_consent
from coordinator.care.consent.model import ConsentRecord
from coordinator.care.patient.mapping import read_patient
from coordinator.disclosure import Recipient, Ruling, Sight, sight
from coordinator.errors import NotFound
from coordinator.fhir import Document, Identifier, as_r4, is_r5, read_document
from coordinator.outbox import Entry, Status
from coordinator.outbox.receiver import is_ours
from coordinator.reconcile import Account, Agreed, Decision, Evidence, Policy, Presence, reconcile
from coordinator.reconcile.as_of import had_been_decided_about, had_happened
from coordinator.sync.agreed import in_own_words, read_agreed
from coordinator.sync.ports import Transaction
from coordinator.sync.records import EhrConnection, IdentityLink, Received
from coordinator.sync.referred import referred_by
from coordinator.sync.versions import own_part

ACTOR = "system:sync"
WHOLE = ""  # the view that sees everything: the account itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is the same for all persons of a run: connections, policy, the consents, and what their forms hold."""

    connections: Mapping[str, EhrConnection]
    policy: Policy
    consents: tuple[HeldConsent, ...]
    forms: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """All that is known and decided about one person."""

    person: str
    links: tuple[IdentityLink, ...]
    evidence: tuple[Evidence, ...]
    decisions: tuple[Decision, ...]
    agreed: Mapping[str, Agreed]
    entries: tuple[Entry, ...]
    consents: tuple[HeldConsent, ...]

    def patient_at(self, ehr: str) -> str | None:
        """Return the id of the Patient that the person is in an EHR: of several, one that the EHR still uses."""
        own = [one.patient for one in self.links if one.ehr == ehr]
        if len(own) > 1:
            own = [one for one in own if f"{ehr}/Patient/{one}" not in self.retired] or own
        return next(iter(own), None)

    @property
    def ehrs(self) -> set[str]:
        """Return the EHRs that know the person."""
        return {one.ehr for one in self.links}

    @property
    def retired(self) -> set[str]:
        """Return the places of Patient records that their EHR merged into another, or closed."""
        records = [(one, read_patient(one.document)) for one in self.evidence if one.document.type == "Patient"]
        return {
            one.place
            for one, record in records
            if record.replaced_by or record.active is False or one.presence is not Presence.PRESENT
        }


async def gather(
    tx: Transaction,
    person: str,
    setting: Setting,
    *,
    known_at: datetime | None = None,
    as_of: date | None = None,
) -> Dossier:
    """Return the dossier of a person: as it was known at an instant, and of what had happened by a day, if given."""
    links = tuple(await tx.people.links(person, known_at=known_at))
    versions = await tx.evidence.latest([(one.ehr, one.patient) for one in links], known_at=known_at)
    own: dict[str, set[str]] = {}
    for link in links:
        own.setdefault(link.ehr, set()).add(link.patient)
    documents = [(one, own_part(_viewed(one, setting), own.get(one.ehr, ()))) for one in versions]
    documents += await _referred(tx, documents, known_at)
    entries = tuple(await tx.outbox.entries(person=person))
    written = {(one.intent.ehr, one.result_id) for one in entries if one.intent.claim and one.result_id}
    evidence = tuple(
        _evidence(version, document, setting.connections, ours=(version.ehr, version.id) in written)
        for version, document in documents
    )
    decisions = _of_records(await tx.accounts.decisions(person), evidence, known_at)
    shadows = await tx.accounts.shadows(person, known_at=_agreed_at(known_at, as_of, setting.policy.zone))
    return Dossier(
        person=person,
        links=links,
        evidence=evidence if as_of is None else had_happened(evidence, as_of, setting.policy.zone),
        decisions=decisions if as_of is None else had_been_decided_about(decisions, as_of, setting.policy.zone),
        agreed={view: in_own_words(read_agreed(body), entries, evidence) for view, body in shadows.items()},
        entries=entries,
        consents=_of_person(setting.consents, evidence),
    )


def _viewed(version: Received, setting: Setting) -> Document:
    """Return the document of a version, read by the version of FHIR that its EHR speaks."""
    document = read_document(version.body)
    connection = setting.connections.get(version.ehr)
    return as_r4(document) if connection is not None and is_r5(connection.profile.get("fhir_version")) else document


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the last instant of a day of the programs."""
    return datetime.combine(day, time.max, tzinfo=zone)


def _agreed_at(known_at: datetime | None, as_of: date | None, zone: ZoneInfo) -> datetime | None:
    """Return the instant whose agreed states count: what was agreed after the day was not yet agreed then."""
    if as_of is None:
        return known_at
    return end_of(as_of, zone) if known_at is None else min(known_at, end_of(as_of, zone))


def _of_records(
    decisions: Sequence[Decision], evidence: Sequence[Evidence], known_at: datetime | None
) -> tuple[Decision, ...]:
    """Return the decisions that rest on this person's records alone: those about parted records don't count."""
    places = {one.place for one in evidence}
    return tuple(
        one
        for one in decisions
        if (known_at is None or one.decided_at <= known_at)
        and {ref.partition("@")[0] for ref in one.evidence} <= places
    )


def _evidence(
    version: Received, document: Document, connections: Mapping[str, EhrConnection], *, ours: bool
) -> Evidence:
    connection = connections.get(version.ehr)
    return Evidence(
        ehr=version.ehr,
        document=document,
        organization=connection.organization if connection else "",
        learned_at=version.learned_at,
        presence=version.presence,
        ours=ours or is_ours(document),
    )


async def _referred(
    tx: Transaction, documents: Sequence[tuple[Received, Document]], known_at: datetime | None
) -> list[tuple[Received, Document]]:
    """Return the medicines and places that the records refer to."""
    wanted = {(version.ehr, *each) for version, document in documents for each in referred_by(document)}
    found = [await tx.evidence.one(*each, known_at=known_at) for each in sorted(wanted)]
    return [(one, read_document(one.body)) for one in found if one is not None]


def _of_person(consents: Sequence[HeldConsent], evidence: Sequence[Evidence]) -> tuple[HeldConsent, ...]:
    """Return the consents whose patient identifier is one of the person's."""
    own: set[tuple[str | None, str | None]] = set()
    for one in evidence:
        if one.document.type == "Patient":
            own.update((each.system, each.value) for each in read_patient(one.document).identifiers)
    return tuple(one for one in consents if _is_of(one.record.patient, own))


def named_by(dossier: Dossier) -> Identifier:
    """Return an identifier by which the registry of consents finds the person. Raises NotFound where there is none."""
    patients = [read_patient(one.document) for one in dossier.evidence if one.document.type == "Patient"]
    known = [each for one in patients for each in one.identifiers if each.system and each.value]
    if not known:
        raise NotFound(
            "No record of this person has an identifier by which a consent could name them.",
            operation="name person",
            hint="Ask one of the EHRs to enter one, such as its medical record number.",
        )
    return min(known, key=lambda one: (one.system or "", one.value or ""))


def _is_of(patient: Identifier | None, own: set[tuple[str | None, str | None]]) -> bool:
    return patient is not None and bool(patient.value) and (patient.system, patient.value) in own


@lru_cache(maxsize=10_000)
def _consent_in(body: bytes) -> ConsentRecord:
    """Return the consent that a document holds; each body that leaves asks for all of a tenant's anew."""
    return read_consent(read_document(body))


async def setting_of(
    tx: Transaction, policy: Policy, forms: Mapping[str, frozenset[str]], *, known_at: datetime | None = None
) -> Setting:
    """Return what all persons of a run share; how complete the pulls were, as it was known at an instant if given."""
    connections = {one.name: one for one in await tx.registry.ehrs()}
    mappings = {name: one.mapping for name, one in connections.items()}
    consents = [
        HeldConsent(record=replace(_consent_in(one.body), revoked_at=one.revoked_at), forms=forms)
        for one in await tx.consents.consents()
    ]
    return Setting(
        connections=connections,
        policy=replace(policy, mappings=mappings, grades=await tx.pulls.grades(known_at=known_at)),
        consents=tuple(consents),
        forms=forms,
    )


def account_of(dossier: Dossier, setting: Setting, now: datetime) -> Account:
    """Return the whole account of a person, as of an instant."""
    agreed = replace(dossier.agreed.get(WHOLE, Agreed()), written=_written(dossier.entries))
    return reconcile(dossier.evidence, agreed, dossier.decisions, policy=setting.policy, as_of=now)


def _written(entries: Sequence[Entry]) -> dict[str, frozenset[str]]:
    """Return which EHRs got writes that rest on a record, by `ehr/Type/id`."""
    found: dict[str, set[str]] = {}
    for one in entries:
        if one.status in (Status.APPLIED, Status.VERIFIED):
            for ref in one.intent.evidence:
                found.setdefault(ref.partition("@")[0], set()).add(one.intent.ehr)
    return {place: frozenset(ehrs) for place, ehrs in found.items()}


def sight_for(dossier: Dossier, ehr: str, setting: Setting, *, now: datetime) -> Sight:
    """Return what the organization behind an EHR may receive about a person for treatment, now."""
    return sight(
        dossier.evidence,
        dossier.decisions,
        Recipient(organization=setting.connections[ehr].organization),
        ruling=Ruling(actor=ACTOR, consents=dossier.consents, policy=setting.policy, now=now),
    )
