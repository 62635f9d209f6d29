"""A stay in a program: an EpisodeOfCare, or what stands for one where an EHR has none."""

from dataclasses import dataclass

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
