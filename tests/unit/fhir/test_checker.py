"""The checker: what it says about a document that is not fit, and what it lets pass."""

import json

import pytest

from coordinator.fhir import Document, check, read_document

ENCOUNTER = {"resourceType": "Encounter", "status": "finished", "class": {"code": "AMB"}}
REQUEST = {
    "resourceType": "MedicationRequest",
    "status": "active",
    "intent": "order",
    "medicationCodeableConcept": {"text": "buprenorphine"},
    "subject": {"reference": "Patient/1"},
}
PATIENT = {"resourceType": "Patient"}
OBSERVATION = {"resourceType": "Observation", "status": "corrected", "code": {"text": "x"}}


def issues(base, **changes):
    tree = {key: value for key, value in {**base, **changes}.items() if value is not ...}
    return [(issue.path, issue.code) for issue in check(read_document(json.dumps(tree).encode()))]


@pytest.mark.parametrize("base", [ENCOUNTER, REQUEST, PATIENT, OBSERVATION], ids=lambda base: base["resourceType"])
def test_the_least_of_a_type_is_fit(base):
    assert issues(base) == []


UNFIT = {
    "an unknown member": (PATIENT, {"colour": 1}, "Patient.colour", "structure"),
    "an unknown member below": (PATIENT, {"name": [{"nick": "J"}]}, "Patient.name[0].nick", "structure"),
    "an object for a list": (PATIENT, {"name": {}}, "Patient.name", "structure"),
    "a number for a text": (PATIENT, {"name": [{}, {"family": 1}]}, "Patient.name[1].family", "structure"),
    "a text for a boolean": (PATIENT, {"active": "true"}, "Patient.active", "structure"),
    "null": (PATIENT, {"active": None}, "Patient.active", "structure"),
    "null in a list of objects": (PATIENT, {"name": [None]}, "Patient.name[0]", "structure"),
    "an extension that says nothing": (PATIENT, {"_birthDate": {}}, "Patient._birthDate", "structure"),
    "two of a choice": (
        PATIENT,
        {"deceasedBoolean": True, "deceasedDateTime": "2026"},
        "Patient",
        "structure",
    ),
    "a required member missing": (ENCOUNTER, {"class": ...}, "Encounter.class", "required"),
    "a required code missing": (ENCOUNTER, {"status": ...}, "Encounter", "required"),
    "a required code with an empty reason": (
        ENCOUNTER,
        {"status": ..., "_status": {"extension": []}},
        "Encounter",
        "required",
    ),
    "a required choice missing": (REQUEST, {"medicationCodeableConcept": ...}, "MedicationRequest", "required"),
    "a required member missing below": (PATIENT, {"link": [{"type": "seealso"}]}, "Patient.link[0].other", "required"),
    "a required list empty": (
        {"resourceType": "OperationOutcome"},
        {"issue": []},
        "OperationOutcome.issue",
        "required",
    ),
    "a code of another list": (ENCOUNTER, {"status": "done"}, "Encounter.status", "code-invalid"),
    "a code deep inside": (
        REQUEST,
        {"dosageInstruction": [{"timing": {"repeat": {"periodUnit": "day"}}}]},
        "MedicationRequest.dosageInstruction[0].timing.repeat.periodUnit",
        "code-invalid",
    ),
    "a day that no calendar has": (PATIENT, {"birthDate": "2025-02-29"}, "Patient.birthDate", "value"),
    "a date with a time": (PATIENT, {"birthDate": "2025-02-28T10:00:00Z"}, "Patient.birthDate", "value"),
    "a time without an offset": (
        ENCOUNTER,
        {"period": {"start": "2026-03-02T10:00:00"}},
        "Encounter.period.start",
        "value",
    ),
    "an instant without a time": (
        PATIENT,
        {"meta": {"lastUpdated": "2026-03-02"}},
        "Patient.meta.lastUpdated",
        "value",
    ),
    "an id with a slash": (PATIENT, {"id": "a/b"}, "Patient.id", "value"),
    "an empty text": (PATIENT, {"name": [{"family": ""}]}, "Patient.name[0].family", "value"),
    "a uri with a space": (PATIENT, {"meta": {"source": "a b"}}, "Patient.meta.source", "value"),
    "a code with two spaces": (PATIENT, {"language": "a  b"}, "Patient.language", "value"),
    "a code that ends a line": (PATIENT, {"language": "en\n"}, "Patient.language", "value"),
    "an integer too large": (PATIENT, {"multipleBirthInteger": 2**31}, "Patient.multipleBirthInteger", "value"),
    "a rank of zero": (PATIENT, {"telecom": [{"rank": 0}]}, "Patient.telecom[0].rank", "value"),
    "a picture that is not base64": (PATIENT, {"photo": [{"data": "A==="}]}, "Patient.photo[0]", "value"),
    "a picture at no address": (PATIENT, {"photo": [{"url": "a b"}]}, "Patient.photo[0].url", "value"),
    "a period that runs backwards": (
        ENCOUNTER,
        {"period": {"start": "2026-03-02", "end": "2026-03-01"}},
        "Encounter.period",
        "invariant",
    ),
    "a subject that is a place": (
        ENCOUNTER,
        {"subject": {"reference": "Location/1"}},
        "Encounter.subject",
        "reference-target",
    ),
    "a place on another server": (
        ENCOUNTER,
        {"subject": {"reference": "https://x.example/Location/1"}},
        "Encounter.subject",
        "reference-target",
    ),
    "a place by search": (
        ENCOUNTER,
        {"subject": {"reference": "Location?name=x"}},
        "Encounter.subject",
        "reference-target",
    ),
    "a place by its type": (
        ENCOUNTER,
        {"subject": {"type": "Location", "display": "x"}},
        "Encounter.subject",
        "reference-target",
    ),
    "a reference inside a data type": (
        PATIENT,
        {"identifier": [{"assigner": {"reference": "Patient/1"}}]},
        "Patient.identifier[0].assigner",
        "reference-target",
    ),
    "something unfit that is contained": (
        REQUEST,
        {"contained": [{"resourceType": "Medication"}, {"resourceType": "Medication", "status": "x"}]},
        "MedicationRequest.contained[1].status",
        "code-invalid",
    ),
    "an entry of a bundle": (
        {"resourceType": "Bundle", "type": "batch"},
        {"entry": [{"resource": {"resourceType": "Patient", "gender": 1}}]},
        "Bundle.entry[0].resource.gender",
        "structure",
    ),
    "a parameter": (
        {"resourceType": "Parameters"},
        {"parameter": [{"name": "a", "part": [{"name": "b", "resource": {"resourceType": "Patient", "x": 1}}]}]},
        "Parameters.parameter[0].part[0].resource.x",
        "structure",
    ),
    "a contained thing without type": (PATIENT, {"contained": [{}]}, "Patient.contained[0]", "structure"),
    "a contained thing with a number for a type": (
        PATIENT,
        {"contained": [{"resourceType": 1}]},
        "Patient.contained[0]",
        "structure",
    ),
    "a type of R4 that R4B dropped": ({}, {"resourceType": "MedicinalProduct"}, "MedicinalProduct", "structure"),
    "a data type": ({}, {"resourceType": "HumanName"}, "HumanName", "structure"),
    "an abstract type": ({}, {"resourceType": "DomainResource"}, "DomainResource", "structure"),
    "a type that none could be": ({}, {"resourceType": "Jane Doe"}, "$", "structure"),
}


