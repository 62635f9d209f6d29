"""A bill, as a Claim, a payer's ExplanationOfBenefit or a ChargeItem shows it."""

from dataclasses import dataclass
from enum import Enum

from coordinator.fhir import CodeableConcept, Identifier


class Tells(Enum):
    """What a bill of some type, status and use tells of care."""

    CARE = "care"
    AUTHORIZATION = "authorization"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From when to when something lasted, as FHIR texts."""

    start: str | None = None
    end: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    """One line: the codes of the service, of the revenue center and of the place, and when the service was."""

    service: CodeableConcept | None = None
    revenue: CodeableConcept | None = None
    place: CodeableConcept | None = None
    at: str | None = None
    start: str | None = None
    end: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BillRecord:
    """One Claim or ExplanationOfBenefit. `in_effect` is for how long what a payer authorized may be used."""

    status: str | None = None
    use: str | None = None
    provider: Identifier | None = None
    start: str | None = None
    end: str | None = None
    lines: tuple[BillLine, ...] = ()
    in_effect: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeRecord:
    """One ChargeItem: a line that was not put on a bill yet, or that stands alone."""

    status: str | None = None
    service: CodeableConcept | None = None
    provider: Identifier | None = None
    at: str | None = None
    start: str | None = None
    end: str | None = None
