"""A patch holds what differs, and the tests that guard it where no version does."""

import json

import pytest

from coordinator.ehr.protocols.json_patch import patch_of
from coordinator.fhir import read_document
from coordinator.sandbox.json_patch import patched_by

OLD = {
    "resourceType": "Goal",
    "id": "g",
    "meta": {"versionId": "3", "lastUpdated": "x"},
    "note": [],
    "startDate": "2026",
}
NEW = {"resourceType": "Goal", "id": "g", "description": {"text": "1.10"}, "startDate": "2027"}
LABEL = [{"code": "R"}]


def a_document(tree):
    return read_document(json.dumps(tree).encode())


def operations(old, new, *, is_guarded=True):
    return json.loads(patch_of(a_document(old), a_document(new), is_guarded=is_guarded))


def test_elements_are_added_replaced_and_removed():
    assert operations(OLD, NEW) == [
        {"op": "add", "path": "/description", "value": {"text": "1.10"}},
        {"op": "remove", "path": "/note"},
        {"op": "replace", "path": "/startDate", "value": "2027"},
    ]


def test_each_element_that_goes_is_tested_where_no_version_guards():
    tests = [one for one in operations(OLD, NEW, is_guarded=False) if one["op"] == "test"]
    assert tests == [
        {"op": "test", "path": "/note", "value": []},
        {"op": "test", "path": "/startDate", "value": "2026"},
    ]


META = {
    "a label beside what the server set": (
        OLD,
        {**OLD, "meta": {**OLD["meta"], "versionId": "2", "security": LABEL}},
        [{"op": "add", "path": "/meta/security", "value": LABEL}],
    ),
    "a label where there is no meta": (
        {"resourceType": "Goal", "id": "g"},
        {"resourceType": "Goal", "id": "g", "meta": {"versionId": "2", "security": LABEL}},
        [{"op": "add", "path": "/meta", "value": {"security": LABEL}}],
    ),
    "nothing": (OLD, {name: value for name, value in OLD.items() if name != "meta"}, []),
}


@pytest.mark.parametrize(("old", "new", "expected"), META.values(), ids=META)
def test_what_the_server_sets_is_left_to_it(old, new, expected):
    assert operations(old, new) == expected


def test_a_patch_makes_the_one_record_the_other():
    made = patched_by(a_document(OLD), patch_of(a_document(OLD), a_document(NEW), is_guarded=False))
    assert made.canonical_hash == a_document(NEW).canonical_hash
