"""A request for care: a referral, an order of a level, an authorization of one."""

from dataclasses import dataclass

from coordinator.fhir import CodeableConcept, Identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """One ServiceRequest. Dates are FHIR texts and may be partial; references are texts such as `Organization/x`."""

    status: str | None = None
    intent: str | None = None
    code: CodeableConcept | None = None
    details: tuple[CodeableConcept, ...] = ()
    subject: str | None = None
    authored: str | None = None
    at: str | None = None
    start: str | None = None
    end: str | None = None
    requester: str | None = None
    performers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """One Task, as far as it carries a referral from one organization to another."""

    status: str | None = None
    identifiers: tuple[Identifier, ...] = ()
    focus: str | None = None
    focus_type: str | None = None
    owner: Identifier | None = None
    authored: str | None = None
    modified: str | None = None
