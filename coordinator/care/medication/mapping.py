"""Read an order, supply, dose or statement of a medicine out of its document and write it back."""

from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Final, Literal

from coordinator.care.medication.model import MedicationRecord, Proof
from coordinator.errors import InvalidInput
from coordinator.fhir import (
    CodeableConcept,
    Contained,
    Document,
    Edit,
    Field,
    Json,
    Lens,
    Remove,
    kinds,
    once,
    patched,
    read_reference,
)
from coordinator.fhir.lens import WrongType

_ONE_REFERENCE: Final = kinds.Kind(
    read=lambda value: () if (found := kinds.REFERENCE.read(value)) is None else (found,),
    write=lambda value, old: kinds.REFERENCE.write(value[0], old) if value else None,
)

_FIELDS: Final[dict[Proof, tuple[Field, ...]]] = {
    Proof.ORDER: (
        Field("intent", ("intent",), kinds.TEXT),
        Field("at", ("authoredOn",), kinds.TEXT),
        Field("dosage", ("dosageInstruction",), kinds.JSON),
        Field("quantity", ("dispenseRequest", "quantity"), kinds.QUANTITY),
        Field("days_supply", ("dispenseRequest", "expectedSupplyDuration"), kinds.QUANTITY),
        Field("prior", ("priorPrescription",), kinds.REFERENCE),
        Field("based_on", ("basedOn",), kinds.REFERENCES),
        Field("reported", ("reportedBoolean",), kinds.BOOLEAN),
        Field("requester", ("requester",), kinds.REFERENCE),
    ),
    Proof.SUPPLY: (
        Field("at", ("whenHandedOver",), kinds.TEXT),
        Field("dosage", ("dosageInstruction",), kinds.JSON),
        Field("quantity", ("quantity",), kinds.QUANTITY),
        Field("days_supply", ("daysSupply",), kinds.QUANTITY),
        Field("based_on", ("authorizingPrescription",), kinds.REFERENCES),
    ),
    Proof.DOSE: (
        Field("at", ("effectiveDateTime",), kinds.TEXT),
        Field("effective_start", ("effectivePeriod", "start"), kinds.TEXT),
        Field("effective_end", ("effectivePeriod", "end"), kinds.TEXT),
        Field("dosage", ("dosage",), kinds.JSON),
        Field("based_on", ("request",), _ONE_REFERENCE),
    ),
    Proof.STATEMENT: (
        Field("at", ("dateAsserted",), kinds.TEXT),
        Field("dosage", ("dosage",), kinds.JSON),
        Field("based_on", ("basedOn",), kinds.REFERENCES),
        Field("derived_from", ("derivedFrom",), kinds.REFERENCES),
        Field("source", ("informationSource",), kinds.REFERENCE),
    ),
}


