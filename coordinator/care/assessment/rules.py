"""Questions about an assessment: does it stand, when was it made."""

from coordinator.care.assessment.mapping import read_code
from coordinator.care.assessment.model import AssessmentRecord
from coordinator.care.assessment.tables import instruments
from coordinator.fhir import Document

_NOT_STANDING = frozenset({"registered", "preliminary", "cancelled", "entered-in-error"})  # FHIR observation-status


def is_final(record: AssessmentRecord) -> bool:
    """Say whether the assessment was completed and stands, as first written or as amended."""
    return record.status not in _NOT_STANDING


def assessed_at(record: AssessmentRecord) -> str | None:
    """Return when the person was assessed; the day on which the result was issued where nothing else is told."""
    return record.at or record.start or record.issued


def looks_at_substance_use(record: AssessmentRecord) -> bool:
    """Say whether an instrument of the table that looks at substance use was used; others say nothing about a level."""
    codings = record.code.codings if record.code else ()
    found = [instruments().get(coding.key) for coding in codings]
    return any(one is not None and one.substance_use for one in found)


def is_instrument(document: Document) -> bool:
    """Say whether an Observation is coded as an instrument of the table, before anything else of it is read."""
    code = read_code(document)
    return code is not None and any(coding.key in instruments() for coding in code.codings)
