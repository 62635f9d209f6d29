"""A stay in a program: an EpisodeOfCare, or what stands for one where an EHR has none."""

from dataclasses import dataclass
from enum import Enum

from coordinator.fhir import CodeableConcept


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeRecord:
    """One EpisodeOfCare. Dates are FHIR texts and may be partial; references are texts such as `Organization/x`."""

    status: str | None = None
    types: tuple[CodeableConcept, ...] = ()
    patient: str | None = None
    organization: str | None = None
    start: str | None = None
    end: str | None = None


class EpisodeState(Enum):
    """What the status of an episode says about the stay."""

    PLANNED = "planned"
    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"
    VOID = "void"
    UNKNOWN = "unknown"
