"""A contact of care, as an Encounter shows it, the Appointment it was agreed in, and the Location where it was."""

from dataclasses import dataclass
from typing import Literal

from coordinator.fhir import CodeableConcept, Coding

Kind = Literal[
    "group",
    "individual",
    "family",
    "assessment",
    "medication",
    "case-management",
    "crisis",
    "peer-support",
    "stay",
    "other",
]
Mode = Literal[
    "in-person", "virtual", "overnight", "emergency", "home", "field", "observation", "before-admission", "unknown"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactSpan:
    """A status that a contact was in, and from when to when; its end is open where none is written."""

    status: str | None = None
    start: str | None = None
    end: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EncounterRecord:
    """One Encounter. Instants are FHIR texts; references are texts such as `EpisodeOfCare/x`.

    `history` are the statuses it went through before the one of now.
    """

    status: str | None = None
    class_: Coding | None = None
    types: tuple[CodeableConcept, ...] = ()
    subject: str | None = None
    episodes: tuple[str, ...] = ()
    appointments: tuple[str, ...] = ()
    start: str | None = None
    end: str | None = None
    places: tuple[str, ...] = ()
    organization: str | None = None
    disposition: CodeableConcept | None = None
    history: tuple[ContactSpan, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantRecord:
    """Somebody asked to an Appointment: who, whether they accepted, and from when to when they took part."""

    actor: str | None = None
    status: str | None = None
    start: str | None = None
    end: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentRecord:
    """One Appointment. Instants are FHIR texts."""

    status: str | None = None
    services: tuple[CodeableConcept, ...] = ()
    kind: CodeableConcept | None = None
    start: str | None = None
    end: str | None = None
    participants: tuple[ParticipantRecord, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRecord:
    """One Location, as far as its codes tell of which kind of place it is."""

    types: tuple[CodeableConcept, ...] = ()
