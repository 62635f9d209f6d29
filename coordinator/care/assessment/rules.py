"""Questions about an assessment: does it stand, when was it made, by a clinician, and what is it about."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from coordinator.care.assessment.mapping import read_answered, read_code
from coordinator.care.assessment.model import AnsweredRecord, AssessmentRecord, Item, Part, Rating
from coordinator.care.assessment.tables import Instrument, instruments, questionnaires
from coordinator.care.csv_table import packaged_rows
from coordinator.fhir import Absolute, CodeableConcept, Coding, Document, Relative, normal_system, parse_reference

_PACKAGE = "coordinator.care.assessment"
_CLINICIANS = frozenset({"Practitioner", "PractitionerRole"})
_NOT_STANDING = frozenset({"registered", "preliminary", "cancelled", "entered-in-error"})  # FHIR observation-status
_ANSWERED_IN_FULL = frozenset({"completed", "amended"})  # FHIR questionnaire-answers-status
_RATED = frozenset({"valueCoding", "valueInteger", "valueDecimal", "valueBoolean"})  # else it is the assessor's prose


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


def part_of(document: Document) -> Part | None:
    """Return what an Observation says of whether a program fits a person, by its code; None where that says nothing.

    It looks at the codes alone: most observations are vital signs and laboratory values, and not worth reading.
    """
    code = read_code(document)
    keys = [coding.key for coding in code.codings] if code else []
    told = next((part for key in keys if (part := _parts().get(key)) is not None), None)
    if told is None and any(one.substance_use for key in keys if (one := instruments().get(key)) is not None):
        return Part.ASSESSMENT
    return told


# ---- what was asked item by item -------------------------------------------------------------------------------------
def as_assessment(document: Document) -> AssessmentRecord | None:
    """Return a QuestionnaireResponse as the assessment it is; None where it was not answered to its end."""
    record = read_answered(document)
    if record.status not in _ANSWERED_IN_FULL:
        return None
    return AssessmentRecord(
        status=record.status,
        subject=record.subject,
        at=record.authored,
        assessors=(record.author,) if record.author else (),
        ratings=tuple(_ratings(record.items)),
    )


def asks_about_substance_use(document: Document) -> bool:
    """Say whether what was asked is an instrument of the table that looks at substance use."""
    known = _asked(read_answered(document))
    return known is not None and known.substance_use


def _asked(record: AnsweredRecord) -> Instrument | None:
    """Return the instrument that the canonical address names, with or without a version."""
    address = (record.questionnaire or "").partition("|")[0]
    base, _, code = address.rpartition("/")
    system = questionnaires().get(base)
    return None if system is None else instruments().get((normal_system(system), code))


def _ratings(items: Iterable[Item]) -> Iterator[Rating]:
    """Yield what was rated, in the order of the items; prose is not taken along."""
    for item in items:
        codings = (Coding(code=item.link),) if item.link else ()
        dimension = CodeableConcept(codings=codings, text=item.text) if codings or item.text else None
        yield from (
            Rating(dimension=dimension, kind=one.kind, value=one.value) for one in item.given if one.kind in _RATED
        )
        yield from _ratings(item.below)


# ---- by whom ---------------------------------------------------------------------------------------------------------
def clinicians(record: AssessmentRecord) -> tuple[str, ...]:
    """Return the assessors that are clinicians: an organization or the person alone assesses nobody."""
    return tuple(text for text in record.assessors if _is_clinician(text))


def _is_clinician(text: str) -> bool:
    reference = parse_reference(text)
    return isinstance(reference, Relative | Absolute) and reference.type in _CLINICIANS


@cache
def _parts() -> Mapping[tuple[str, str], Part]:
    rows = packaged_rows(_PACKAGE, "eligibility_codes.csv", ("system", "code", "part", "source", "status"))
    return {(normal_system(row.text("system")), row.text("code")): row.member("part", Part) for row in rows}
