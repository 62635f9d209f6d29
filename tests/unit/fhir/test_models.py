"""The models of fhir.resources as second judge and as source of shapes."""

import json

import pytest

from coordinator.fhir import read_document, validate
from coordinator.fhir.models import Choice, Slot, shape_of
from tools.reference_targets import HEAD, rows


def judged(tree):
    return [(issue.path, issue.code) for issue in validate(read_document(json.dumps(tree).encode()))]


def test_a_sound_resource_is_judged_sound():
    assert judged({"resourceType": "Patient", "gender": "male", "birthDate": "2000-02-29"}) == []


def test_all_that_is_wrong_is_listed():
    encounter = {"resourceType": "Encounter", "class": {"code": " "}, "zzz": 1, "type": {}}

    assert sorted(judged(encounter)) == [
        ("Encounter.class.code", "value"),
        ("Encounter.type", "structure"),
        ("Encounter.zzz", "structure"),
    ]


def test_a_missing_code_is_required():
    assert judged({"resourceType": "Goal", "description": {}, "subject": {}}) == [("Goal.lifecycleStatus", "required")]


@pytest.mark.parametrize("name", ["MedicinalProduct", "HumanName", "Resource", "x/../y"])
def test_a_type_that_the_models_lack_is_unsupported(name):
    found = validate(read_document(json.dumps({"resourceType": name}).encode()))

    assert [issue.text for issue in found] == ["unsupported type"]
    assert "/" not in found[0].path


@pytest.mark.parametrize("inner", [{"resourceType": "Nothing"}, {"resourceType": []}, {"resourceType": "HumanName"}])
def test_a_contained_thing_of_no_type_is_refused(inner):
    assert judged({"resourceType": "Patient", "contained": [inner]}) != []


def test_a_judgement_repeats_nothing_of_the_content():
    tree = {"resourceType": "Patient", "birthDate": "Jane Doe", "Jane Doe": 1, "gender": ["Jane Doe"]}

    assert "Jane" not in repr(validate(read_document(json.dumps(tree).encode())))


def test_a_shape_tells_what_a_type_is_made_of():
    shape = shape_of("Encounter")

    slots = {slot.key: slot for slot in shape.slots}
    assert slots["class"] == Slot(name="class_fhir", key="class", type="Coding", is_required=True)
    assert slots["subject"].targets == ("Patient", "Group")
    assert slots["participant"].type == "EncounterParticipant"
    assert shape_of("EncounterParticipant").is_part
    assert shape.needed == (("status", "status__ext"),)


def test_a_shape_tells_the_choices():
    assert Choice(name="deceased", members=("deceasedBoolean", "deceasedDateTime"), is_required=False) in (
        shape_of("Patient").choices
    )
    assert [choice.is_required for choice in shape_of("MedicationRequest").choices if choice.name == "medication"] == [
        True
    ]


def test_there_is_no_shape_of_what_is_no_type():
    assert shape_of("Nothing") is None
    assert shape_of("os.path") is None


@pytest.mark.slow
def test_the_table_of_reference_targets_is_what_its_tool_writes(request):
    """Whoever changes the table by hand must say so in the tool."""
    table = request.config.rootpath / "coordinator/fhir/tables/reference_targets.csv"

    assert table.read_text(encoding="utf-8") == HEAD + "".join(",".join(row) + "\n" for row in rows())
