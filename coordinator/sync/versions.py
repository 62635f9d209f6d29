"""A document as a version to keep: its hashes, and the Patient it speaks of."""

from collections.abc import Collection
from datetime import datetime
from hashlib import sha256

from coordinator.fhir import (
    Absolute,
    Document,
    Json,
    Look,
    Relative,
    dumps,
    parse_reference,
    read_document,
    read_reference,
)
from coordinator.sync.records import Received

_SUBJECT_PATHS = ("subject", "patient", "for", "beneficiary")
_AGREED = "Appointment"
_OF_ALL = frozenset(  # members of an Appointment that are the same for everybody in it
    {"resourceType", "id", "status", "created", "start", "end", "minutesDuration", "serviceType", "appointmentType"}
)
_CAREGIVERS = frozenset({"Practitioner", "PractitionerRole", "Location", "HealthcareService", "Device"})


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
        named=named_together(document),
        learned_at=now,
    )


def looked_at(seen: Look, raw: bytes, *, ehr: str, now: datetime) -> Received:
    """Return what one look has told as a version to keep: the same that reading it whole would give."""
    if seen.type == _AGREED:  # it names its patients among others
        return received(read_document(raw), raw, ehr=ehr, now=now)
    return Received(
        ehr=ehr,
        type=seen.type,
        id=seen.id,
        version=seen.version,
        raw_hash=sha256(raw).digest(),
        canonical_hash=seen.canonical_hash,
        body=raw,
        patient=_patient_seen(seen),
        learned_at=now,
    )


def _patient_seen(seen: Look) -> str | None:
    if seen.type == "Patient":
        return seen.id
    for text in map(seen.reference, _SUBJECT_PATHS):
        reference = parse_reference(text) if text is not None else None
        if isinstance(reference, Relative | Absolute) and reference.type == "Patient":
            return reference.id
    return None


def patient_of(document: Document) -> str | None:
    """Return the id of the Patient that a document speaks of, if it says so by a relative or absolute reference.

    An Appointment speaks of the one patient among its participants. One with several is nobody's: each of them is told
    of their own part alone.
    """
    if document.type == "Patient":
        return document.id
    if document.type == _AGREED:
        asked = _asked(document)
        return asked[0] if len(asked) == 1 else None
    return next((id_ for path in _SUBJECT_PATHS if (id_ := _patient(document.get(path))) is not None), None)


def named_together(document: Document) -> tuple[str, ...]:
    """Return the ids of the patients that a record names together; none of a record that speaks of one."""
    asked = _asked(document) if document.type == _AGREED else ()
    return asked if len(asked) > 1 else ()


def own_part(document: Document, patients: Collection[str]) -> Document:
    """Return the view of a record that names several patients for one person, who is these patients.

    Of the others nothing is left but that somebody else was asked: no id, name, answer or time, nor prose that may name
    them. The version that it is cited as stays that of the received record.
    """
    if not named_together(document):
        return document
    entries = document.get("participant")
    seen = [_as_seen_by(one, patients) for one in entries] if isinstance(entries, list) else []
    kept: list[Json] = [one for one in seen if one is not None]
    cut = {
        **{name: value for name, value in document.tree.items() if name in _OF_ALL},
        "participant": kept,
        "meta": {**_members(document.get("meta")), "versionId": document.version},
    }
    return read_document(dumps(cut))


def _as_seen_by(entry: Json, patients: Collection[str]) -> Json:
    """Return an entry of the person or a caregiver; of another patient's only that there is one."""
    actor = _members(entry).get("actor")
    type_ = getattr(read_reference(actor), "type", None) or _members(actor).get("type")
    if type_ in _CAREGIVERS or _patient(actor) in patients:
        return entry
    return {"actor": {"type": "Patient"}} if type_ == "Patient" else None


def _members(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _asked(document: Document) -> tuple[str, ...]:
    """Return the ids of the patients among the participants, in order."""
    found = {id_ for element in document.all("participant", "actor") if (id_ := _patient(element)) is not None}
    return tuple(sorted(found))


def _patient(element: Json) -> str | None:
    reference = read_reference(element)
    type_, id_ = getattr(reference, "type", None), getattr(reference, "id", None)
    return id_ if type_ == "Patient" and isinstance(id_, str) else None
