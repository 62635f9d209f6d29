"""A document as a version to keep: its hashes, and the Patient it speaks of."""

from datetime import datetime
from hashlib import sha256

from coordinator.fhir import Document, read_reference
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
    """Return the id of the Patient that a document speaks of, if it says so by a relative or absolute reference."""
    if document.type == "Patient":
        return document.id
    for path in _SUBJECT_PATHS:
        reference = read_reference(document.get(path))
        type_, id_ = getattr(reference, "type", None), getattr(reference, "id", None)
        if type_ == "Patient" and isinstance(id_, str):
            return id_
    return None
