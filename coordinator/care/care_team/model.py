"""A care team as an EHR holds it."""

from dataclasses import dataclass

from coordinator.fhir import CodeableConcept


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """One who takes part: roles, who it is and on whose behalf, from when to when."""

    roles: tuple[CodeableConcept, ...] = ()
    member: str | None = None
    on_behalf_of: str | None = None
    start: str | None = None
    end: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CareTeamRecord:
    """One CareTeam. Dates are FHIR texts and may be partial; references are texts such as `Practitioner/x`."""

    status: str | None = None
    name: str | None = None
    categories: tuple[CodeableConcept, ...] = ()
    subject: str | None = None
    start: str | None = None
    end: str | None = None
    participants: tuple[Participant, ...] = ()
    organizations: tuple[str, ...] = ()
