"""Builders of what tests speak about: only what matters is written at the call, the rest is ordinary."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from coordinator.fhir import Document, read_document
from coordinator.reconcile import Agreed, Decision, Evidence, Grade, Organization, Policy, Presence

ASAM = "https://coordinator.example/fhir/CodeSystem/asam-"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
UCUM = "http://unitsofmeasure.org"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
ROLE_CODE = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
DISCHARGE = "https://coordinator.example/fhir/CodeSystem/discharge-kind"
DISPOSITION = "https://coordinator.example/fhir/StructureDefinition/episode-disposition"
ACHIEVEMENT = "http://terminology.hl7.org/CodeSystem/goal-achievement"
DIRECTORY = "https://directory.example/organization"
FORM = "https://coordinator.example/fhir/consent-form/tpo"
FORMS = {FORM: frozenset({"P2C-06", "P2C-09", "P2C-13"})}
PLACE_OF_SERVICE = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
MRN = "https://mrn.example"

FILM_8 = "1010604"  # buprenorphine 8 MG / naloxone 2 MG Sublingual Film
FILM_2 = "1010600"  # buprenorphine 2 MG / naloxone 0.5 MG Sublingual Film
METHADONE = "991147"  # methadone hydrochloride 10 MG/ML Oral Solution
NALTREXONE_ER = "637213"  # naltrexone 380 MG Injection
ACETAMINOPHEN = "313782"  # no medication for a use disorder

ALL_TYPES = (
    *("Patient", "EpisodeOfCare", "Encounter", "CarePlan", "Goal", "Medication", "MedicationRequest"),
    *("MedicationStatement", "MedicationDispense", "MedicationAdministration"),
)

ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 4, 7, 12, tzinfo=UTC)
TODAY = date(2026, 4, 7)

Tree = dict[str, Any]


# ---- evidence --------------------------------------------------------------------------------------------------------
def document(tree: Mapping[str, Any]) -> Document:
    """Return a document with these members."""
    return read_document(json.dumps(tree).encode())


def evidence(
    tree: Mapping[str, Any],
    *,
    ehr: str = "iop",
    organization: str | None = None,
    presence: Presence = Presence.PRESENT,
    ours: bool = False,
    version: str | None = "1",
    learned_at: datetime = NOW,
) -> Evidence:
    """Return a received version; an EHR holds the records of the organization of the same name unless one is given."""
    meta = {**tree.get("meta", {}), **({"versionId": version} if version else {})}
    return Evidence(
        ehr=ehr,
        document=document({**tree, **({"meta": meta} if meta else {})}),
        organization=ehr if organization is None else organization,
        learned_at=learned_at,
        presence=presence,
        ours=ours,
    )


def a_policy(
    *,
    organizations: Iterable[Organization] = (),
    grades: Mapping[tuple[str, str], Grade] | None = None,
    **more: Any,
) -> Policy:
    """Return a policy in New York; EHRs that tests name are Part 2 programs of their own, `pcp` is none."""
    known = {one.key: one for one in (an_organization(key) for key in ("iop", "res", "ced", "otp", "pcp"))}
    known |= {one.key: one for one in organizations}
    return Policy(zone=more.pop("zone", ZONE), organizations=known, grades=grades or {}, **more)


def an_organization(key: str, *, part2: bool | None = None, type: str = "") -> Organization:  # noqa: A002 - its name
    """Return an organization that the directory knows."""
    is_part2 = key != "pcp" if part2 is None else part2
    return Organization(key=key, name=key.upper(), identifier=(DIRECTORY, key), part2=is_part2, type=type)


def a_decision(key: str, value: Mapping[str, Any], *, facts: Mapping[str, Any] | None = None, **more: Any) -> Decision:
    """Return what a person decided about a finding."""
    made = {"reason": "asked the program", "actor": "casey", "decided_at": NOW, "evidence": ()} | more
    return Decision(key=key, code=key.partition(":")[0], value=value, facts=facts or {}, **made)


def agreed(**items: Mapping[str, Mapping[str, Any]]) -> Agreed:
    """Return agreed states by item."""
    return Agreed(items=items)


# ---- resources -------------------------------------------------------------------------------------------------------
def a_patient(patient: str = "p-1", *, mrn: str = "A1", **more: Any) -> Tree:
    """Return a Patient with a record number, full birth date and phone."""
    return {
        "resourceType": "Patient",
        "id": patient,
        "identifier": [{"system": MRN, "value": mrn}],
        "name": [{"family": "Ruiz", "given": ["Ana"]}],
        "birthDate": "1991-04-12",
        "telecom": [{"system": "phone", "value": "+1-518-555-0127"}],
    } | more


def an_episode(
    episode: str = "E-1",
    *,
    level: str | None = "4e 2.1",
    start: str | None = "2026-04-02",
    end: str | None = None,
    status: str | None = None,
    **more: Any,
) -> Tree:
    """Return an EpisodeOfCare at a level, such as `3e 3.5`; with an end it is finished unless a status is given.

    `history` are statuses as (status, start, end), `ended` is a kind of discharge of ours, such as `against-advice`.
    """
    period = {name: value for name, value in (("start", start), ("end", end)) if value}
    spans = [
        {"status": word, "period": {name: day for name, day in (("start", first), ("end", last)) if day}}
        for word, first, last in more.get("history", ())
    ]
    how = {"coding": [{"system": DISCHARGE, "code": more.get("ended")}]}
    ended = [{"url": DISPOSITION, "valueCodeableConcept": how}]
    return {
        "resourceType": "EpisodeOfCare",
        "id": episode,
        "status": status or ("finished" if end else "active"),
        **({"extension": ended} if "ended" in more else {}),
        **({"statusHistory": spans} if spans else {}),
        **({"type": [a_level(level)]} if level else {}),
        "patient": {"reference": f"Patient/{more.get('patient', 'p-1')}"},
        **({"period": period} if period else {}),
    }


def a_level(level: str) -> Tree:
    """Return the concept of a level, such as `3e 3.5`."""
    edition, code = level.split()
    return {"coding": [{"system": f"{ASAM}{edition}", "code": code}]}


def an_encounter(
    encounter: str = "N-1",
    *,
    start: str | None = "2026-04-02T09:00:00-04:00",
    end: str | None = None,
    status: str = "finished",
    class_: str = "AMB",
    level: str | None = None,
    episode: str | None = None,
    disposition: str | None = None,
    kind: Mapping[str, Any] | None = None,
    patient: str = "p-1",
    **more: Any,
) -> Tree:
    """Return an Encounter: a session by default, a day of a stay with class IMP."""
    types = [*([a_level(level)] if level else []), *([dict(kind)] if kind else [])]
    period = {name: value for name, value in (("start", start), ("end", end)) if value}
    made: Tree = {
        "resourceType": "Encounter",
        "id": encounter,
        "status": status,
        "class": {"system": ACT_CODE, "code": class_},
        "subject": {"reference": f"Patient/{patient}"},
    }
    made |= {"period": period} if period else {}
    made |= {"type": types} if types else {}
    made |= {"episodeOfCare": [{"reference": f"EpisodeOfCare/{episode}"}]} if episode else {}
    if disposition:
        made["hospitalization"] = {"dischargeDisposition": {"coding": [{"code": disposition}]}}
    return made | more


def an_appointment(
    appointment: str = "AP-1",
    *,
    start: str | None = "2026-04-02T09:00:00-04:00",
    end: str | None = "2026-04-02T10:00:00-04:00",
    status: str = "fulfilled",
    asked: Mapping[str, tuple[str | None, str | None]] | None = None,
    answer: str = "accepted",
    **more: Any,
) -> Tree:
    """Return an Appointment of the patient `p-1`; `asked` are actors with the start and end of their own time in it."""

    def participant(actor: str, since: str | None, until: str | None) -> Tree:
        period = {name: value for name, value in (("start", since), ("end", until)) if value}
        return {"actor": {"reference": actor}, "status": answer, **({"period": period} if period else {})}

    made: Tree = {
        "resourceType": "Appointment",
        "id": appointment,
        "status": status,
        "start": start,
        "end": end,
        "participant": [participant(actor, *own) for actor, own in (asked or {"Patient/p-1": (None, None)}).items()],
    }
    return {name: value for name, value in made.items() if value is not None} | more


def a_place(place: str = "L-1", *, code: str = "11") -> Tree:
    """Return a Location with a place-of-service code."""
    coding = {"system": PLACE_OF_SERVICE, "code": code}
    return {"resourceType": "Location", "id": place, "type": [{"coding": [coding]}]}


def a_medicine(code: str | None, reference: str | None = None) -> Tree:
    """Return the element that names a medicine: by product code, or by reference."""
    if reference is not None:
        return {"medicationReference": {"reference": reference}}
    return {"medicationCodeableConcept": {"coding": [{"system": RXNORM, "code": code}]}}


def a_dosage(dose: str) -> list[Tree]:
    """Return a dosage such as `16 mg`, once daily."""
    value, unit = dose.split()
    return [
        {
            "text": f"{dose} daily",
            "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
            "doseAndRate": [{"doseQuantity": _quantity(value, unit)}],
        }
    ]


def _quantity(value: str, unit: str) -> Tree:
    number = float(value) if "." in value else int(value)
    return {"value": number, "unit": unit, "system": UCUM, "code": unit}


def an_order(
    order: str = "M-1",
    *,
    dose: str | None = "16 mg",
    code: str = FILM_8,
    reference: str | None = None,
    at: str = "2026-03-02T09:40:00-05:00",
    status: str = "active",
    patient: str = "p-1",
) -> Tree:
    """Return a MedicationRequest."""
    return {
        "resourceType": "MedicationRequest",
        "id": order,
        "status": status,
        "intent": "order",
        **a_medicine(code, reference),
        "subject": {"reference": f"Patient/{patient}"},
        "authoredOn": at,
        **({"dosageInstruction": a_dosage(dose)} if dose else {}),
    }


def a_dispense(
    dispense: str = "D-1",
    *,
    at: str = "2026-04-01T10:00:00-04:00",
    days: int | None = 14,
    films: int = 28,
    code: str = FILM_8,
    status: str = "completed",
    patient: str = "p-1",
) -> Tree:
    """Return a MedicationDispense of films; with code `FILM_8`, 28 for 14 days are 16 mg a day."""
    return {
        "resourceType": "MedicationDispense",
        "id": dispense,
        "status": status,
        **a_medicine(code),
        "subject": {"reference": f"Patient/{patient}"},
        "whenHandedOver": at,
        "quantity": {"value": films, "unit": "film"},
        **({"daysSupply": {"value": days, "unit": "days", "system": UCUM, "code": "d"}} if days else {}),
    }


def an_administration(
    given: str = "A-1",
    *,
    dose: str | None = "85 mg",
    code: str = METHADONE,
    at: str = "2026-04-06T07:00:00-04:00",
    status: str = "completed",
    patient: str = "p-1",
) -> Tree:
    """Return a MedicationAdministration, by default an observed dose of an OTP."""
    return {
        "resourceType": "MedicationAdministration",
        "id": given,
        "status": status,
        **a_medicine(code),
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": at,
        **({"dosage": {"dose": _quantity(*dose.split())}} if dose else {}),
    }


def a_statement(
    statement: str = "P-9",
    *,
    dose: str | None = "16 mg",
    code: str = FILM_8,
    reference: str | None = None,
    at: str = "2026-03-06T11:00:00-05:00",
    status: str = "active",
    patient: str = "p-1",
) -> Tree:
    """Return a MedicationStatement."""
    return {
        "resourceType": "MedicationStatement",
        "id": statement,
        "status": status,
        **a_medicine(code, reference),
        "subject": {"reference": f"Patient/{patient}"},
        "dateAsserted": at,
        **({"dosage": a_dosage(dose)} if dose else {}),
    }


def a_goal(
    goal: str = "G-1",
    *,
    text: str = "Maintain abstinence from alcohol",
    status: str = "active",
    due: str | None = None,
    achievement: str | None = None,
    patient: str = "p-1",
) -> Tree:
    """Return a Goal."""
    made: Tree = {
        "resourceType": "Goal",
        "id": goal,
        "lifecycleStatus": status,
        "description": {"text": text},
        "subject": {"reference": f"Patient/{patient}"},
    }
    if achievement:
        made["achievementStatus"] = {"coding": [{"system": ACHIEVEMENT, "code": achievement}]}
    if due:
        made["target"] = [{"dueDate": due}]
    return made


def a_plan(
    plan: str = "CP-1",
    *,
    activities: Mapping[str, str] | None = None,
    goals: Iterable[str] = (),
    status: str = "active",
    level: str | None = None,
    start: str | None = None,
    patient: str = "p-1",
) -> Tree:
    """Return a CarePlan with activities as words and status."""
    made: Tree = {
        "resourceType": "CarePlan",
        "id": plan,
        "status": status,
        "intent": "plan",
        "subject": {"reference": f"Patient/{patient}"},
        "goal": [{"reference": f"Goal/{one}"} for one in goals],
        "activity": [{"detail": {"description": text, "status": state}} for text, state in (activities or {}).items()],
    }
    made |= {"category": [a_level(level)]} if level else {}
    made |= {"period": {"start": start}} if start else {}
    return {name: value for name, value in made.items() if value}


def a_request(
    request: str = "S-1",
    *,
    details: Iterable[str] = (),
    level: str | None = None,
    start: str | None = None,
    end: str | None = None,
    authored: str | None = "2026-02-09T15:10:00-05:00",
    status: str = "active",
    intent: str = "order",
    patient: str = "p-1",
) -> Tree:
    """Return a ServiceRequest, with details in words; a level is the code of what is asked for."""
    period = {name: value for name, value in (("start", start), ("end", end)) if value}
    made: Tree = {
        "resourceType": "ServiceRequest",
        "id": request,
        "status": status,
        "intent": intent,
        "code": a_level(level) if level else {"text": "Referral"},
        "subject": {"reference": f"Patient/{patient}"},
        "orderDetail": [{"text": text} for text in details],
        "occurrencePeriod": period,
        "authoredOn": authored,
    }
    return {name: value for name, value in made.items() if value}


def a_care_team(
    team: str = "T-1",
    *,
    members: Mapping[str, str] | None = None,
    status: str = "active",
    start: str | None = None,
    end: str | None = None,
    patient: str = "p-1",
) -> Tree:
    """Return a CareTeam with members as reference and role."""
    period = {name: value for name, value in (("start", start), ("end", end)) if value}
    made: Tree = {
        "resourceType": "CareTeam",
        "id": team,
        "status": status,
        "subject": {"reference": f"Patient/{patient}"},
        "period": period,
        "participant": [
            {"role": [{"text": role}], "member": {"reference": who}} for who, role in (members or {}).items()
        ],
    }
    return {name: value for name, value in made.items() if value}


def an_observation(
    observation: str = "O-1",
    *,
    code: Mapping[str, Any] | None = None,
    result: Mapping[str, Any] | None = None,
    ratings: Mapping[str, str] | None = None,
    at: str | None = "2026-01-28T14:00:00-05:00",
    status: str = "final",
    patient: str = "p-1",
) -> Tree:
    """Return an Observation of an assessment, with ratings as dimension and token."""
    made: Tree = {
        "resourceType": "Observation",
        "id": observation,
        "status": status,
        "code": dict(code) if code else {"text": "Assessment"},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": at,
        "valueCodeableConcept": dict(result) if result else None,
        "component": [{"code": {"text": name}, "valueString": token} for name, token in (ratings or {}).items()],
    }
    return {name: value for name, value in made.items() if value}


def a_referral_task(status: str = "accepted", *, ehr: str = "iop", owner: str | None = None, **more: Any) -> Evidence:
    """Return the task of a referral as an EHR has it."""
    tree: Tree = {
        "resourceType": "Task",
        "id": f"T-{ehr}",
        "identifier": [{"system": "https://lakeside.example/referral", "value": "REF-1"}],
        "status": status,
        "intent": "order",
        "focus": {"type": "ServiceRequest", "identifier": {"value": "SR-1"}},
        "authoredOn": "2026-03-01T10:00:00-05:00",
        "lastModified": "2026-03-02T10:00:00-05:00",
    } | more
    tree |= {"owner": {"identifier": {"system": DIRECTORY, "value": owner}}} if owner else {}
    return evidence({name: value for name, value in tree.items() if value}, ehr=ehr)


def a_consent(
    consent: str = "C-1",
    *,
    discloser: str = "iop",
    recipient: str = "pcp",
    purposes: Iterable[str] = ("TREAT", "HPAYMT", "HOPERAT"),
    signed: str = "2026-01-05T09:00:00-05:00",
    end: str | None = "2027-01-05",
    types: Iterable[str] = ALL_TYPES,
    status: str = "active",
    mrn: str = "A1",
    **more: Any,
) -> Tree:
    """Return a written consent for treatment, payment and operations that is whole and in force."""
    provision: Tree = {
        "type": "permit",
        "period": {"start": signed, **({"end": end} if end else {})},
        "actor": [_actor("CST", discloser), _actor("IRCP", recipient)],
        "action": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentaction", "code": "disclose"}]}],
        "securityLabel": [{"system": ACT_CODE, "code": "42CFRPart2"}],
        "purpose": [{"system": REASON, "code": one} for one in purposes],
        "class": [{"system": "http://hl7.org/fhir/resource-types", "code": one} for one in types],
    }
    return {
        "resourceType": "Consent",
        "id": consent,
        "status": status,
        "scope": {
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]
        },
        "category": [{"coding": [{"system": ACT_CODE, "code": "42CFRPart2CD"}]}],
        "patient": {"identifier": {"system": MRN, "value": mrn}},
        "dateTime": signed,
        "performer": [{"display": "the person"}],
        "sourceAttachment": {"url": FORM},
        "policyRule": {"coding": [{"system": ACT_CODE, "code": "42CFRPart2CD"}]},
        "verification": [{"verified": True}],
        "provision": provision,
    } | more


def _actor(role: str, organization: str) -> Tree:
    return {
        "role": {"coding": [{"system": ROLE_CODE, "code": role}]},
        "reference": {"identifier": {"system": DIRECTORY, "value": organization}},
    }
