"""What a search finds among documents at hand, and what can't be asked."""

import pytest

from coordinator.access import search_parameters
from coordinator.fhir import BadQuery, Shelf, dumps, found_by, included_by, names_of, read_document, read_query

TABLE = search_parameters()
RECORDS = [
    {
        "resourceType": "Patient",
        "id": "p1",
        "birthDate": "1990-03-02",
        "active": True,
        "name": [{"family": "Okafor", "given": ["Ada", "B."]}],
        "identifier": [{"system": "https://iop.example/mrn", "value": "17"}],
    },
    {"resourceType": "Patient", "id": "p2", "birthDate": "1985", "name": [{"family": "ortiz"}], "active": False},
    {"resourceType": "Patient", "id": "p3"},
    {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "subject": {"reference": "Patient/p1"},
        "period": {"start": "2026-01-05T10:00:00-05:00", "end": "2026-01-20"},
    },
    {
        "resourceType": "Encounter",
        "id": "e2",
        "status": "in-progress",
        "class": {"code": "AMB"},
        "subject": {"reference": "Patient/p2"},
        "period": {"start": "2026-03"},
    },
    {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "3426-4"}]},
        "subject": {"reference": "Patient/p1"},
        "encounter": {"reference": "Encounter/e1"},
        "effectiveDateTime": "2026-01-06T08:00:00Z",
    },
]
SHELF = Shelf({f"{one['resourceType']}/{one['id']}": read_document(dumps(one)) for one in RECORDS})


def asked(type_, *pairs):
    return read_query(type_, pairs, TABLE)


def ids(type_, *pairs):
    return [one.id for one in found_by(asked(type_, *pairs), SHELF)]


FOUND = {
    "nothing asked": ("Patient", [], ["p1", "p2", "p3"]),
    "by id": ("Patient", [("_id", "p2,p9")], ["p2"]),
    "a token with its system": ("Patient", [("identifier", "https://iop.example/mrn|17")], ["p1"]),
    "a token of another system": ("Patient", [("identifier", "https://otp.example/mrn|17")], []),
    "a token without a system": ("Patient", [("identifier", "17")], ["p1"]),
    "any token of a system": ("Patient", [("identifier", "https://iop.example/mrn|")], ["p1"]),
    "a token that has no system": ("Encounter", [("class", "|AMB")], ["e2"]),
    "a boolean": ("Patient", [("active", "false")], ["p2"]),
    "not a token": ("Encounter", [("status:not", "finished")], ["e2"]),
    "missing": ("Patient", [("birthdate:missing", "true")], ["p3"]),
    "not missing": ("Patient", [("birthdate:missing", "false")], ["p1", "p2"]),
    "the beginning of a name": ("Patient", [("family", "O")], ["p1", "p2"]),
    "a given name of any element": ("Patient", [("name", "ada")], ["p1"]),
    "part of a name": ("Patient", [("family:contains", "KAF")], ["p1"]),
    "the very name": ("Patient", [("family:exact", "okafor")], []),
    "a date": ("Patient", [("birthdate", "1990-03-02")], ["p1"]),
    "a year": ("Patient", [("birthdate", "1990")], ["p1"]),
    "a day of a year that is all we know": ("Patient", [("birthdate", "1985-05-05")], []),
    "later": ("Patient", [("birthdate", "gt1985")], ["p1"]),
    "at least": ("Patient", [("birthdate", "ge1985")], ["p1", "p2"]),
    "earlier": ("Patient", [("birthdate", "lt1990")], ["p2"]),
    "at most": ("Patient", [("birthdate", "le1985")], ["p2"]),
    "another date": ("Patient", [("birthdate", "ne1990-03-02")], ["p2"]),
    "ends before": ("Encounter", [("date", "eb2026-02-01")], ["e1"]),
    "starts after": ("Encounter", [("date", "sa2026-02-01")], ["e2"]),
    "an instant to the minute": ("Observation", [("date", "2026-01-06T08:00Z")], ["o1"]),
    "an instant of another zone": ("Observation", [("date", "2026-01-06T03:00:00-05:00")], ["o1"]),
    "an open period": ("Encounter", [("date", "ge2030")], ["e2"]),
    "one of two values": ("Encounter", [("status", "finished,in-progress")], ["e1", "e2"]),
    "both of two parameters": ("Encounter", [("status", "finished"), ("class", "AMB")], []),
    "a reference by id": ("Encounter", [("patient", "p1")], ["e1"]),
    "a reference with its type": ("Encounter", [("subject:Patient", "p2")], ["e2"]),
    "a chain": ("Encounter", [("patient.family", "okafor")], ["e1"]),
    "a chain of two": ("Observation", [("encounter.patient.birthdate", "1990")], ["o1"]),
    "a chain with its type": ("Encounter", [("subject:Patient.active", "false")], ["e2"]),
    "_has": ("Patient", [("_has:Observation:patient:code", "http://loinc.org|3426-4")], ["p1"]),
    "_has in _has": ("Patient", [("_has:Encounter:patient:_has:Observation:encounter:status", "final")], ["p1"]),
    "what does not refer": ("Patient", [("_has:Observation:patient:code", "none")], []),
    "an escaped comma": ("Patient", [("family", r"Oka\,for")], []),
    "sorted": ("Patient", [("_sort", "birthdate")], ["p2", "p1", "p3"]),
    "sorted the other way": ("Patient", [("_sort", "-birthdate")], ["p1", "p2", "p3"]),
    "sorted by a text": ("Patient", [("_sort", "-family")], ["p2", "p1", "p3"]),
    "sorted by a code": ("Encounter", [("_sort", "-status")], ["e2", "e1"]),
}


