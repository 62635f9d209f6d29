"""A contact of care, as an Encounter shows it."""

from dataclasses import dataclass
from typing import Literal

from coordinator.fhir import CodeableConcept, Coding

Kind = Literal["group", "individual", "family", "assessment", "medication", "stay", "other"]
Mode = Literal[
    "in-person", "virtual", "overnight", "emergency", "home", "field", "observation", "before-admission", "unknown"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncounterRecord:
    """One Encounter. Instants are FHIR texts; references are texts such as `EpisodeOfCare/x`."""

    status: str | None = None
    class_: Coding | None = None
    types: tuple[CodeableConcept, ...] = ()
    subject: str | None = None
    episodes: tuple[str, ...] = ()
    start: str | None = None
    end: str | None = None
    organization: str | None = None
    disposition: CodeableConcept | None = None
