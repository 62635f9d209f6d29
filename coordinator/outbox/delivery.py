"""How far what we owe an EHR has come: owed, delivered on paper, acknowledged by a person, present as data.

A document or a message changes nobody's medication list. So what was filed counts as delivered and no more, until one
of the staff has acknowledged it, in their EHR or to us, and as present only once the EHR's own data say it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Final, assert_never

from coordinator.fhir import Document, Json
from coordinator.outbox.model import Entry, Form, Status

_ACKNOWLEDGED: Final = "acknowledged"
_PRESENT: Final = "present"
_TAKEN_UP: Final = frozenset({"received", "accepted", "in-progress", "on-hold", "completed"})  # Task.status, by staff
_KEY_LENGTH: Final = 12


class Delivery(Enum):
    """How far a need has come at its EHR."""

    OWED = "owed"
    """Nothing of it is there, as far as we know."""
    WITHHELD = "withheld"
    """Consent holds it back."""
    DELIVERED = "delivered"
    """It is there as a document or a message, for people to read."""
    ACKNOWLEDGED = "acknowledged"
    """One of the staff has said that they know it."""
    PRESENT = "present"
    """The EHR holds it as data."""


def delivery_of(entry: Entry) -> Delivery | None:
    """Return how far a need has come; None where it is wanted no longer and never got there."""
    match entry.status:
        case Status.WITHHELD:
            return Delivery.WITHHELD
        case Status.OBSOLETE:
            return Delivery.PRESENT if _PRESENT in entry.facts else None
        case Status.APPLIED | Status.VERIFIED:
            return _delivered(entry)
        case Status.OWED | Status.IN_FLIGHT | Status.UNKNOWN | Status.CONFLICT | Status.REFUSED:
            return Delivery.ACKNOWLEDGED if acknowledgment(entry) is not None else Delivery.OWED
        case _:
            assert_never(entry.status)


def _delivered(entry: Entry) -> Delivery:
    if entry.intent.form is Form.NATIVE or _PRESENT in entry.facts:
        return Delivery.PRESENT
    return Delivery.ACKNOWLEDGED if acknowledgment(entry) is not None else Delivery.DELIVERED


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgment:
    """Who knows it, since when we know that, and how they said so."""

    by: str
    at: str
    how: str


def acknowledgment(entry: Entry) -> Acknowledgment | None:
    """Return who acknowledged what is owed now; what was acknowledged of another content counts no longer."""
    told = entry.facts.get(_ACKNOWLEDGED)
    if not isinstance(told, dict) or told.get("matter") != matter_of(entry):
        return None
    return Acknowledgment(by=str(told.get("by")), at=str(told.get("at")), how=str(told.get("how")))


def acknowledged(entry: Entry, *, by: str, how: str, at: datetime) -> Entry:
    """Return an entry that one of the staff of its EHR has acknowledged."""
    told: dict[str, Json] = {"by": by, "how": how, "at": at.isoformat(), "matter": matter_of(entry)}
    return replace(entry, facts={**entry.facts, _ACKNOWLEDGED: told}, updated_at=at)


def with_presence(entry: Entry, refs: tuple[str, ...], *, at: datetime) -> Entry:
    """Return an entry whose content the EHR's own records say by now, or, without any, say no longer."""
    before = entry.facts.get(_PRESENT)
    if bool(before) == bool(refs):
        return entry
    facts: Mapping[str, Json] = {name: value for name, value in entry.facts.items() if name != _PRESENT}
    if refs:
        facts = {**facts, _PRESENT: {"since": at.isoformat(), "records": list[Json](sorted(refs))}}
    return replace(entry, facts=facts, updated_at=at)


def taken_up(document: Document) -> str:
    """Return by what a record of ours shows that the staff there took it up; empty where it does not."""
    match document.type:
        case "Task":
            status = document.get("status")
            return f"Task {status}" if status in _TAKEN_UP else ""
        case "Communication":
            return "Communication received" if document.get("received") else ""
        case "DocumentReference":
            return "DocumentReference authenticated" if document.get("authenticator") else ""
        case _:
            return ""


def delivery_key(entry: Entry) -> str:
    """Return the key by which people name a need: stable, short, and telling nothing."""
    intent = entry.intent
    return hashlib.sha256(f"{intent.person}\x1f{intent.ehr}\x1f{intent.key}".encode()).hexdigest()[:_KEY_LENGTH]


def matter_of(entry: Entry) -> str:
    """Return what matters in a need, as a hash."""
    return (entry.intent.material or hashlib.sha256(entry.intent.body).digest()).hex()
