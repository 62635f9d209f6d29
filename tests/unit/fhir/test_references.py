"""References in all their forms, and the table of what each may point at."""

import pytest

from coordinator.fhir import (
    Absolute,
    Conditional,
    Contained,
    Logical,
    Relative,
    Unreadable,
    Urn,
    read_document,
    read_reference,
    references_in,
    target_types,
)

LONG = "e" * 88
FORMS = {
    "relative": ("Patient/17", Relative(type="Patient", id="17")),
    "relative, one version": ("Patient/17/_history/3", Relative(type="Patient", id="17", version="3")),
    "an id longer than the specification allows": (f"Patient/{LONG}", Relative(type="Patient", id=LONG)),
    "absolute": (
        "https://ehr.example/api/FHIR/R4/Patient/17",
        Absolute(base="https://ehr.example/api/FHIR/R4", type="Patient", id="17"),
    ),
    "absolute, one version": (
        "http://ehr.example:8080/Patient/17/_history/3",
        Absolute(base="http://ehr.example:8080", type="Patient", id="17", version="3"),
    ),
    "uuid": ("urn:uuid:1-2", Urn(value="urn:uuid:1-2")),
    "oid": ("urn:oid:1.2", Urn(value="urn:oid:1.2")),
    "contained": ("#m1", Contained(fragment="m1")),
    "the document itself": ("#", Contained(fragment="")),
    "conditional": (
        "Practitioner?identifier=http://x|9",
        Conditional(type="Practitioner", query="identifier=http://x|9"),
    ),
    "a bare id": ("17", Unreadable(text="17")),
    "a web page": ("https://ehr.example", Unreadable(text="https://ehr.example")),
    "two slashes": ("Patient//17", Unreadable(text="Patient//17")),
    "a path upward": ("Patient/../17", Unreadable(text="Patient/../17")),
}


@pytest.mark.parametrize(("text", "expected"), FORMS.values(), ids=FORMS.keys())
def test_the_form_of_a_reference_is_told(text, expected):
    assert read_reference({"reference": text, "display": "someone"}) == expected


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        (
            {"type": "Patient", "identifier": {"system": "s", "value": "v"}},
            Logical(type="Patient", system="s", value="v"),
        ),
        ({"identifier": {"value": "v"}}, Logical(type=None, system=None, value="v")),
        ({"reference": "Patient/1", "identifier": {"value": "v"}}, Relative(type="Patient", id="1")),
        ({"display": "someone"}, Unreadable(text="")),
        ({"reference": 7}, Unreadable(text="")),
        (None, Unreadable(text="")),
        ("Patient/1", Unreadable(text="")),
    ],
)
def test_an_identifier_counts_where_no_text_refers(element, expected):
    assert read_reference(element) == expected


def test_all_references_of_a_document_are_found_with_their_places():
    encounter = read_document(
        b'{"resourceType":"Encounter","identifier":[{"value":"e","assigner":{"display":"x","reference":"#o"}}],'
        b'"subject":{"reference":"Patient/1"},"contained":[{"resourceType":"Location","managingOrganization":'
        b'{"reference":"Organization/2"}},{"resourceType":"Bundle","identifier":{"value":"no reference"}}],'
        b'"participant":[{"individual":{"identifier":{"value":"p"},"type":"Practitioner"}}]}'
    )

    assert references_in(encounter) == (
        ("Encounter.identifier[0].assigner", Contained(fragment="o")),
        ("Encounter.subject", Relative(type="Patient", id="1")),
        ("Encounter.contained[0].managingOrganization", Relative(type="Organization", id="2")),
        ("Encounter.participant[0].individual", Logical(type="Practitioner", system=None, value="p")),
    )


TARGETS = {
    ("EpisodeOfCare", "patient"): {"Patient"},
    ("EpisodeOfCare", "managingOrganization"): {"Organization"},
    ("Encounter", "episodeOfCare"): {"EpisodeOfCare"},
    ("Encounter", "participant.individual"): {"Practitioner", "PractitionerRole", "RelatedPerson"},
    ("CarePlan", "goal"): {"Goal"},
    ("CarePlan", "subject"): {"Patient", "Group"},
    ("Goal", "subject"): {"Patient", "Group", "Organization"},
    ("MedicationRequest", "medicationReference"): {"Medication"},
    ("MedicationRequest", "requester"): {
        "Practitioner",
        "PractitionerRole",
        "Organization",
        "Patient",
        "RelatedPerson",
        "Device",
    },
    ("MedicationStatement", "context"): {"Encounter", "EpisodeOfCare"},
    ("MedicationDispense", "authorizingPrescription"): {"MedicationRequest"},
    ("MedicationAdministration", "request"): {"MedicationRequest"},
    ("ServiceRequest", "replaces"): {"ServiceRequest"},
    ("Consent", "patient"): {"Patient"},
    ("Consent", "performer"): {"Organization", "Patient", "Practitioner", "RelatedPerson", "PractitionerRole"},
    ("Patient", "link.other"): {"Patient", "RelatedPerson"},
    ("Identifier", "assigner"): {"Organization"},
    ("Provenance", "target"): set(),
    ("DocumentReference", "context.related"): set(),
    ("Extension", "valueReference"): set(),
}


@pytest.mark.parametrize(
    ("place", "targets"),
    TARGETS.items(),
    ids=lambda one: ".".join(one) if isinstance(one, tuple) else " ".join(sorted(one)),
)
def test_the_table_knows_what_the_types_in_use_point_at(place, targets):
    assert target_types(*place) == targets


def test_the_path_may_begin_with_the_type():
    assert target_types("Encounter", "Encounter.subject") == target_types("Encounter", "subject")


@pytest.mark.parametrize("place", [("Encounter", "status"), ("Encounter", "nobody"), ("Nothing", "subject")])
def test_what_is_no_reference_has_no_targets(place):
    assert target_types(*place) is None
