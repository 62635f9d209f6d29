"""A stay in a program: an EpisodeOfCare, or what stands for one where an EHR has none."""

from dataclasses import dataclass
from enum import Enum

from coordinator.fhir import CodeableConcept


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusSpan:
    """A status that an episode was in, and from when to when; its end is open where none is written."""

    status: str | None = None
    start: str | None = None
    end: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeRecord:
    """One EpisodeOfCare. Dates are FHIR texts and may be partial; references are texts such as `Organization/x`.

    `history` are the statuses it went through; `dispositions` say how it ended, where a program records that.
    """

    status: str | None = None
    types: tuple[CodeableConcept, ...] = ()
    patient: str | None = None
    organization: str | None = None
    start: str | None = None
    end: str | None = None
    history: tuple[StatusSpan, ...] = ()
    dispositions: tuple[CodeableConcept, ...] = ()


class EpisodeState(Enum):
    """What the status of an episode says about the stay."""

    PLANNED = "planned"
    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"
    VOID = "void"
    UNKNOWN = "unknown"


class DischargeKind(Enum):
    """How a stay ended, where that is recorded."""

    COMPLETED = "completed"
    AGAINST_ADVICE = "against-advice"
    NO_CONTACT = "no-contact"
    ADMINISTRATIVE = "administrative"
    TRANSFERRED = "transferred"
    DECEASED = "deceased"