@pytest.mark.parametrize(("base", "changes", "path", "code"), UNFIT.values(), ids=UNFIT.keys())
def test_what_is_unfit_is_told_with_place_and_kind(base, changes, path, code):
    assert issues(base, **changes) == [(path, code)]


FIT = {
    "an id of 88 characters": (PATIENT, {"id": "e" * 88}),
    "a reason in place of a required code": (
        ENCOUNTER,
        {"status": ..., "_status": {"extension": [{"url": "u", "valueCode": "unknown"}]}},
    ),
    "partial dates that may be in order": (ENCOUNTER, {"period": {"start": "2026-03-02", "end": "2026"}}),
    "an end in another zone": (
        ENCOUNTER,
        {"period": {"start": "2026-03-02T10:00:00+02:00", "end": "2026-03-02T09:00:00Z"}},
    ),
    "a leap second": (ENCOUNTER, {"period": {"start": "2016-12-31T23:59:60Z"}}),
    "a leap day": (PATIENT, {"birthDate": "2000-02-29"}),
    "a status that the models list only in part": (ENCOUNTER, {"status": "entered-in-error"}),
    "a group as subject": (ENCOUNTER, {"subject": {"reference": "Group/1/_history/2"}}),
    "a contained subject": (ENCOUNTER, {"subject": {"reference": "#p"}}),
    "a subject by urn": (ENCOUNTER, {"subject": {"reference": "urn:uuid:1"}}),
    "a subject by name": (ENCOUNTER, {"subject": {"display": "someone", "type": "Patient"}}),
    "any type where any may be": (
        PATIENT,
        {"extension": [{"url": "u", "valueReference": {"reference": "Location/1"}}]},
    ),
    "a gap in a list of texts": (PATIENT, {"name": [{"given": ["A", None], "_given": [None, {"id": "x"}]}]}),
    "comments of an old converter": (PATIENT, {"fhir_comments": ["x"], "_gender": {"fhir_comments": "y"}}),
    "a relative address of a picture": (PATIENT, {"photo": [{"url": "Binary/1", "data": "QUJD\nREVG"}]}),
    "a decimal that is whole": (OBSERVATION, {"valueQuantity": {"value": 8}}),
}


