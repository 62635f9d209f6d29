"""Strategies for the lens laws: documents with much that we do not know, and records of every concept."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from hypothesis import strategies as st

from coordinator.care.assessment.mapping import read_answered, read_assessment, write_answered, write_assessment
from coordinator.care.assessment.model import AnsweredRecord, AssessmentRecord, Given, Item, Rating
from coordinator.care.bill.mapping import read_bill, read_charge, write_bill, write_charge
from coordinator.care.bill.model import BillLine, BillRecord, ChargeRecord, Span
from coordinator.care.care_plan.mapping import read_care_plan, read_goal, write_care_plan, write_goal
from coordinator.care.care_plan.model import ActivityRecord, CarePlanRecord, GoalRecord
from coordinator.care.care_team.mapping import read_care_team, write_care_team
from coordinator.care.care_team.model import CareTeamRecord, Participant
from coordinator.care.certification.mapping import read_certification, write_certification
from coordinator.care.certification.model import CertificationRecord
from coordinator.care.consent.mapping import read_consent, write_consent
from coordinator.care.enrollment.mapping import DISPOSITION, read_episode, write_episode
from coordinator.care.enrollment.model import EpisodeRecord, StatusSpan
from coordinator.care.medication.mapping import read_medication, write_medication
from coordinator.care.medication.model import MedicationRecord, Proof
from coordinator.care.patient.mapping import read_patient, write_patient
from coordinator.care.patient.model import Address, PatientRecord
from coordinator.care.referral.mapping import read_request, read_task, write_request, write_task
from coordinator.care.referral.model import RequestRecord, TaskRecord
from coordinator.care.session.mapping import (
    read_appointment,
    read_encounter,
    read_place,
    write_appointment,
    write_encounter,
    write_place,
)
from coordinator.care.session.model import (
    AppointmentRecord,
    ContactSpan,
    EncounterRecord,
    ParticipantRecord,
    PlaceRecord,
)
from coordinator.fhir import CodeableConcept, Coding, DecimalText, Document, Identifier, Quantity, read_document

Tree = dict[str, Any]

# --- values ------------------------------------------------------------------------------------------------------

words = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=8)
maybe = st.none() | words
decimals = st.sampled_from(["1.10", "0.50", "8", "2e1", "12.000"]).map(DecimalText)
dates = st.sampled_from(["2026", "2026-03", "2026-03-02", "2026-03-02T09:30:00-05:00", "2026-03-02T14:30:00Z"])
maybe_date = st.none() | dates
references = st.sampled_from(["Patient/1", "Organization/o-2", "https://ehr.example/fhir/Goal/9", "urn:uuid:a-b"])
maybe_reference = st.none() | references

codings = st.builds(Coding, system=maybe, code=words, display=maybe)
concepts = st.builds(CodeableConcept, codings=st.lists(codings, max_size=2).map(tuple), text=words)
identifiers = st.builds(
    Identifier,
    system=maybe,
    value=words,
    type_code=st.sampled_from([None, "MR", "SS"]),
    use=st.sampled_from([None, "usual"]),
)
quantities = st.builds(Quantity, value=decimals, unit=maybe, system=maybe, code=maybe)
extensions = st.lists(
    st.fixed_dictionaries({"url": st.just("https://ehr.example/x"), "valueString": words}), min_size=1, max_size=2
)
anything = st.recursive(
    st.booleans() | st.integers(-9, 9) | decimals | words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2),
    max_leaves=4,
)


def several(element: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(element, max_size=3).map(tuple)


# --- what a FHIR server may send ---------------------------------------------------------------------------------

coding_json = st.fixed_dictionaries(
    {"code": words}, optional={"system": words, "display": words, "version": words, "userSelected": st.booleans()}
)
concept_json = st.fixed_dictionaries(
    {"text": words}, optional={"coding": st.lists(coding_json, min_size=1, max_size=2), "extension": extensions}
)
reference_json = st.fixed_dictionaries({}, optional={"reference": references, "display": words, "type": words}).filter(
    bool
)
identifier_json = st.fixed_dictionaries(
    {"value": words},
    optional={
        "system": words,
        "use": words,
        "type": concept_json,
        "period": st.just({"start": "2020"}),
        "assigner": st.just({"display": "x"}),
    },
)
quantity_json = st.fixed_dictionaries(
    {"value": decimals}, optional={"unit": words, "code": words, "extension": extensions}
)
period_json = st.fixed_dictionaries({}, optional={"start": dates, "end": dates, "extension": extensions}).filter(bool)
meta_json = st.fixed_dictionaries(
    {}, optional={"versionId": words, "lastUpdated": dates, "tag": st.lists(coding_json, min_size=1, max_size=1)}
).filter(bool)


def listed(element: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(element, min_size=1, max_size=3)


COMMON = {
    "id": words,
    "meta": meta_json,
    "extension": extensions,
    "_status": st.fixed_dictionaries({"extension": extensions}),
}

PATIENT = {
    "identifier": listed(identifier_json),
    "active": st.booleans(),
    "name": listed(
        st.fixed_dictionaries(
            {},
            optional={
                "use": st.sampled_from(["official", "usual", "old", "maiden", "temp"]),
                "family": words,
                "given": listed(words),
                "suffix": listed(words),
                "text": words,
            },
        ).filter(bool)
    ),
    "telecom": listed(
        st.fixed_dictionaries(
            {"system": st.sampled_from(["phone", "email"]), "value": words},
            optional={"use": st.sampled_from(["home", "old"]), "rank": st.integers(1, 3)},
        )
    ),
    "address": listed(
        st.fixed_dictionaries(
            {"city": words},
            optional={
                "use": st.sampled_from(["home", "old"]),
                "line": listed(words),
                "postalCode": words,
                "country": words,
            },
        )
    ),
    "gender": words,
    "birthDate": dates,
    "link": listed(
        st.fixed_dictionaries(
            {"other": reference_json, "type": st.sampled_from(["replaced-by", "replaces", "seealso"])}
        )
    ),
}
episode_extension_json = st.fixed_dictionaries(
    {"url": st.sampled_from([DISPOSITION, "https://x.example/other"])}, optional={"valueCodeableConcept": concept_json}
)
EPISODE = {
    "status": words,
    "type": listed(concept_json),
    "patient": reference_json,
    "managingOrganization": reference_json,
    "period": period_json,
    "statusHistory": listed(st.fixed_dictionaries({"status": words}, optional={"period": period_json})),
    "extension": listed(episode_extension_json),
    "careManager": reference_json,
}
ENCOUNTER = {
    "status": words,
    "class": coding_json,
    "type": listed(concept_json),
    "subject": reference_json,
    "episodeOfCare": listed(reference_json),
    "period": period_json,
    "serviceProvider": reference_json,
    "hospitalization": st.fixed_dictionaries(
        {"origin": reference_json}, optional={"dischargeDisposition": concept_json}
    ),
    "appointment": listed(reference_json),
    "location": listed(
        st.fixed_dictionaries({"location": reference_json}, optional={"status": words, "period": period_json})
    ),
    "statusHistory": listed(
        st.fixed_dictionaries({}, optional={"status": words, "period": period_json, "extension": extensions})
    ),
}
CERTIFICATION = {
    "ServiceRequest": {"authoredOn": dates, "occurrencePeriod": period_json, "intent": words, "code": concept_json},
    "CarePlan": {"created": dates, "period": period_json, "category": listed(concept_json)},
    "DocumentReference": {
        "date": dates,
        "context": st.fixed_dictionaries({}, optional={"period": period_json, "event": listed(concept_json)}),
        "type": concept_json,
    },
}
PARTICIPANT = st.fixed_dictionaries(
    {"status": words},
    optional={"actor": reference_json, "period": period_json, "required": words, "type": listed(concept_json)},
)
APPOINTMENT = {
    "status": words,
    "serviceType": listed(concept_json),
    "appointmentType": concept_json,
    "description": words,
    "start": dates,
    "end": dates,
    "minutesDuration": st.integers(1, 90),
    "participant": listed(PARTICIPANT),
}
LINE = st.fixed_dictionaries(
    {"sequence": st.just(1)},
    optional={
        "productOrService": concept_json,
        "revenue": concept_json,
        "locationCodeableConcept": concept_json,
        "servicedDate": dates,
        "servicedPeriod": period_json,
        "extension": extensions,
    },
)
BILL = {
    "status": words,
    "use": words,
    "provider": st.fixed_dictionaries({}, optional={"identifier": identifier_json, "display": words}),
    "billablePeriod": period_json,
    "item": listed(LINE),
}
CHARGE = {
    "status": words,
    "code": concept_json,
    "performingOrganization": st.fixed_dictionaries({}, optional={"identifier": identifier_json, "display": words}),
    "occurrenceDateTime": dates,
    "occurrencePeriod": period_json,
}
GIVEN = st.fixed_dictionaries(
    {}, optional={"valueCoding": coding_json, "valueInteger": st.integers(-9, 9), "extension": extensions}
)
ITEM = st.recursive(
    st.fixed_dictionaries({"linkId": words}, optional={"text": words, "answer": listed(GIVEN), "definition": words}),
    lambda inner: st.fixed_dictionaries({"linkId": words, "item": listed(inner)}, optional={"extension": extensions}),
    max_leaves=4,
)
ANSWERED = {
    "status": words,
    "questionnaire": words,
    "subject": reference_json,
    "authored": dates,
    "author": reference_json,
    "item": listed(ITEM),
}
PLACE = {
    "status": words,
    "name": words,
    "type": listed(concept_json),
    "physicalType": concept_json,
    "managingOrganization": reference_json,
}
GOAL = {
    "identifier": listed(identifier_json),
    "lifecycleStatus": words,
    "achievementStatus": concept_json,
    "description": concept_json,
    "subject": reference_json,
    "startDate": dates,
    "target": listed(
        st.fixed_dictionaries({}, optional={"measure": concept_json, "extension": extensions}).flatmap(
            lambda base: st.sampled_from([{"dueDate": "2026-06-30"}, {"dueDuration": {"value": 3}}]).map(
                lambda due: base | due
            )
        )
    ),
}
ACTIVITY = st.fixed_dictionaries(
    {},
    optional={
        "detail": st.fixed_dictionaries(
            {"status": words},
            optional={"kind": words, "code": concept_json, "description": words, "doNotPerform": st.booleans()},
        ),
        "reference": reference_json,
        "progress": st.just([{"text": "x"}]),
    },
).filter(bool)
CARE_PLAN = {
    "identifier": listed(identifier_json),
    "status": words,
    "intent": words,
    "title": words,
    "category": listed(concept_json),
    "subject": reference_json,
    "period": period_json,
    "goal": listed(reference_json),
    "activity": listed(ACTIVITY),
    "note": listed(st.fixed_dictionaries({"text": words})),
}
OBSERVATION = {
    "status": words,
    "category": listed(concept_json),
    "code": concept_json,
    "subject": reference_json,
    "effectiveDateTime": dates,
    "effectivePeriod": period_json,
    "issued": dates,
    "performer": listed(reference_json),
    "valueCodeableConcept": concept_json,
    "component": listed(
        st.fixed_dictionaries({}, optional={"code": concept_json, "interpretation": listed(concept_json)}).flatmap(
            lambda base: st.sampled_from([{}, {"valueString": "2"}, {"valueInteger": 3}]).map(lambda one: base | one)
        )
    ),
}
CARE_TEAM = {
    "status": words,
    "name": words,
    "category": listed(concept_json),
    "subject": reference_json,
    "period": period_json,
    "participant": listed(
        st.fixed_dictionaries(
            {},
            optional={
                "role": listed(concept_json),
                "member": reference_json,
                "onBehalfOf": reference_json,
                "period": period_json,
                "extension": extensions,
            },
        )
    ),
    "managingOrganization": listed(reference_json),
    "telecom": st.just([{"system": "phone", "value": "+1-518-555-0100"}]),
}
TASK = {
    "identifier": listed(identifier_json),
    "status": words,
    "focus": reference_json,
    "owner": st.fixed_dictionaries({}, optional={"reference": words, "identifier": identifier_json}),
    "authoredOn": dates,
    "lastModified": dates,
}
REQUEST = {
    "status": words,
    "intent": words,
    "code": concept_json,
    "orderDetail": listed(concept_json),
    "subject": reference_json,
    "authoredOn": dates,
    "occurrenceDateTime": dates,
    "occurrencePeriod": period_json,
    "requester": reference_json,
    "performer": listed(reference_json),
    "insurance": listed(reference_json),
}
DOSAGE = listed(
    st.fixed_dictionaries({"text": words}, optional={"sequence": st.integers(1, 3), "extension": extensions})
)
NAMED_BY = st.sampled_from(["concept", "reference", "contained", "neither"])
MEDICATION = {
    Proof.ORDER: {
        "intent": words,
        "authoredOn": dates,
        "dosageInstruction": DOSAGE,
        "dispenseRequest": st.fixed_dictionaries(
            {"quantity": quantity_json}, optional={"expectedSupplyDuration": quantity_json, "performer": reference_json}
        ),
        "priorPrescription": reference_json,
        "basedOn": listed(reference_json),
        "reportedBoolean": st.booleans(),
        "requester": reference_json,
    },
    Proof.SUPPLY: {
        "whenHandedOver": dates,
        "dosageInstruction": DOSAGE,
        "quantity": quantity_json,
        "daysSupply": quantity_json,
        "authorizingPrescription": listed(reference_json),
    },
    Proof.DOSE: {
        "effectivePeriod": period_json,
        "dosage": st.fixed_dictionaries({"dose": quantity_json}, optional={"text": words}),
        "request": reference_json,
    },
    Proof.STATEMENT: {
        "effectiveDateTime": dates,
        "dateAsserted": dates,
        "dosage": DOSAGE,
        "basedOn": listed(reference_json),
        "derivedFrom": listed(reference_json),
        "informationSource": reference_json,
    },
}
PROVISION = st.fixed_dictionaries(
    {"type": st.sampled_from(["permit", "deny"])},
    optional={
        "period": period_json,
        "actor": listed(
            st.fixed_dictionaries(
                {
                    "role": st.sampled_from(["CST", "IRCP", "PRCP", "AUT"]).map(
                        lambda code: {"coding": [{"code": code}]}
                    ),
                    "reference": st.fixed_dictionaries({"identifier": identifier_json}) | reference_json,
                }
            )
        ),
        "action": listed(concept_json),
        "securityLabel": listed(coding_json),
        "purpose": listed(coding_json),
        "class": listed(coding_json),
        "code": listed(concept_json),
        "data": listed(anything),
        "provision": listed(
            st.fixed_dictionaries({"type": st.just("deny")}, optional={"securityLabel": listed(coding_json)})
        ),
    },
)
CONSENT = {
    "identifier": listed(identifier_json),
    "status": words,
    "patient": reference_json | st.fixed_dictionaries({"identifier": identifier_json}),
    "dateTime": dates,
    "performer": listed(reference_json),
    "organization": listed(reference_json),
    "sourceAttachment": st.fixed_dictionaries({"title": words}, optional={"url": words}),
    "verification": listed(st.fixed_dictionaries({"verified": st.booleans()})),
    "provision": PROVISION,
}


def _spelled(value: Any, chance: Random) -> str:
    """Spell a value as JSON with white space wherever JSON lets it stand."""

    def gap() -> str:
        return chance.choice(["", "", "", " ", "\n  ", "\t", "\r\n"])

    if isinstance(value, dict):
        members = [
            f"{gap()}{json.dumps(key)}{gap()}:{gap()}{_spelled(below, chance)}{gap()}" for key, below in value.items()
        ]
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(f"{gap()}{_spelled(below, chance)}{gap()}" for below in value) + "]"
    if isinstance(value, DecimalText):
        return value.text
    return json.dumps(value, ensure_ascii=chance.random() < 0.5)


def documents(resource_type: str, known: Mapping[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Document]:
    """Return documents of a type: any part of the known members, unknown ones among them, in any order and spacing."""

    @st.composite
    def build(draw: Callable[[Any], Any]) -> Document:
        members = draw(st.fixed_dictionaries({}, optional={**known, **COMMON}))
        strange = draw(st.dictionaries(words.map(lambda word: f"x{word}"), anything, max_size=2))
        tree = {"resourceType": resource_type, **members, **strange}
        names = draw(st.permutations(sorted(tree)))
        chance = draw(st.randoms(use_true_random=False))
        return read_document(_spelled({name: tree[name] for name in names}, chance).encode())

    return build()


# --- one entry per lens ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Case:
    """A lens with the documents it reads and, for a document, the records that may be written there."""

    name: str
    read: Callable[[Document], Any]
    write: Callable[[Any, Document], Document]
    documents: st.SearchStrategy[Document]
    records: Callable[[Document], st.SearchStrategy[Any]]


def _always(strategy: st.SearchStrategy[Any]) -> Callable[[Document], st.SearchStrategy[Any]]:
    return lambda _document: strategy


def _medication_documents(proof: Proof) -> st.SearchStrategy[Document]:
    naming: dict[str, Tree] = {
        "concept": {"medicationCodeableConcept": concept_json},
        "reference": {"medicationReference": reference_json},
        "contained": {
            "medicationReference": st.just({"reference": "#m", "display": "x"}),
            "contained": st.just([{"resourceType": "Practitioner", "id": "p"}]).flatmap(
                lambda others: st.fixed_dictionaries(
                    {"resourceType": st.just("Medication"), "id": st.just("m")},
                    optional={"code": concept_json, "form": concept_json},
                ).map(lambda one: [*others, one])
            ),
        },
        "neither": {},
    }

    def build(how: str) -> st.SearchStrategy[Document]:
        fields = MEDICATION[proof] | {"status": words, "subject": reference_json}
        if how == "contained":
            return st.tuples(
                documents(proof.value, fields), naming[how]["contained"], st.randoms(use_true_random=False)
            ).map(
                lambda parts: read_document(
                    _spelled(
                        {
                            **parts[0].tree,
                            "medicationReference": {"reference": "#m", "display": "x"},
                            "contained": parts[1],
                        },
                        parts[2],
                    ).encode()
                )
            )
        return documents(proof.value, {**fields, **naming[how]})

    return NAMED_BY.flatmap(build)


def _medication_records(document: Document) -> st.SearchStrategy[MedicationRecord]:
    proof = Proof(document.type)
    before = read_medication(document)
    own = (before.medication, before.medication_reference)
    styles = [
        st.just(own),
        concepts.map(lambda one: (one, None)),
        references.map(lambda one: (None, one)),
        st.just((None, None)),
    ]
    if before.medication_reference == "#m":
        styles.append(concepts.map(lambda one: (one, "#m")))
    dosage = st.none() | (DOSAGE if proof is not Proof.DOSE else st.fixed_dictionaries({"dose": quantity_json}))
    fields: dict[str, st.SearchStrategy[Any]] = {
        "status": maybe,
        "patient": maybe_reference,
        "at": maybe_date,
        "dosage": dosage,
    }
    one_reference = maybe_reference.map(lambda text: () if text is None else (text,))
    match proof:
        case Proof.ORDER:
            fields |= {
                "intent": maybe,
                "prior": maybe_reference,
                "reported": st.none() | st.booleans(),
                "based_on": several(references),
            }
        case Proof.STATEMENT:
            fields |= {"derived_from": several(references), "source": maybe_reference, "based_on": several(references)}
        case Proof.SUPPLY:
            fields |= {"based_on": several(references)}
        case Proof.DOSE:
            fields |= {"based_on": one_reference}
    if proof in (Proof.ORDER, Proof.SUPPLY):
        fields |= {"quantity": st.none() | quantities, "days_supply": st.none() | quantities}
    else:
        fields |= {"effective_start": maybe_date, "effective_end": maybe_date}
    return st.tuples(st.one_of(styles), st.fixed_dictionaries(fields)).map(
        lambda parts: MedicationRecord(
            proof=proof, medication=parts[0][0], medication_reference=parts[0][1], **parts[1]
        )
    )


def _consent_records(document: Document) -> st.SearchStrategy[Any]:
    plain = {"status": maybe, "signed_at": maybe_date, "start": maybe_date, "end": maybe_date, "form": maybe}
    return st.fixed_dictionaries(plain).map(lambda values: replace(read_consent(document), **values))


addresses = st.builds(
    Address, lines=several(words), city=words, state=st.just("") | words, postal_code=st.just("") | words
)
patients = st.builds(
    PatientRecord,
    identifiers=several(identifiers),
    active=st.none() | st.booleans(),
    family=maybe,
    given=several(words),
    suffixes=several(words),
    former_families=several(words),
    gender=maybe,
    birth_date=maybe_date,
    phones=several(words),
    emails=several(words),
    addresses=several(addresses),
    replaced_by=maybe_reference,
    replaces=several(references),
)
episodes = st.builds(
    EpisodeRecord,
    status=maybe,
    types=several(concepts),
    patient=maybe_reference,
    organization=maybe_reference,
    start=maybe_date,
    end=maybe_date,
    history=several(st.builds(StatusSpan, status=maybe, start=maybe_date, end=maybe_date)),
    dispositions=several(concepts),
)
encounters = st.builds(
    EncounterRecord,
    status=maybe,
    class_=st.none() | codings,
    types=several(concepts),
    subject=maybe_reference,
    episodes=several(references),
    appointments=several(references),
    start=maybe_date,
    end=maybe_date,
    places=several(references),
    organization=maybe_reference,
    disposition=st.none() | concepts,
    history=several(st.builds(ContactSpan, status=maybe, start=maybe_date, end=maybe_date)),
)
participants = st.builds(ParticipantRecord, actor=maybe_reference, status=words, start=maybe_date, end=maybe_date)
appointments = st.builds(
    AppointmentRecord,
    status=maybe,
    services=several(concepts),
    kind=st.none() | concepts,
    start=maybe_date,
    end=maybe_date,
    participants=several(participants),
)
certifications = st.builds(CertificationRecord, status=maybe, signed=maybe_date, start=maybe_date, end=maybe_date)
places = st.builds(PlaceRecord, types=several(concepts))
goals = st.builds(
    GoalRecord,
    identifiers=several(identifiers),
    status=maybe,
    achievement=st.none() | concepts,
    text=maybe,
    subject=maybe_reference,
    start=maybe_date,
    due=maybe_date,
    codings=several(codings),
)
activities = st.builds(ActivityRecord, text=maybe, kind=maybe, status=words, reference=maybe_reference)
care_plans = st.builds(
    CarePlanRecord,
    identifiers=several(identifiers),
    status=maybe,
    intent=maybe,
    title=maybe,
    categories=several(concepts),
    subject=maybe_reference,
    start=maybe_date,
    end=maybe_date,
    goals=several(references),
    activities=several(activities),
)
ratings = st.builds(
    Rating, dimension=st.none() | concepts, kind=st.sampled_from(["valueString", "valueQuantity"]), value=anything
)
assessments = st.builds(
    AssessmentRecord,
    status=maybe,
    code=st.none() | concepts,
    subject=maybe_reference,
    at=maybe_date,
    start=maybe_date,
    issued=maybe_date,
    assessors=several(references),
    result=st.none() | concepts,
    ratings=several(ratings),
)
requests = st.builds(
    RequestRecord,
    status=maybe,
    intent=maybe,
    code=st.none() | concepts,
    details=several(concepts),
    subject=maybe_reference,
    authored=maybe_date,
    at=maybe_date,
    start=maybe_date,
    end=maybe_date,
    requester=maybe_reference,
    performers=several(references),
)
participants = st.builds(
    Participant,
    roles=several(concepts),
    member=maybe_reference,
    on_behalf_of=maybe_reference,
    start=maybe_date,
    end=maybe_date,
)
care_teams = st.builds(
    CareTeamRecord,
    status=maybe,
    name=maybe,
    categories=several(concepts),
    subject=maybe_reference,
    start=maybe_date,
    end=maybe_date,
    participants=several(participants),
    organizations=several(references),
)
tasks = st.builds(
    TaskRecord,
    status=maybe,
    identifiers=several(identifiers),
    focus=maybe,
    focus_type=maybe,
    owner=st.none() | identifiers,
    authored=maybe_date,
    modified=maybe_date,
)

spans = st.builds(Span, start=maybe_date, end=maybe_date)
lines = st.builds(
    BillLine,
    service=st.none() | concepts,
    revenue=st.none() | concepts,
    place=st.none() | concepts,
    at=maybe_date,
    start=maybe_date,
    end=maybe_date,
)
bills = st.builds(
    BillRecord,
    status=maybe,
    use=maybe,
    provider=st.none() | identifiers,
    start=maybe_date,
    end=maybe_date,
    lines=several(lines),
)
answered_bills = st.builds(lambda bill, in_effect: replace(bill, in_effect=in_effect), bills, several(spans))
charges = st.builds(
    ChargeRecord,
    status=maybe,
    service=st.none() | concepts,
    provider=st.none() | identifiers,
    at=maybe_date,
    start=maybe_date,
    end=maybe_date,
)
given = st.builds(Given) | st.builds(Given, kind=st.just("valueInteger"), value=st.integers(-9, 9))
items = st.recursive(
    st.builds(Item, link=maybe, text=maybe, given=several(given)),
    lambda inner: st.builds(Item, link=maybe, given=several(given), below=several(inner)),
    max_leaves=4,
)
answered = st.builds(
    AnsweredRecord,
    status=maybe,
    questionnaire=maybe,
    subject=maybe_reference,
    authored=maybe_date,
    author=maybe_reference,
    items=several(items),
)

CASES = (
    Case(name="bill", read=read_bill, write=write_bill, documents=documents("Claim", BILL), records=_always(bills)),
    Case(
        name="payer's view of a bill",
        read=read_bill,
        write=write_bill,
        documents=documents("ExplanationOfBenefit", BILL | {"preAuthRefPeriod": listed(period_json)}),
        records=_always(answered_bills),
    ),
    Case(
        name="charge",
        read=read_charge,
        write=write_charge,
        documents=documents("ChargeItem", CHARGE),
        records=_always(charges),
    ),
    Case(
        name="questionnaire",
        read=read_answered,
        write=write_answered,
        documents=documents("QuestionnaireResponse", ANSWERED),
        records=_always(answered),
    ),
    Case(name="task", read=read_task, write=write_task, documents=documents("Task", TASK), records=_always(tasks)),
    Case(
        name="care team",
        read=read_care_team,
        write=write_care_team,
        documents=documents("CareTeam", CARE_TEAM),
        records=_always(care_teams),
    ),
    Case(
        name="assessment",
        read=read_assessment,
        write=write_assessment,
        documents=documents("Observation", OBSERVATION),
        records=_always(assessments),
    ),
    Case(
        name="referral",
        read=read_request,
        write=write_request,
        documents=documents("ServiceRequest", REQUEST),
        records=_always(requests),
    ),
    Case(
        name="patient",
        read=read_patient,
        write=write_patient,
        documents=documents("Patient", PATIENT),
        records=_always(patients),
    ),
    Case(
        name="enrollment",
        read=read_episode,
        write=write_episode,
        documents=documents("EpisodeOfCare", EPISODE),
        records=_always(episodes),
    ),
    Case(
        name="session",
        read=read_encounter,
        write=write_encounter,
        documents=documents("Encounter", ENCOUNTER),
        records=_always(encounters),
    ),
    Case(
        name="appointment",
        read=read_appointment,
        write=write_appointment,
        documents=documents("Appointment", APPOINTMENT),
        records=_always(appointments),
    ),
    Case(
        name="place",
        read=read_place,
        write=write_place,
        documents=documents("Location", PLACE),
        records=_always(places),
    ),
    *(
        Case(
            name=f"certification in a {type_}",
            read=read_certification,
            write=write_certification,
            documents=documents(type_, members | {"status": words, "subject": reference_json}),
            records=_always(certifications),
        )
        for type_, members in CERTIFICATION.items()
    ),
    Case(name="goal", read=read_goal, write=write_goal, documents=documents("Goal", GOAL), records=_always(goals)),
    Case(
        name="care plan",
        read=read_care_plan,
        write=write_care_plan,
        documents=documents("CarePlan", CARE_PLAN),
        records=_always(care_plans),
    ),
    Case(
        name="consent",
        read=read_consent,
        write=write_consent,
        documents=documents("Consent", CONSENT),
        records=_consent_records,
    ),
    *(
        Case(
            name=proof.value,
            read=read_medication,
            write=write_medication,
            documents=_medication_documents(proof),
            records=_medication_records,
        )
        for proof in Proof
    ),
)
