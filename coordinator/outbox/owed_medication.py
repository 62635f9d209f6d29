"""What is owed of medication: a statement of each MAT course that the EHR's own records lack or state differently.

An order is never written. A statement cites the first and the latest record and each change of dose (minimum
necessary), and is owed anew only when medicine, dose or status changes, not with every daily dose.
"""

import hashlib
from collections.abc import Sequence
from itertools import pairwise

from coordinator.care.medication.model import Proof
from coordinator.fhir import DecimalText, Json, Set, dumps, patched
from coordinator.outbox.model import Form, Intent
from coordinator.outbox.papers import document_reference, lines, message, message_paths
from coordinator.outbox.receiver import SYSTEM, Receiver, claim_for
from coordinator.reconcile.medication.model import Course, Take

_RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
_UCUM = "http://unitsofmeasure.org"
_OF_GAPS = frozenset({"MC-05"})  # what bridges a gap stands in the account; no statement tells of gaps


def owed_medications(person: str, courses: Sequence[Course], receiver: Receiver) -> list[Intent]:
    """Return what an EHR is owed of the courses."""
    found: list[Intent] = []
    for course in courses:
        own = [take for take in course.takes if take.seen.ehr == receiver.ehr]
        if own:
            found += _correction(person, course, own, receiver)
        else:
            found.append(_statement_intent(person, course, receiver))
    return found


def _needed(course: Course) -> tuple[str, ...]:
    """Return the rules that medicine, dose, status and first day of a course need."""
    return tuple(rule for rule in course.rules if rule not in _OF_GAPS)


# ---- an EHR that has its own records of the course -------------------------------------------------------------------
def _correction(person: str, course: Course, own: Sequence[Take], receiver: Receiver) -> list[Intent]:
    """Return the update of an EHR's own statement whose dose is no longer the agreed one; orders stay theirs."""
    side = next((one for one in course.sides if one.ehr == receiver.ehr), None)
    if side is None or course.disputed or course.dose is None:
        return []
    told = next(take for take in own if take.seen.ref == side.ref)
    if told.seen.record.proof is not Proof.STATEMENT or told.dose == course.dose:
        return []
    source = next((take for take in reversed(course.takes) if take.dose == course.dose and take not in own), None)
    form, _ = receiver.best("medication")
    if source is None or form is not Form.NATIVE or source.product.code != told.product.code:
        return []
    document = told.seen.evidence.document
    body = patched(document, [Set(("dosage",), _instructions(course, source))]).raw
    return [
        Intent(
            key=course.key,
            person=person,
            ehr=receiver.ehr,
            concept="medication",
            type="MedicationStatement",
            form=Form.NATIVE,
            target=document.id,
            base=told.seen.ref,
            base_hash=document.canonical_hash,
            body=body,
            material=hashlib.sha256(body).digest(),
            paths=("MedicationStatement.dosage",),
            evidence=(told.seen.ref, source.seen.ref),
            rules=_needed(course),
            summary=f"Dose of {course.ingredient} ({course.form}): {_amount(course)}",
        )
    ]


def _instructions(course: Course, source: Take) -> Json:
    """Return the source's own instructions; of a dose that was given, which is no instruction, the agreed amount."""
    told = source.seen.record.dosage
    return told if isinstance(told, list) else _dosage(course)["dosage"]


# ---- an EHR that knows nothing of the course -------------------------------------------------------------------------
def _statement_intent(person: str, course: Course, receiver: Receiver) -> Intent:
    claim = claim_for("medication-statement", person, receiver.ehr, course.key)
    storable = receiver.can_store("MedicationStatement.status", course.status) and all(
        receiver.keeps(path) for path in _told_natively(course)
    )
    form, type_ = receiver.best("medication", native=storable)
    statement = _statement(course, receiver.patient, claim)
    body: dict[str, Json] = {}
    match form:
        case Form.NATIVE:
            body = statement
        case Form.DOCUMENT:
            body = document_reference(
                "medication", patient=receiver.patient, claim=claim, text=_as_text(course), resource=statement
            )
        case Form.MESSAGE:
            body = message(type_, patient=receiver.patient, claim=claim, text=_as_text(course))
        case Form.NONE:
            body = {}
    raw = dumps(body) if body else b""
    echoes = [one for one in receiver.echoes if one.document.type == (type_ or "MedicationStatement")]
    echo = next((one for one in echoes if claim[1] in one.document.all("identifier", "value")), None)
    cited = _cited(course)
    return Intent(
        key=course.key,
        person=person,
        ehr=receiver.ehr,
        concept="medication",
        type=type_ or "MedicationStatement",
        form=form,
        target=echo.document.id if echo else None,
        base=echo.ref if echo else None,
        base_hash=echo.document.canonical_hash if echo else b"",
        body=raw,
        material=_material(course, form),
        claim=claim if raw else None,
        paths=_told_natively(course) if form is Form.NATIVE else _paths(form, type_),
        evidence=tuple(take.seen.ref for take in cited),
        rules=_needed(course),
        summary=f"{course.ingredient} ({course.form}), {_amount(course)}, {course.status}",
    )


