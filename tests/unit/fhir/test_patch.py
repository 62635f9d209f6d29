"""Patches: named places change, every other byte stays."""

import pytest

from coordinator.fhir import Append, BadEdit, NotAResource, Remove, Set, difference, parse, patched, read_document

RAW = b"""{
  "resourceType" : "Goal",
  "target" : [ { "dueDate" : "2026-05-01" , "detailString":"walk" }, {"dueDate":"2026-06-01"} ],
  "note" :[ ] , "empty": { },
  "value"  :  1.10,
  "gap": [null, {"id": "x"}], "nothing": null
}
"""


def after(*edits):
    return patched(read_document(RAW), edits).raw


CHANGES = {
    "a text": (Set(("target", 0, "dueDate"), "2027"), b'"2026-05-01"', b'"2027"'),
    "a number": (Set(("value",), parse(b"2.50")), b"1.10", b"2.50"),
    "precision alone": (Set(("value",), parse(b"1.1")), b"1.10", b"1.1"),
    "a new member": (Set(("target", 1, "id"), "t"), b'"2026-06-01"}', b'"2026-06-01","id":"t"}'),
    "a new member in an empty object": (Set(("empty", "a"), True), b"{ }", b'{"a":true }'),
    "a new parent": (Set(("meta", "tag", 0, "code"), "x"), b'"x"}], "nothing": null', b""),
    "a place that holds null": (Set(("gap", 0, "id"), "y"), b"[null,", b'[{"id":"y"},'),
    "a member that is null": (Set(("nothing",), 1), b'"nothing": null', b'"nothing": 1'),
    "a list element": (Set(("target", 1), {"a": []}), b'{"dueDate":"2026-06-01"}', b'{"a":[]}'),
    "the place behind a list": (Set(("target", 2), 1), b'"2026-06-01"}', b'"2026-06-01"},1'),
    "one more element": (Append(("target",), 1), b'"2026-06-01"}', b'"2026-06-01"},1'),
    "the first element": (Append(("note",), {"text": "a"}), b"[ ]", b'[{"text":"a"} ]'),
    "an element where null stands": (Append(("nothing",), 1), b'"nothing": null', b'"nothing": [1]'),
    "the first member gone": (Remove(("target", 0, "dueDate")), b'"dueDate" : "2026-05-01" , ', b""),
    "a later member gone": (Remove(("target", 0, "detailString")), b' , "detailString":"walk"', b""),
    "the first element gone": (
        Remove(("target", 0)),
        b'{ "dueDate" : "2026-05-01" , "detailString":"walk" }, {"d',
        b'{"d',
    ),
    "the last element emptied": (Remove(("target", 1, "dueDate")), b', {"dueDate":"2026-06-01"}', b""),
    "an emptied element and its list": (Remove(("gap", 1, "id")), b', {"id": "x"}', b""),
}


@pytest.mark.parametrize(("edit", "before", "behind"), CHANGES.values(), ids=CHANGES.keys())
def test_only_the_named_place_changes(edit, before, behind):
    if edit.path[0] == "meta":
        expected = RAW.replace(b'"nothing": null', b'"nothing": null,"meta":{"tag":[{"code":"x"}]}')
    else:
        expected = RAW.replace(before, behind, 1)

    assert after(edit) == expected != RAW


NO_CHANGES = {
    "none": [],
    "the same text": [Set(("target", 0, "dueDate"), "2026-05-01")],
    "the same object in another order": [Set(("target", 0), {"detailString": "walk", "dueDate": "2026-05-01"})],
    "the same decimal": [Set(("value",), parse(b"1.10"))],
    "removing what is not there": [
        Remove(("nobody",)),
        Remove(("target", 5)),
        Remove(("value", "x")),
        Remove(("a", 0)),
    ],
}


@pytest.mark.parametrize("edits", NO_CHANGES.values(), ids=NO_CHANGES.keys())
def test_edits_that_change_nothing_give_the_same_document(edits):
    document = read_document(RAW)

    assert patched(document, edits) is document


BAD = {
    "a member of a text": Set(("resourceType", "x"), 1),
    "a member of a list": Set(("target", "x"), 1),
    "an element of an object": Set(("empty", 0), 1),
    "a place far behind a list": Set(("target", 9), 1),
    "a place before a list": Set(("target", -1), 1),
    "a hole in a new list": Set(("new", 1), 1),
    "an element of a text": Append(("resourceType",), 1),
    "an element below a text": Append(("resourceType", "x"), 1),
    "everything": Remove(()),
}


@pytest.mark.parametrize("edit", BAD.values(), ids=BAD.keys())
def test_an_edit_that_does_not_fit_is_refused(edit):
    with pytest.raises(BadEdit):
        after(edit)


def test_a_patched_document_is_still_a_resource():
    with pytest.raises(NotAResource):
        after(Remove(("resourceType",)))


def test_an_element_emptied_in_the_middle_holds_its_place():
    """Were it taken out, the second target would be read as the first."""
    goal = read_document(b'{"resourceType":"Goal","target":[{"a":1},{"b":2}]}')

    assert patched(goal, [Remove(("target", 0, "a"))]).raw == b'{"resourceType":"Goal","target":[{},{"b":2}]}'


def test_removing_the_last_of_an_object_removes_its_parents():
    goal = read_document(b'{"resourceType":"Goal","a":{"b":[{"c":1}]}}')

    assert patched(goal, [Remove(("a", "b", 0, "c"))]).raw == b'{"resourceType":"Goal"}'


def test_keys_with_escapes_are_found():
    goal = read_document(rb'{"resourceType":"Goal","a\"}\u0062":"}"}')

    assert patched(goal, [Set(('a"}b',), "x")]).raw == rb'{"resourceType":"Goal","a\"}\u0062":"x"}'


@pytest.mark.parametrize(
    ("old", "new", "edits"),
    [
        ("[1,2,3]", "[1,3]", (Remove((1,)),)),
        ("[1,2,3]", "[1,4,3,5]", (Set((1,), 4), Append((), 5))),
        ("[1,2,3]", "[4]", (Set((0,), 4), Remove((2,)), Remove((1,)))),
        ("[1,2]", "[1,null]", (Set((1,), None),)),
        ('{"a":1,"b":{"c":2}}', '{"b":{"c":3}}', (Set(("b", "c"), 3), Remove(("a",)))),
        ('{"a":1}', "{}", (Set((), {}),)),
        ('{"a":1}', "null", (Remove(()),)),
        ('{"a":[1]}', '{"a":[1]}', ()),
    ],
)
def test_a_difference_goes_as_deep_as_it_can(old, new, edits):
    assert difference(parse(old.encode()), parse(new.encode())) == edits
