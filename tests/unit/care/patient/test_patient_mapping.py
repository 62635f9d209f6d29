"""A Patient is read as it is written; nothing is normalized, and no former name is taken for the present one."""

import json
from dataclasses import replace
from typing import Any

import pytest

from coordinator.care.patient.mapping import read_patient, write_patient
from coordinator.care.patient.model import Address, PatientRecord
from coordinator.fhir import Document, Identifier, read_document


def document(**members: Any) -> Document:
    return read_document(json.dumps({"resourceType": "Patient", "id": "1", **members}).encode())


def test_a_patient_is_read():
    found = read_patient(
        document(
            identifier=[
                {"type": {"coding": [{"code": "MR"}]}, "system": "https://x/mrn", "value": "1", "use": "usual"}
            ],
            active=True,
            name=[
                {"use": "official", "family": " Ruiz ", "given": ["Ana", "M."], "suffix": ["Jr"]},
                {"use": "maiden", "family": "Diaz"},
            ],
            telecom=[{"system": "phone", "value": "+1-518-555-0141"}, {"system": "email", "value": "a@example"}],
            gender="female",
            birthDate="1991-04",
            address=[{"line": ["48 Elm Street"], "city": "Albany", "state": "NY", "postalCode": "12207"}],
            link=[
                {"other": {"reference": "Patient/0"}, "type": "replaces"},
                {"other": {"reference": "Patient/2"}, "type": "replaced-by"},
            ],
        )
    )

    assert found == PatientRecord(
        identifiers=(Identifier(system="https://x/mrn", value="1", type_code="MR", use="usual"),),
        active=True,
        family=" Ruiz ",
        given=("Ana", "M."),
        suffixes=("Jr",),
        former_families=("Diaz",),
        gender="female",
        birth_date="1991-04",
        phones=("+1-518-555-0141",),
        emails=("a@example",),
        addresses=(Address(lines=("48 Elm Street",), city="Albany", state="NY", postal_code="12207"),),
        replaced_by="Patient/2",
        replaces=("Patient/0",),
    )


@pytest.mark.parametrize(
    ("names", "family"),
    [
        ([{"family": "A"}, {"use": "usual", "family": "B"}, {"use": "official", "family": "C"}], "C"),
        ([{"family": "A"}, {"use": "usual", "family": "B"}], "B"),
        ([{"use": "old", "family": "A"}, {"family": "B"}, {"family": "C"}], "B"),
        (
            [{"use": "maiden", "family": "A"}, {"use": "nickname", "family": "B"}, {"use": "anonymous", "family": "C"}],
            None,
        ),
        ([3, {"use": 7, "family": "A"}], None),
        ([], None),
    ],
    ids=["official", "usual", "no use", "none that is theirs", "not a name", "empty"],
)
def test_the_name_in_force_is_read(names: list[Any], family: str | None):
    assert read_patient(document(name=names)).family == family


def test_a_name_is_written_where_it_was_read_and_beside_names_of_the_past():
    former = {"use": "maiden", "family": "Diaz"}

    changed = write_patient(
        replace(read_patient(document(name=[former, {"family": "A"}])), family="B"),
        document(name=[former, {"family": "A"}]),
    )
    added = write_patient(PatientRecord(family="B", former_families=("Diaz",)), document(name=[former]))

    assert changed.get("name") == [former, {"family": "B"}]
    assert added.get("name") == [former, {"family": "B"}]


def test_former_phones_and_addresses_are_not_shown_and_stay():
    old = document(
        telecom=[{"system": "phone", "value": "1", "use": "old"}, {"system": "phone", "value": "2", "rank": 1}],
        address=[{"use": "old", "city": "Troy"}, {"city": "Albany", "district": "x"}],
    )
    record = read_patient(old)

    written = write_patient(replace(record, phones=("2", "3")), old)

    assert record.phones == ("2",)
    assert record.addresses == (Address(city="Albany"),)
    assert written.get("telecom") == [
        {"system": "phone", "value": "2", "rank": 1},
        {"system": "phone", "value": "3"},
        {"system": "phone", "value": "1", "use": "old"},
    ]
    assert written.get("address") == old.get("address")


def test_a_merge_is_written_as_a_link_beside_the_others():
    linked = document(link=[{"other": {"reference": "Patient/0"}, "type": "seealso"}])

    written = write_patient(replace(read_patient(linked), replaced_by="Patient/2"), linked)

    assert written.get("link") == [
        {"other": {"reference": "Patient/0"}, "type": "seealso"},
        {"other": {"reference": "Patient/2"}, "type": "replaced-by"},
    ]
