"""What may certify a level of care: an order, a plan of treatment, or a signed document."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificationRecord:
    """One ServiceRequest, CarePlan or DocumentReference, as far as it may certify. Dates are FHIR texts.

    `signed` is the day on which it was written; `start` and `end` are the time that it speaks of.
    """

    status: str | None = None
    signed: str | None = None
    start: str | None = None
    end: str | None = None
