"""What a recipient may receive of a person's evidence: its own records, and what each source may disclose to it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from coordinator.access import (
    PART2_LABEL,
    Denied,
    Ground,
    HeldConsent,
    Inquiry,
    Party,
    Permitted,
    Reason,
    Segment,
    Verdict,
    decide,
)
from coordinator.access.content import INGREDIENT, contents, may_be_from_a_program, own_acts
from coordinator.access.labels import Label, high_water, label_of, speaks_of_part2
from coordinator.care.enrollment.mapping import read_episode
from coordinator.care.medication.mapping import read_medication, read_medication_resource
from coordinator.care.medication.model import Proof
from coordinator.care.medication.rules import consent_codes, product_of
from coordinator.care.patient.mapping import read_patient
from coordinator.disclosure.marking import Marking
from coordinator.disclosure.terms import terms_of
from coordinator.fhir import (
    Absolute,
    CodeableConcept,
    Document,
    Identifier,
    Json,
    Relative,
    Remove,
    once,
    parse_reference,
    patched,
)
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
    """What one recipient may receive, and the verdict on each record by its place, `ehr/Type/id`.

    `labels` are the labels of the records by place; `purpose` and `notice` are what a disclosure tells the recipient.
    """

    evidence: tuple[Evidence, ...]
    decisions: tuple[Decision, ...]
    verdicts: Mapping[str, Verdict]
    labels: Mapping[str, Label] = field(default_factory=dict)
    purpose: str = "TREAT"
    notice: str = ""

    def reason(self, citations: Iterable[str]) -> Reason | None:
        """Return why something that rests on these citations may not go out; None if it may."""
        gone = Denied(reason="evidence-gone")
        places = _places(citations)
        if not places:
            return "no-evidence"  # what rests on nothing that we can name can't be placed
        verdicts = [self.verdicts.get(one, gone) for one in places]
        reasons = sorted({one.reason for one in verdicts if isinstance(one, Denied)})
        return reasons[0] if reasons else None

    def marking(self, citations: Iterable[str]) -> Marking:
        """Return how something that rests on these citations is marked when it goes out.

        What rests on nothing but the recipient's own records goes out as it is; else the label is the high-water mark
        of all that it rests on.
        """
        places = _places(citations)
        permits = [one for one in map(self.verdicts.get, places) if isinstance(one, Permitted)]
        if all(one.ground is Ground.OWN for one in permits):
            return Marking()
        label = high_water(self.labels[one] for one in places if one in self.labels)
        marks = frozenset(code for one in permits for code in one.marks)
        return Marking(
            label=high_water((label, label_of(marks))),
            consents=self.consents(citations),
            purpose=self.purpose,
            notice=self.notice,
        )

    def consents(self, citations: Iterable[str]) -> tuple[str, ...]:
        """Return the consents on which something that rests on these citations may go out."""
        verdicts = [self.verdicts.get(one) for one in _places(citations)]
        return tuple(sorted({one.consent for one in verdicts if isinstance(one, Permitted) and one.consent}))


def _places(citations: Iterable[str]) -> list[str]:
    return sorted({one.partition("@")[0] for one in citations})


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
    segments = {
        one.place: replace(
            segment_of(one, ruling.policy, medicines),
            tenant=ruling.tenant,
            is_treating=one.organization in treating,
        )
        for one in evidence
    }
    verdicts = {place: decide(segment, inquiry, ruling.consents) for place, segment in segments.items()}
    allowed = [cut(one, verdict.cuts) for one in evidence if isinstance(verdict := verdicts[one.place], Permitted)]
    places = {one.place for one in allowed}
    return Sight(
        evidence=tuple(allowed),
        decisions=tuple(one for one in decisions if {ref.partition("@")[0] for ref in one.evidence} <= places),
        verdicts=verdicts,
        labels={place: label_of(segments[place].labels) for place in places},
        purpose=recipient.purpose,
        notice=str(ruling.policy.options.get("notice") or ""),
    )


def cut(evidence: Evidence, cuts: frozenset[str]) -> Evidence:
    """Return a record without what is not necessary: as if it had never held it."""
    present = sorted(cuts & evidence.document.tree.keys())
    if not present:
        return evidence
    return replace(evidence, document=patched(evidence.document, [Remove((name,)) for name in present]))


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
    """Return the segment that a piece of evidence is: what is under Part 2 shows by source, by label and by content.

    An organization that nobody described counts as Part 2, and so does what may come from a program.
    """
    source = policy.organizations.get(evidence.organization)
    medicine = _medicine_of(evidence, medicines)
    product = product_of(medicine)
    told = frozenset(one.code for one in medicine.codings if one.code) if medicine else frozenset()
    mentioned = _codings(evidence.document)
    inside = contents((*mentioned, *([(INGREDIENT, product.ingredient)] if product else [])))
    labels = _labels(evidence.document) | {one.label for one in inside}
    part2 = (
        source is None
        or source.part2
        or speaks_of_part2(_labels(evidence.document))
        or may_be_from_a_program(inside, is_own_act=_is_own_act(evidence.document))
    )
    return Segment(
        organization=evidence.organization,
        source=_identifier(source),
        part2=part2,
        type=evidence.document.type,
        codes=told | (consent_codes(product) if product else frozenset()) | _about(evidence.document),
        mentions=frozenset(code for _, code in mentioned),
        labels=labels | {PART2_LABEL} if part2 else labels,
    )


@once
def _labels(document: Document) -> frozenset[str]:
    return frozenset(str(label) for label in document.all("meta", "security", "code"))


@once
def _about(document: Document) -> frozenset[str]:
    """Return the codes of what a record is of, where FHIR keeps them in `code`."""
    return frozenset(str(code) for code in document.all("code", "coding", "code"))


@once
def _codings(document: Document) -> tuple[tuple[str, str], ...]:
    """Return all codes in a record but those of its meta, as (system, code)."""
    found: list[tuple[str, str]] = []
    waiting: list[Json] = [value for name, value in document.tree.items() if name != "meta"]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            waiting += one.values()
            system, code = one.get("system"), one.get("code")
            if isinstance(system, str) and isinstance(code, str):
                found.append((system, code))
    return tuple(found)


def _is_own_act(document: Document) -> bool:
    """Say whether a record is of what its organization did or said itself, and not of what somebody told it."""
    if document.get("reportedBoolean") is True or document.get("reportedReference"):
        return False
    if document.type == "MedicationStatement":
        source = document.get("informationSource", "reference")
        return isinstance(source, str) and source.startswith(("Practitioner/", "PractitionerRole/"))
    return document.type in own_acts()


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