def _told_natively(course: Course) -> tuple[str, ...]:
    """Return the paths that a statement must hold to tell what it is for: without its dose it misleads."""
    dose = ("MedicationStatement.dosage",) if course.dose is not None else ()
    return ("MedicationStatement.status", "MedicationStatement.medicationCodeableConcept", *dose)


def _paths(form: Form, type_: str | None) -> tuple[str, ...]:
    match form:
        case Form.DOCUMENT:
            return ("DocumentReference.status", "DocumentReference.content")
        case Form.MESSAGE:
            return message_paths(type_)
        case Form.NATIVE | Form.NONE:
            return ()


def _material(course: Course, form: Form) -> bytes:
    """Return the hash of what makes a statement a new one: medicine, dose, status and form, not the daily records."""
    parts: list[Json] = [course.key, course.status, course.disputed, _amount(course), _product(course), form.value]
    return hashlib.sha256(dumps(parts)).digest()


def _statement(course: Course, patient: str, claim: tuple[str, str]) -> dict[str, Json]:
    made: dict[str, Json] = {
        "resourceType": "MedicationStatement",
        "identifier": [{"system": claim[0], "value": claim[1]}],
        "status": course.status,
        "medicationCodeableConcept": {
            "coding": [{"system": _RXNORM, "code": course.latest.product.code, "display": course.latest.product.name}]
        },
        "subject": {"reference": f"Patient/{patient}"},
        "derivedFrom": [_cite(take) for take in _cited(course)],
    }
    start = course.covered[0].first if course.covered else None
    if start is not None:
        made["effectivePeriod"] = {"start": str(start)}
    return made | _dosage(course)


def _dosage(course: Course) -> dict[str, Json]:
    """Return the agreed dose; nothing where it is disputed or nobody states one."""
    if course.dose is None:
        return {}
    value = course.dose.value.normalize()
    number: Json = int(value) if value == value.to_integral_value() else DecimalText(str(value))
    quantity: Json = {"value": number, "unit": course.dose.unit, "system": _UCUM, "code": course.dose.unit}
    dosage: dict[str, Json] = {"text": _amount(course), **_timing(course.dose.per)}
    return {"dosage": [dosage | {"doseAndRate": [{"doseQuantity": quantity}]}]}


def _timing(per: str) -> dict[str, Json]:
    """Return how often a dose per `d` or per `2d` is taken; a long-acting product is told by each dose, without one."""
    days = per.removesuffix("d") or "1"
    if not per.endswith("d") or not days.isdecimal():
        return {}
    return {"timing": {"repeat": {"frequency": 1, "period": int(days), "periodUnit": "d"}}}


def _cite(take: Take) -> Json:
    """Cite a record of another EHR: by a logical reference, as its address means nothing to the receiver."""
    place = take.seen.evidence.place
    return {
        "type": take.seen.evidence.document.type,
        "identifier": {"system": f"{SYSTEM}/evidence", "value": place},
    }


def _cited(course: Course) -> list[Take]:
    """Return the first, the latest, and each record where the dose changed."""
    chosen = [course.takes[0]]
    dosed = [take for take in course.takes if take.dose is not None]
    chosen += [now for before, now in pairwise(dosed) if before.dose != now.dose]
    chosen.append(course.latest)
    return list({take.seen.ref: take for take in chosen}.values())


def _product(course: Course) -> str:
    return course.latest.product.code


def _amount(course: Course) -> str:
    if course.disputed:
        return "dose disputed"
    if course.dose is None:
        return "dose not stated"
    return f"{course.dose.value.normalize():f} {course.dose.unit} per {course.dose.per}"


def _as_text(course: Course) -> str:
    until = f"Supply or doses seen until {course.covered[-1].last}." if course.covered else ""
    return lines(
        [
            f"{course.latest.product.name}",
            f"Status: {course.status}. Dose: {_amount(course)}.",
            until,
            "Known from records of other organizations; not an order.",
        ]
    )
