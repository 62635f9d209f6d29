"""What records refer to that is of no person, and whose record an Appointment is."""

import json

import pytest

from coordinator.sync.referred import referred_by, referred_in
from coordinator.sync.versions import named_together, own_part, patient_of, received
from tests.builders import NOW, a_statement, an_appointment, an_encounter, an_episode, document

WHERE = {"location": [{"location": {"reference": "Location/L-1"}}, {"location": {"display": "a room"}}]}

REFERRED = {
    "the place of a session": (an_encounter(**WHERE), {("Location", "L-1")}),
    "a place on the same server by its address": (
        an_encounter(location=[{"location": {"reference": "https://ehr.example/fhir/Location/L-2"}}]),
        {("Location", "L-2")},
    ),
    "a medicine": (a_statement(reference="Medication/m-1"), {("Medication", "m-1")}),
    "a medicine inside the record": (a_statement(reference="#m"), set()),
    "a session without a place": (an_encounter(), set()),
    "a record of another type": (an_episode(), set()),
    "an element that is no list of places": (an_encounter(location="here"), set()),
}


@pytest.mark.parametrize(("tree", "expected"), REFERRED.values(), ids=REFERRED)
def test_a_record_tells_which_medicines_and_places_it_needs(tree, expected):
    read = document(tree)
    version = received(read, json.dumps(tree).encode(), ehr="iop", now=NOW)
    assert (referred_by(read), referred_in(version)) == (expected, expected)


OTHERS = {"RelatedPerson/RP-1": (None, None), "Practitioner/d-1": (None, None)}

APPOINTMENTS = {
    "the patient among family and staff": ({**OTHERS, "Patient/p-1": (None, None)}, "p-1"),
    "a group with all its members": ({"Patient/p-1": (None, None), "Patient/p-2": (None, None)}, None),
    "nobody but staff": (OTHERS, None),
}


@pytest.mark.parametrize(("asked", "patient"), APPOINTMENTS.values(), ids=APPOINTMENTS)
def test_an_appointment_is_the_record_of_its_one_patient(asked, patient):
    """As the record of each member of a group it would tell every one about the others."""
    assert patient_of(document(an_appointment(asked=asked))) == patient


GROUP = {
    "Practitioner/d-1": (None, None),
    "Patient/p-2": ("2026-04-02T09:00:00-04:00", None),
    "Patient/p-1": ("2026-04-02T09:10:00-04:00", None),
    "RelatedPerson/mother-of-p-2": (None, None),
}


def a_group():
    named = {"actor": {"type": "Patient", "display": "Somebody Else"}, "status": "declined"}
    made = an_appointment(asked=GROUP, comment="Somebody Else asked for it", description="with p-2")
    contained = [{"resourceType": "Patient", "id": "p-3", "name": [{"family": "Else"}]}]
    return made | {"participant": [*made["participant"], named], "contained": contained, "text": {"div": "p-2"}}


def test_each_member_of_a_group_is_told_of_their_own_part_and_of_nobody_else():
    read = document(a_group())
    assert named_together(read) == ("p-1", "p-2")
    seen = own_part(read, {"p-1"})
    somebody = {"actor": {"type": "Patient"}}
    assert seen.get("participant") == [
        {"actor": {"reference": "Practitioner/d-1"}, "status": "accepted"},
        somebody,
        {
            "actor": {"reference": "Patient/p-1"},
            "status": "accepted",
            "period": {"start": "2026-04-02T09:10:00-04:00"},
        },
        somebody,
    ]
    assert not [word for word in (b"p-2", b"p-3", b"Else", b"mother") if word in seen.raw]
    assert (seen.version, seen.get("start")) == (read.version, "2026-04-02T09:00:00-04:00")


def test_a_record_of_one_patient_is_seen_as_it_came():
    read = document(an_appointment(comment="bring the form"))
    assert own_part(read, {"p-1"}) is read