@pytest.mark.parametrize(("type_", "pairs", "wanted"), FOUND.values(), ids=FOUND)
def test_a_search_finds(type_, pairs, wanted):
    assert ids(type_, *pairs) == wanted


REFUSED = {
    "a parameter that is not in the table": ("Patient", [("ssn", "1")]),
    "a label": ("Patient", [("_security", "R")]),
    "a text search": ("Patient", [("_content", "x")]),
    "a type that is not served": ("Practitioner", [("name", "x")]),
    "a modifier that is not known": ("Patient", [("family:above", "x")]),
    "no value": ("Patient", [("family", "")]),
    "missing what": ("Patient", [("family:missing", "perhaps")]),
    "a date that is none": ("Patient", [("birthdate", "yesterday")]),
    "a reference that is none": ("Encounter", [("patient", "../../x")]),
    "a value of any length": ("Patient", [("family", "x" * 301)]),
    "many values": ("Patient", [("family", ",".join("abcdefghijk" * 5))]),
    "many parameters": ("Patient", [("family", "x")] * 21),
    "a chain through a text": ("Patient", [("family.name", "x")]),
    "a chain without end": ("Encounter", [("episode-of-care.patient._has:Encounter:patient:patient.family", "x")]),
    "a chain to anything": ("MedicationStatement", [("context.status", "x")]),
    "a chain to another type": ("Encounter", [("patient:Goal.status", "x")]),
    "_has by what does not refer here": ("Encounter", [("_has:Observation:patient:code", "x")]),
    "_has in part": ("Patient", [("_has:Observation", "x")]),
    "an include from elsewhere": ("Patient", [("_include", "Encounter:patient")]),
    "an include without a parameter": ("Patient", [("_include", "*")]),
    "an include to another type": ("Encounter", [("_include", "Encounter:patient:Goal")]),
    "a sort by a reference": ("Encounter", [("_sort", "patient")]),
    "a sort by what is not there": ("Encounter", [("_sort", "diagnosis")]),
    "a count that is none": ("Patient", [("_count", "-1")]),
    "a summary of another kind": ("Patient", [("_summary", "text-of-mine")]),
}


@pytest.mark.parametrize(("type_", "pairs"), REFUSED.values(), ids=REFUSED)
def test_what_can_t_be_asked_is_refused_without_repeating_it(type_, pairs):
    with pytest.raises(BadQuery) as refused:
        asked(type_, *pairs)
    assert all(value not in refused.value.sentence for _, value in pairs if len(value) > 3)


def test_what_matches_refer_to_comes_with_them():
    query = asked("Encounter", ("status", "finished"), ("_include", "Encounter:patient"))
    assert [one.id for one in included_by(query.includes, found_by(query, SHELF), SHELF)] == ["p1"]


def test_what_refers_to_matches_comes_with_them():
    query = asked(
        "Patient", ("_id", "p1"), ("_revinclude", "Encounter:patient"), ("_revinclude", "Observation:patient")
    )
    assert [one.id for one in included_by(query.includes, found_by(query, SHELF), SHELF)] == ["e1", "o1"]


@pytest.mark.parametrize("pairs", [[("_summary", "count")], [("_count", "0")]], ids=["summary", "no rows"])
def test_a_count_is_asked_in_two_ways(pairs):
    assert asked("Patient", *pairs).is_count


def test_rows_are_bounded():
    assert asked("Patient", ("_count", "99999")).rows == 200


def test_all_parameters_of_a_search_are_known_however_deep():
    query = asked("Patient", ("_has:Observation:patient:encounter.status", "x"), ("family", "y"))
    assert names_of(query.conditions) == {
        ("Observation", "patient"), ("Observation", "encounter"), ("Encounter", "status"), ("Patient", "family"),
    }  # fmt: skip


def test_a_reference_to_what_is_not_on_the_shelf_leads_nowhere():
    shelf = Shelf({place: one for place, one in SHELF.documents.items() if place != "Patient/p1"})
    assert [one.id for one in found_by(asked("Encounter", ("patient.family", "okafor")), shelf)] == []
