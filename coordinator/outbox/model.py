"""Intents: what we owe an EHR, in the form it can hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from coordinator.fhir import Json


class Form(Enum):
    """The representation of what is owed, by what the EHR can hold."""

    NATIVE = "native"
    DOCUMENT = "document"
    MESSAGE = "message"
    NONE = "none"


class Status(Enum):
    """Where an intent stands. Delivery as document or message is not yet presence as discrete data."""

    OWED = "owed"
    WITHHELD = "withheld"
    IN_FLIGHT = "in-flight"
    UNKNOWN = "unknown"
    CONFLICT = "conflict"
    APPLIED = "applied"
    VERIFIED = "verified"
    REFUSED = "refused"
    OBSOLETE = "obsolete"


OPEN = frozenset({Status.OWED, Status.WITHHELD, Status.IN_FLIGHT, Status.UNKNOWN, Status.CONFLICT, Status.REFUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One owed write, or an owed message that nobody but a person can deliver (form none).

    `key` is stable for (ehr, person, concept, item): the same need has the same key. `body` is what would be sent
    before disclosure adds labels and notice; `base` names the version it was made from (`ehr/Type/id@version`) and
    `base_hash` its canonical hash; `paths` are the paths that verification compares; `material` is the hash of what
    matters in the body: only a change of it makes the need a new one. `summary` is for people and holds no
    more than the body does. `rules` are those that what it tells needed to be drawn.
    """

    key: str
    person: str
    ehr: str
    concept: str
    type: str
    form: Form
    target: str | None = None
    base: str | None = None
    base_hash: bytes = b""
    body: bytes = b""
    material: bytes = b""
    paths: tuple[str, ...] = ()
    claim: tuple[str, str] | None = None
    evidence: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    summary: str = ""


def subject_of(intent: Intent) -> str:
    """Return what the audit log says of which record leaves: its type, and its id at the EHR where it has one."""
    return f"{intent.type}/{intent.target or ''}".rstrip("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An intent with its history: the row of the outbox."""

    intent: Intent
    status: Status
    reason: str = ""
    attempts: int = 0
    result_id: str | None = None
    result_version: str | None = None
    sent_hash: bytes = b""
    updated_at: datetime | None = None
    facts: Mapping[str, Json] = field(default_factory=dict)