@pytest.mark.parametrize(("base", "changes"), FIT.values(), ids=FIT.keys())
def test_what_is_unusual_but_fit_passes(base, changes):
    assert issues(base, **changes) == []


def test_an_unusual_target_does_not_hide_what_blocks():
    """An order whose dispenser is of the wrong type is still an order; one of an unknown status is not."""
    tree = {**REQUEST, "subject": {"reference": "Location/1"}, "status": "someday"}

    found = check(read_document(json.dumps(tree).encode()))

    assert [(issue.code, issue.blocks) for issue in found if not issue.blocks] in ([("reference-target", False)], [])
    assert [issue.path for issue in found if issue.blocks] == ["MedicationRequest.status"]


def test_an_unusual_target_comes_first_and_what_blocks_beside_it():
    tree = {"resourceType": "Encounter", "subject": {"reference": "Location/1"}, "class": {}, "status": "someday"}

    found = check(read_document(json.dumps(tree).encode()))

    assert [(issue.path, issue.blocks) for issue in found] == [("Encounter.subject", False), ("Encounter.status", True)]


def test_an_issue_repeats_nothing_of_the_content():
    """Issues are stored and shown; what stood there may be about a person."""
    trees = [
        {"resourceType": "Patient", "gender": "Jane"},
        {"resourceType": "Patient", "Jane Doe": 1},
        {"resourceType": "Patient", "birthDate": "Jane"},
        {"resourceType": "Patient", "contained": [{"resourceType": "Jane"}]},
        {"resourceType": "Encounter", "status": "planned", "class": {}, "subject": {"reference": "Jane/1"}},
    ]

    found = [check(read_document(json.dumps(tree).encode())) for tree in trees]

    assert all(found)
    assert "Jane" not in repr(found)


def test_bytes_that_no_door_has_seen_are_told_too():
    """A document can be made by hand; the checker must not break over it."""
    document = Document(raw=b'{"resourceType":"Patient"', tree={"resourceType": "Patient"})

    assert [(issue.path, issue.code) for issue in check(document)] == [("Patient", "structure")]
