"""Questions about an assessment: does it stand, when was it made."""

from coordinator.care.assessment.model import AssessmentRecord

_NOT_STANDING = frozenset({"registered", "preliminary", "cancelled", "entered-in-error"})  # FHIR observation-status


def is_final(record: AssessmentRecord) -> bool:
    """Say whether the assessment was completed and stands, as first written or as amended."""
    return record.status not in _NOT_STANDING


def assessed_at(record: AssessmentRecord) -> str | None:
    """Return when the person was assessed; the day on which the result was issued where nothing else is told."""
    return record.at or record.start or record.issued
