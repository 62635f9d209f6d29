"""Documents: received bytes with hashes and reads."""

import copy
import pickle

import pytest

from coordinator.fhir import BadJson, DecimalText, NotAResource, read_document

PLAN = b"""{ "resourceType": "CarePlan", "id": "p1",
  "meta": {"versionId": "7", "lastUpdated": "2026-03-02T09:30:00Z", "source": "urn:x"},
  "category": [{"coding": [{"code": "a"}, {"code": "b"}]}, {"coding": [{"code": "c"}]}, {"text": "none"}],
  "activity": [{"detail": {"quantity": {"value": 1.10}}}] }"""


def test_the_bytes_stay_as_they_were_received():
    assert read_document(PLAN).raw == PLAN


def test_type_id_and_version_are_read():
    plan = read_document(PLAN)

    assert (plan.type, plan.id, plan.version_id) == ("CarePlan", "p1", "7")
    assert (plan.last_updated, plan.version) == ("2026-03-02T09:30:00Z", "7")


def test_a_resource_without_version_is_known_by_its_content():
    """Some servers give no versionId at all."""
    one = read_document(b'{"resourceType":"Patient","gender":"male"}')
    other = read_document(b'{"resourceType":"Patient","gender":"female"}')

    assert one.version == "~" + one.canonical_hash.hex()[:12] != other.version
    assert (one.id, one.version_id, one.last_updated) == ("", None, None)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("id",), "p1"),
        (("category", 0, "coding", 1, "code"), "b"),
        (("activity", 0, "detail", "quantity", "value"), DecimalText("1.10")),
        (("category", 3), None),
        (("category", "coding"), None),
        (("id", "x"), None),
        (("id", 0), None),
        (("nothing", "there"), None),
    ],
)
def test_a_value_is_got_by_path(path, value):
    assert read_document(PLAN).get(*path) == value


def test_all_values_are_got_through_lists():
    plan = read_document(PLAN)

    assert plan.all("category", "coding", "code") == ("a", "b", "c")
    assert plan.all("category", 0, "coding", "code") == ("a", "b")
    assert plan.all("category", "text") == ("none",)
    assert plan.all("nothing", "there") == ()


SAME_CONTENT = {
    "other keys first": b'{"id":"p","resourceType":"Patient","meta":{"source":"s"},"x":[1.0]}',
    "white space": b'{ "resourceType" : "Patient", "id" : "p", "meta" : { "source" : "s" }, "x" : [ 1.0 ] }\n',
    "another version": (
        b'{"resourceType":"Patient","id":"p","meta":{"versionId":"9","lastUpdated":"z","source":"s"},"x":[1.0]}'
    ),
}
CONTENT = b'{"resourceType":"Patient","id":"p","meta":{"source":"s"},"x":[1.0]}'


@pytest.mark.parametrize("raw", SAME_CONTENT.values(), ids=SAME_CONTENT.keys())
def test_what_a_server_rearranges_does_not_change_the_canonical_hash(raw):
    one, other = read_document(CONTENT), read_document(raw)

    assert one.canonical_hash == other.canonical_hash
    assert one.raw_hash != other.raw_hash
    assert len(one.raw_hash) == len(one.canonical_hash) == 32


@pytest.mark.parametrize(
    "raw",
    [
        CONTENT.replace(b"1.0", b"1.00"),
        CONTENT.replace(b"1.0", b"1"),
        CONTENT.replace(b'"s"', b'"t"'),
        CONTENT.replace(b'"x"', b'"versionId"'),
    ],
)
def test_content_changes_the_canonical_hash(raw):
    assert read_document(raw).canonical_hash != read_document(CONTENT).canonical_hash


def test_a_meta_that_says_only_the_version_counts_as_none():
    """A server that begins to number its versions has changed no record."""
    bare = read_document(b'{"resourceType":"Patient"}')
    numbered = read_document(b'{"resourceType":"Patient","meta":{"versionId":"1"}}')

    assert bare.canonical_hash == numbered.canonical_hash


def test_documents_are_equal_when_their_bytes_are():
    assert read_document(CONTENT) == read_document(CONTENT)
    assert len({read_document(CONTENT), read_document(CONTENT), read_document(PLAN)}) == 2
    assert read_document(CONTENT) != CONTENT


def test_a_document_shows_nothing_of_its_content():
    assert repr(read_document(CONTENT)) == f"Document(Patient, {len(CONTENT)} bytes)"


@pytest.mark.parametrize("raw", [b"[]", b'"Patient"', b"{}", b'{"resourceType":""}', b'{"resourceType":1}', b"null"])
def test_json_that_is_no_resource_is_refused(raw):
    with pytest.raises(NotAResource):
        read_document(raw)


def test_bad_json_is_refused_at_the_door():
    with pytest.raises(BadJson):
        read_document(b'{"resourceType":"Patient","id":"a","id":"b"}')


def test_a_decimal_survives_copying_with_its_text():
    """Documents travel between processes."""
    number = DecimalText("1.10")

    copies = [copy.copy(number), copy.deepcopy([number])[0], pickle.loads(pickle.dumps(number))]  # noqa: S301 - our own

    assert [found.text for found in copies] == ["1.10"] * 3
