"""What a recipient may receive of a person's evidence: its own records, and what each source may disclose to it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from coordinator.access import (
    PART2_LABEL,
    Denied,
    HeldConsent,
    Inquiry,
    Party,
    Permitted,
    Reason,
    Segment,
    Verdict,
    decide,
)
from coordinator.care.enrollment.mapping import read_episode
from coordinator.care.medication.mapping import read_medication, read_medication_resource
from coordinator.care.medication.model import Proof
from coordinator.care.medication.rules import consent_codes, product_of
from coordinator.care.patient.mapping import read_patient
from coordinator.disclosure.terms import terms_of
from coordinator.fhir import Absolute, CodeableConcept, Document, Identifier, Relative, once, parse_reference
from coordinator.reconcile import Decision, Evidence, Organization, Policy, Presence

_MEDICATION_TYPES = frozenset(proof.value for proof in Proof)
_OPEN = frozenset({"planned", "waitlist", "active", "onhold"})  # FHIR R4 EpisodeOfCare.status


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Who would receive it, what for, and which tenant asks.

    `emergency` says that the record of 42 CFR 2.51 is kept.
    """

    organization: str
    purpose: str = "TREAT"
    tenant: str = ""
    emergency: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What one recipient may receive, and the verdict on each record by its place, `ehr/Type/id`."""

    evidence: tuple[Evidence, ...]
    decisions: tuple[Decision, ...]
    verdicts: Mapping[str, Verdict]

    def reason(self, citations: Iterable[str]) -> Reason | None:
        """Return why something that rests on these citations may not go out; None if it may."""
        gone = Denied(reason="evidence-gone")
        citations = tuple(citations)
        if not citations:
            return "no-evidence"  # what rests on nothing that we can name can't be placed
        verdicts = [self.verdicts.get(one.partition("@")[0], gone) for one in citations]
        reasons = sorted({one.reason for one in verdicts if isinstance(one, Denied)})
        return reasons[0] if reasons else None

    def consents(self, citations: Iterable[str]) -> tuple[str, ...]:
        """Return the consents on which something that rests on these citations may go out."""
        verdicts = [self.verdicts.get(one.partition("@")[0]) for one in citations]
        return tuple(sorted({one.consent for one in verdicts if isinstance(one, Permitted) and one.consent}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """By what is decided: who asks, the person's consents, the policy of the tenant whose data it is, and when."""

    actor: str
    consents: Sequence[HeldConsent]
    policy: Policy
    now: datetime
    tenant: str = ""


def sight(
    evidence: Sequence[Evidence], decisions: Sequence[Decision], recipient: Recipient, *, ruling: Ruling
) -> Sight:
    """Return what the recipient may receive: evidence permitted now, and decisions that rest on nothing else."""
    inquiry = _inquiry(evidence, decisions, recipient, ruling=ruling)
    medicines = {(one.ehr, one.document.id): one.document for one in evidence if one.document.type == "Medication"}
    treating = _treating(evidence)
    verdicts = {
        one.place: decide(
            replace(
                segment_of(one, ruling.policy, medicines),
                tenant=ruling.tenant,
                is_treating=one.organization in treating,
            ),
            inquiry,
            ruling.consents,
        )
        for one in evidence
    }
    allowed = [one for one in evidence if isinstance(verdicts[one.place], Permitted)]
    places = {one.place for one in allowed}
    return Sight(
        evidence=tuple(allowed),
        decisions=tuple(one for one in decisions if {ref.partition("@")[0] for ref in one.evidence} <= places),
        verdicts=verdicts,
    )


def _inquiry(
    evidence: Sequence[Evidence], decisions: Sequence[Decision], recipient: Recipient, *, ruling: Ruling
) -> Inquiry:
    """Return what is asked of access. Who has the person as a patient in an EHR of theirs treats them."""
    organization = ruling.policy.organizations.get(recipient.organization)
    patients = [one for one in evidence if one.document.type == "Patient" and one.presence is Presence.PRESENT]
    births = {read_patient(one.document).birth_date for one in patients} - {None}
    kind = organization.recipient_type if organization else "medical-personnel" if recipient.emergency else ""
    return Inquiry(
        actor=ruling.actor,
        recipient=Party(
            organization=recipient.organization,
            identifier=_identifier(organization),
            kind=kind,
            treats=any(one.organization == recipient.organization for one in patients),
        ),
        purpose=recipient.purpose,
        at=ruling.now,
        tenant=recipient.tenant,
        terms=terms_of(ruling.policy.options, decisions),
        emergency=recipient.emergency,
        born=max((one for one in births if one), default=None),  # where sources differ, who may be a minor is one
    )


def _treating(evidence: Iterable[Evidence]) -> frozenset[str]:
    """Return the organizations that have a course of treatment of the person open, as far as they say."""
    episodes = [one for one in evidence if one.document.type == "EpisodeOfCare" and one.presence is Presence.PRESENT]
    return frozenset(one.organization for one in episodes if read_episode(one.document).status in _OPEN)


def segment_of(evidence: Evidence, policy: Policy, medicines: Mapping[tuple[str, str], Document]) -> Segment:
    """Return the segment that a piece of evidence is: an organization that nobody described counts as Part 2."""
    source = policy.organizations.get(evidence.organization)
    part2 = source.part2 if source else True
    labels = _labels(evidence.document)
    return Segment(
        organization=evidence.organization,
        source=_identifier(source),
        part2=part2,
        type=evidence.document.type,
        codes=_codes(evidence, medicines),
        labels=labels | {PART2_LABEL} if part2 else labels,
    )


@once
def _labels(document: Document) -> frozenset[str]:
    return frozenset(str(label) for label in document.all("meta", "security", "code"))


def _codes(evidence: Evidence, medicines: Mapping[tuple[str, str], Document]) -> frozenset[str]:
    """Return the codes by which a consent may speak of a medicine: those of the record, its product and ingredients."""
    concept = _medicine_of(evidence, medicines)
    product = product_of(concept)
    told = frozenset(one.code for one in concept.codings if one.code) if concept else frozenset()
    return told | (consent_codes(product) if product else frozenset())


def _medicine_of(evidence: Evidence, medicines: Mapping[tuple[str, str], Document]) -> CodeableConcept | None:
    """Return the medicine that a record is, or is about; None where it is about none or does not tell."""
    if evidence.document.type == "Medication":
        return read_medication_resource(evidence.document)
    if evidence.document.type not in _MEDICATION_TYPES:
        return None
    record = read_medication(evidence.document)
    if record.medication is not None:
        return record.medication
    reference = parse_reference(record.medication_reference or "")
    id_ = reference.id if isinstance(reference, Relative | Absolute) else ""
    document = medicines.get((evidence.ehr, id_))
    return read_medication_resource(document) if document else None


def _identifier(organization: Organization | None) -> Identifier | None:
    if organization is None:
        return None
    return Identifier(system=organization.identifier[0], value=organization.identifier[1])
