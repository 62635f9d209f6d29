"""What an assessment is, when it was made, and that its ratings stay opaque."""

import pytest

from coordinator.care.assessment.mapping import read_assessment, write_assessment
from coordinator.care.assessment.model import Rating
from coordinator.care.assessment.rules import assessed_at, is_final, is_instrument, looks_at_substance_use
from coordinator.care.assessment.tables import instruments
from coordinator.fhir import CodeableConcept
from tests.builders import an_observation, document

LOINC = "http://loinc.org"


def an_instrument(code, system=LOINC):
    return document(an_observation(code={"coding": [{"system": system, "code": code}]}))


INSTRUMENTS = {
    "AUDIT, ten items": ("75624-7", LOINC, True, True),
    "AUDIT-C, which public code confuses with it": ("75626-2", LOINC, True, True),
    "DAST-10 by LOINC's other address": ("82667-7", "https://loinc.org", True, True),
    "a mood questionnaire": ("44261-6", LOINC, True, False),
    "a urine test": ("65750-2", LOINC, False, False),
    "the same number elsewhere": ("75624-7", "https://local.example", False, False),
}


@pytest.mark.parametrize(("code", "system", "known", "about_use"), INSTRUMENTS.values(), ids=INSTRUMENTS)
def test_instruments_are_told_by_their_codes(code, system, known, about_use):
    found = an_instrument(code, system)
    assert (is_instrument(found), looks_at_substance_use(read_assessment(found))) == (known, about_use)


def test_an_observation_in_words_alone_is_no_known_instrument():
    assert not is_instrument(document(an_observation()))
    assert not is_instrument(document({"resourceType": "Observation", "id": "O-1"}))


def test_each_instrument_is_named_and_of_a_known_part():
    assert {one.part for one in instruments().values()} == {"panel", "total", "ratings"}
    assert all(one.name for one in instruments().values())


@pytest.mark.parametrize(
    ("status", "final"),
    [("final", True), ("amended", True), ("corrected", True), ("preliminary", False), ("entered-in-error", False)],
)
def test_only_a_completed_assessment_stands(status, final):
    assert is_final(read_assessment(document(an_observation(status=status)))) is final


TIMES = {
    "the day of the assessment": ({"effectiveDateTime": "2026-01", "issued": "2026-02-01T00:00:00Z"}, "2026-01"),
    "the first day of several": ({"effectivePeriod": {"start": "2026-01-03", "end": "2026-01-05"}}, "2026-01-03"),
    "the day of issue where nothing else is told": ({"issued": "2026-02-01T00:00:00Z"}, "2026-02-01T00:00:00Z"),
    "no day": ({}, None),
}


@pytest.mark.parametrize(("members", "expected"), TIMES.values(), ids=TIMES)
def test_when_the_person_was_assessed(members, expected):
    record = read_assessment(document({"resourceType": "Observation", "id": "O-1", **members}))
    assert assessed_at(record) == expected


def test_ratings_keep_their_tokens_as_they_came():
    """What a rating means is the assessor's to say: tokens are carried, never read."""
    tree = an_observation() | {
        "component": [
            {"code": {"text": "Dimension 1"}, "valueString": "2b"},
            {"code": {"text": "Dimension 2"}, "valueQuantity": {"value": 3}},
            {"code": {"text": "Dimension 6"}, "dataAbsentReason": {"text": "not rated"}},
        ]
    }
    record = read_assessment(document(tree))
    assert [(one.dimension.text, one.kind) for one in record.ratings] == [
        ("Dimension 1", "valueString"),
        ("Dimension 2", "valueQuantity"),
        ("Dimension 6", None),
    ]
    assert record.ratings[0] == Rating(dimension=CodeableConcept(text="Dimension 1"), kind="valueString", value="2b")
    assert write_assessment(record, document(tree)).raw == document(tree).raw
