"""A document as a version to keep: its hashes, and the Patient it speaks of."""

from datetime import datetime
from hashlib import sha256

from coordinator.fhir import Document, Json, read_reference
from coordinator.sync.records import Received

_SUBJECT_PATHS = ("subject", "patient", "for", "beneficiary")


def received(document: Document, raw: bytes, *, ehr: str, now: datetime) -> Received:
    """Return a document as a version to keep."""
    return Received(
        ehr=ehr,
        type=document.type,
        id=document.id,
        version=document.version,
        raw_hash=sha256(raw).digest(),
        canonical_hash=document.canonical_hash,
        body=raw,
        patient=patient_of(document),
        learned_at=now,
    )


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
