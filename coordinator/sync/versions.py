"""A document as a version to keep: its hashes, and the Patient it speaks of."""

from datetime import datetime
from hashlib import sha256

from coordinator.fhir import Absolute, Document, Json, Look, Relative, parse_reference, read_document, read_reference
from coordinator.sync.records import Received

_SUBJECT_PATHS = ("subject", "patient", "for", "beneficiary")


def received(document: Document, raw: bytes, *, ehr: str, now: datetime) -> Received:
    """Return a document as a version to keep."""
    return Received(
        ehr=ehr,
        type=document.type,
        id=document.id,
        version=document.version,
        raw_hash=document.raw_hash,
        canonical_hash=document.canonical_hash,
        body=raw,
        patient=patient_of(document),
        learned_at=now,
    )


def looked_at(seen: Look, raw: bytes, *, ehr: str, now: datetime) -> Received:
    """Return what one look has told as a version to keep: the same that reading it whole would give."""
    return Received(
        ehr=ehr,
        type=seen.type,
        id=seen.id,
        version=seen.version,
        raw_hash=sha256(raw).digest(),
        canonical_hash=seen.canonical_hash,
        body=raw,
        patient=_patient_seen(seen, raw),
        learned_at=now,
    )


def _patient_seen(seen: Look, raw: bytes) -> str | None:
    if seen.type in ("Patient", "Appointment"):  # an Appointment names its patient among others
        return seen.id if seen.type == "Patient" else patient_of(read_document(raw))
    for text in map(seen.reference, _SUBJECT_PATHS):
        reference = parse_reference(text) if text is not None else None
        if isinstance(reference, Relative | Absolute) and reference.type == "Patient":
            return reference.id
    return None


def patient_of(document: Document) -> str | None:
    """Return the id of the Patient that a document speaks of, if it says so by a relative or absolute reference.

    An Appointment speaks of the one patient among its participants. One with several is nobody's: as the record of each
    it would tell every member of a group about the others.
    """
    if document.type == "Patient":
        return document.id
    if document.type == "Appointment":
        asked = {id_ for element in document.all("participant", "actor") if (id_ := _patient(element)) is not None}
        return asked.pop() if len(asked) == 1 else None
    return next((id_ for path in _SUBJECT_PATHS if (id_ := _patient(document.get(path))) is not None), None)


def _patient(element: Json) -> str | None:
    reference = read_reference(element)
    type_, id_ = getattr(reference, "type", None), getattr(reference, "id", None)
    return id_ if type_ == "Patient" and isinstance(id_, str) else None