class TwoMedications(InvalidInput):
    """A record names its medication in two ways at once, or moves a contained one."""

    def __init__(self, resource_type: str) -> None:
        super().__init__(
            "A medication is named by a concept or by a reference, not by both.",
            operation="write record",
            subject=resource_type,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """Which of the ways that FHIR leaves open a document takes.

    `contained` is the place of a contained Medication that the reference means. A statement about one moment
    (effectiveDateTime) is read as a period that begins and ends there.
    """

    proof: Proof
    medication: Literal["concept", "reference", "contained"]
    contained: int = 0
    is_moment: bool = False


@once
def read_medication(document: Document) -> MedicationRecord:
    """Return what a MedicationRequest, -Dispense, -Administration or -Statement shows. Raises WrongType."""
    shape = _shape_of(document)
    record = _lens(shape).read(document)
    return replace(record, effective_end=record.effective_start) if shape.is_moment else record


def write_medication(record: MedicationRecord, document: Document) -> Document:
    """Return the document with the record written into it, everything else as it came.

    Raises WrongType when the record is of another kind, TwoMedications when its medication is named in two ways.
    """
    if document.type != record.proof.value:
        raise WrongType(record.proof.value, document.type)
    before = _shape_of(document)
    after = _shape_for(record, document, before)
    return _lens(after).write(record, patched(document, _left_behind(before, after)))


@once
def read_medication_resource(document: Document) -> CodeableConcept | None:
    """Return what a Medication resource is. Raises WrongType."""
    if document.type != "Medication":
        raise WrongType("Medication", document.type)
    concept: CodeableConcept | None = kinds.CONCEPT.read(document.get("code"))
    return concept


def _proof_of(document: Document) -> Proof:
    try:
        return Proof(document.type)
    except ValueError:
        raise WrongType("medication record", document.type) from None


def _shape_of(document: Document) -> _Shape:
    proof = _proof_of(document)
    is_moment = proof is Proof.STATEMENT and isinstance(document.get("effectiveDateTime"), str)
    reference = document.get("medicationReference")
    if document.get("medicationCodeableConcept") is not None or reference is None:
        return _Shape(proof=proof, medication="concept", is_moment=is_moment)
    place = _contained_at(document, reference)
    if place is None:
        return _Shape(proof=proof, medication="reference", is_moment=is_moment)
    return _Shape(proof=proof, medication="contained", contained=place, is_moment=is_moment)


def _contained_at(document: Document, reference: Json) -> int | None:
    target = read_reference(reference)
    contained = document.get("contained")
    if not isinstance(target, Contained) or not isinstance(contained, list):
        return None
    for place, resource in enumerate(contained):
        if isinstance(resource, dict) and resource.get("id") == target.fragment:
            return place if resource.get("resourceType") == "Medication" else None
    return None


def _shape_for(record: MedicationRecord, document: Document, before: _Shape) -> _Shape:
    """Return the shape that holds the record, the document's own wherever it can."""
    start, end = record.effective_start, record.effective_end
    is_moment = before.is_moment and start is not None and start == end
    same_reference = kinds.REFERENCE.read(document.get("medicationReference")) == record.medication_reference
    if before.medication == "contained" and same_reference:
        return replace(before, is_moment=is_moment)
    if record.medication is not None and record.medication_reference is not None:
        raise TwoMedications(document.type)
    if record.medication is None and (record.medication_reference is not None or before.medication == "reference"):
        return _Shape(proof=before.proof, medication="reference", is_moment=is_moment)
    return _Shape(proof=before.proof, medication="concept", is_moment=is_moment)


def _left_behind(before: _Shape, after: _Shape) -> list[Edit]:
    """Return the edits that clear what only the old shape uses; a contained resource without a reference is invalid."""
    edits: list[Edit] = []
    if before.medication != after.medication:
        if after.medication == "concept":
            edits.append(Remove(("medicationReference",)))
        if before.medication == "concept":
            edits.append(Remove(("medicationCodeableConcept",)))
        if before.medication == "contained":
            edits.append(Remove(("contained", before.contained)))
    if before.is_moment and not after.is_moment:
        edits.append(Remove(("effectiveDateTime",)))
    return edits


@cache
def _lens(shape: _Shape) -> Lens[MedicationRecord]:
    fields = [
        Field("status", ("status",), kinds.TEXT),
        Field("patient", ("subject",), kinds.REFERENCE),
        *_FIELDS[shape.proof],
    ]
    if shape.medication == "concept":
        fields.append(Field("medication", ("medicationCodeableConcept",), kinds.CONCEPT))
    else:
        fields.append(Field("medication_reference", ("medicationReference",), kinds.REFERENCE))
    if shape.medication == "contained":
        fields.append(Field("medication", ("contained", shape.contained, "code"), kinds.CONCEPT))
    if shape.is_moment:
        fields.append(Field("effective_start", ("effectiveDateTime",), kinds.TEXT))
    elif shape.proof is Proof.STATEMENT:
        fields.append(Field("effective_start", ("effectivePeriod", "start"), kinds.TEXT))
        fields.append(Field("effective_end", ("effectivePeriod", "end"), kinds.TEXT))
    return Lens(partial(MedicationRecord, proof=shape.proof), shape.proof.value, fields)
