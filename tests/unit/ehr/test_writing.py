"""A write goes out once, after a look, and its outcome is called by its name."""

import json

import pytest

from coordinator.ehr.exchange import Answer
from coordinator.ehr.protocols.write import MOST_LOOKED, Way, write
from coordinator.fhir import read_document
from coordinator.sync.ports import Applied, Conflict, Refused, Unavailable, Unknown, WriteRequest
from tests.unit.ehr.talk import BASE, NO_ANSWER, NOT_SENT, a_page, a_record, an_outcome, answer, talk

CLAIM = ("https://coordinator.example/fhir/claim", "k-1")
OURS = {"identifier": [{"system": CLAIM[0], "value": CLAIM[1]}]}
SUBJECT = {"subject": {"reference": "Patient/p-1"}}
WAY = Way(create=True, update=True, by_identifier=True, by_patient=True)
NOTHING = a_page()
PLACE = "https://ehr.test/fhir/Goal/new"


def a_create(*, claim=CLAIM, resume=False, **more):
    record = {"resourceType": "Goal", **OURS, **SUBJECT, **more}
    body = json.dumps(record).encode()
    return WriteRequest(type="Goal", target=None, body=body, base_hash=b"", claim=claim, resume=resume)


def an_update(base, *, resume=False, **more):
    body = json.dumps({**base, "note": "new", **more}).encode()
    hash_ = read_document(json.dumps(base).encode()).canonical_hash
    return WriteRequest(type="Goal", target=base["id"], body=body, base_hash=hash_, claim=None, resume=resume)


def writing(request, *replies, way=WAY):
    return talk(write(BASE, request, way), *replies)


# --- create: look first ---------------------------------------------------------------------------------------------


def test_a_create_looks_for_our_identifier_then_sends_once():
    done = writing(a_create(), NOTHING, answer(b"", 201, location=PLACE))
    look, sent = done.asked
    assert look.url == "https://ehr.test/fhir/Goal?identifier=https%3A%2F%2Fcoordinator.example%2Ffhir%2Fclaim%7Ck-1"
    assert (sent.method, sent.url, sent.body) == ("POST", "https://ehr.test/fhir/Goal", a_create().body)
    assert sent.headers["if-none-exist"] == "identifier=https%3A%2F%2Fcoordinator.example%2Ffhir%2Fclaim%7Ck-1"
    assert sent.headers["content-type"] == "application/fhir+json"
    assert done.result == Applied(id="new")


def test_a_record_that_carries_our_identifier_is_adopted_and_nothing_is_sent():
    done = writing(a_create(), a_page(a_record("other"), {"resourceType": "Goal"}, a_record("there", **OURS)))
    assert (done.result, done.methods) == (Applied(id="there", adopted=True), "GET")


def test_an_ehr_that_ignores_the_identifier_answers_with_everything_and_nothing_of_it_is_taken_for_ours():
    others = [a_record(f"g-{number}", identifier=[{"system": CLAIM[0], "value": "other"}]) for number in range(3)]
    done = writing(a_create(), a_page(*others, {"no": "type"}), answer(b"", 201, location=PLACE))
    assert done.result == Applied(id="new")


def test_a_search_that_plainly_does_not_filter_is_given_up_and_the_patient_is_asked_for():
    many = [a_record(f"g-{number}") for number in range(MOST_LOOKED + 1)]
    done = writing(a_create(), a_page(*many), NOTHING, answer(b"", 201, location=PLACE))
    assert done.asked[1].url == "https://ehr.test/fhir/Goal?patient=p-1"
    assert done.result == Applied(id="new")


def test_where_a_search_needs_a_patient_both_are_asked_for():
    way = Way(create=True, update=True, by_identifier=True, by_patient=True, patient_needed=True)
    done = writing(a_create(), NOTHING, answer(b"", 201, location=PLACE), way=way)
    assert done.asked[0].url.startswith("https://ehr.test/fhir/Goal?patient=p-1&identifier=")


def test_an_ehr_that_can_not_search_by_identifier_is_asked_for_the_patients_records():
    way = Way(create=True, update=True, by_identifier=False, by_patient=True)
    done = writing(a_create(), a_page(a_record("there", **OURS)), way=way)
    assert done.asked[0].url == "https://ehr.test/fhir/Goal?patient=p-1"
    assert done.result == Applied(id="there", adopted=True)


def test_an_ehr_that_calls_the_patient_subject_is_asked_so():
    way = Way(create=True, update=True, by_identifier=False, by_patient=True, patient_param="subject")
    done = writing(a_create(), NOTHING, answer(b"", 201, location=PLACE), way=way)
    assert done.asked[0].url == "https://ehr.test/fhir/Goal?subject=p-1"


SUBJECTS = {
    "subject": {"subject": {"reference": "Patient/p-1"}},
    "patient": {"subject": None, "patient": {"reference": "https://ehr.test/fhir/Patient/p-1"}},
    "for": {"subject": {"reference": "Group/g"}, "for": {"reference": "Patient/p-1"}},
}


@pytest.mark.parametrize("subject", SUBJECTS.values(), ids=SUBJECTS.keys())
def test_the_patient_is_read_from_wherever_a_resource_names_them(subject):
    way = Way(create=True, update=True, by_identifier=False, by_patient=True)
    request = a_create(**subject)
    done = writing(request, NOTHING, answer(b"", 201, location=PLACE), way=way)
    assert done.asked[0].url == "https://ehr.test/fhir/Goal?patient=p-1"


@pytest.mark.parametrize("claim", [CLAIM, None])
def test_a_first_create_goes_out_where_no_look_is_possible(claim):
    way = Way(create=True, update=True, by_identifier=False, by_patient=False)
    done = writing(a_create(claim=claim), answer(b"", 201, location=PLACE), way=way)
    assert (done.methods, done.result) == ("POST", Applied(id="new"))


def test_a_create_after_a_lost_answer_is_not_sent_where_no_look_is_possible():
    """It may be there already: only an EHR that says so may be written to again."""
    way = Way(create=True, update=True, by_identifier=False, by_patient=False)
    for claim in (CLAIM, None):
        assert isinstance(writing(a_create(claim=claim, resume=True), way=way).result, Unknown)


def test_a_create_after_a_lost_answer_looks_first_and_adopts_what_is_there():
    done = writing(a_create(resume=True), a_page(a_record("there", **OURS)))
    assert (done.result, done.methods) == (Applied(id="there", adopted=True), "GET")


def test_a_create_after_a_lost_answer_is_sent_where_the_look_found_nothing():
    assert writing(a_create(resume=True), NOTHING, answer(b"", 201, location=PLACE)).result == Applied(id="new")


@pytest.mark.parametrize("reply", [NO_ANSWER, NOT_SENT, answer(b"", 503), answer(b"", 429, retry_after="7")])
def test_while_the_look_gets_no_answer_nothing_is_sent(reply):
    done = writing(a_create(), reply)
    assert isinstance(done.result, Unavailable)
    assert done.methods == "GET"


def test_a_look_that_is_refused_tries_the_other_way_and_then_sends_what_was_never_sent_before():
    forbidden = answer(b"", 403)
    done = writing(a_create(), forbidden, forbidden, answer(b"", 201, location=PLACE))
    assert (done.methods, done.result) == ("GET GET POST", Applied(id="new"))


def test_a_type_that_takes_no_creates_is_refused_before_anything_goes_out():
    way = Way(create=False, update=True, by_identifier=True, by_patient=True)
    assert writing(a_create(), NOTHING, way=way).result == Refused(status=405, reason="this EHR takes no new Goal")


@pytest.mark.parametrize("body", [b"{", b'{"resourceType": "Task"}'])
def test_what_is_no_resource_of_the_type_never_goes_out(body):
    request = WriteRequest(type="Goal", target=None, body=body, base_hash=b"", claim=None)
    assert writing(request).result.status == 0


# --- create: what the answer says -----------------------------------------------------------------------------------

PLACES = {
    "absolute": {"location": PLACE},
    "with version": {"location": PLACE + "/_history/1"},
    "relative": {"location": "Goal/new"},
    "with a slash": {"location": "/fhir/Goal/new/"},
    "with a query": {"location": "https://ehr.test/fhir/Goal/new?practice=1"},
    "content-location": {"content_location": "Goal/new/_history/1"},
    "long id": {"location": "Goal/new"},
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
@pytest.mark.parametrize("status", [200, 201])
def test_the_new_id_is_read_from_any_form_of_location(place, status):
    """Status 200 answers If-None-Exist: it was there already."""
    assert writing(a_create(), NOTHING, answer(b"", status, **place)).result == Applied(id="new", adopted=status == 200)


def test_the_new_id_is_read_from_the_body_where_there_is_no_location():
    told = a_record("new", meta={"versionId": "1"})
    assert writing(a_create(), NOTHING, answer(told, 201)).result == Applied(id="new", version="1")


VERSIONS = {
    "in the body, whatever the header says": (a_record("g-1", meta={"versionId": "7"}), {"etag": 'W/"6"'}, "7"),
    "in a body that names none": (a_record("g-1", meta={}), {"etag": 'W/"7"'}, None),
    "a weak tag": (b"", {"etag": 'W/"7"'}, "7"),
    "a strong tag": (b"", {"etag": '"7"'}, "7"),
    "a bare tag": (b"", {"etag": "7"}, "7"),
    "an empty tag": (b"", {"etag": '""'}, None),
    "no tag": (b"", {}, None),
    "a body that is no record": (b"[]", {"etag": '"7"'}, None),
}


@pytest.mark.parametrize(("told", "headers", "version"), VERSIONS.values(), ids=VERSIONS)
def test_the_version_that_a_write_made_is_read_where_it_is_told(told, headers, version):
    place = {"location": "Goal/g-1"}
    assert writing(a_create(), NOTHING, answer(told, 201, **place, **headers)).result == Applied(
        id="g-1", version=version
    )


NO_ID = {
    "nothing": answer(b"", 201),
    "no content": answer(b"", 204),
    "another type's place": answer(b"", 201, location="https://ehr.test/fhir/Task/7"),
    "a web page": Answer(status=201, headers={"content-type": "text/html"}, body=b"<html>"),
    "a body cut off": answer(b"", 201, fault="broken off"),
    "a record without id": answer({"resourceType": "Goal"}, 201),
}


@pytest.mark.parametrize("reply", NO_ID.values(), ids=NO_ID.keys())
def test_a_success_without_an_id_is_looked_for_by_our_identifier(reply):
    assert writing(a_create(), NOTHING, reply, a_page(a_record("there", **OURS))).result == Applied(id="there")


@pytest.mark.parametrize("look", [NOTHING, answer(b"", 503), NO_ANSWER, answer(b"", 403)])
def test_a_success_that_can_not_be_found_is_unknown(look):
    more = [look] if look in (NOTHING, NO_ANSWER) or look.status == 503 else [look, look]
    assert isinstance(writing(a_create(), NOTHING, answer(b"", 201), *more).result, Unknown)


def test_a_success_that_reports_an_error_in_its_body_is_a_refusal():
    done = writing(a_create(), NOTHING, answer(an_outcome("business-rule"), 200, location=PLACE))
    assert done.result == Refused(status=200, reason="business-rule")


@pytest.mark.parametrize("status", [409, 412, 422])
def test_a_duplicate_is_adopted(status):
    """Epic 59141: the content is charted already, so the wanted fact is there."""
    refused = answer(an_outcome("duplicate", vendor="59141"), status)
    done = writing(a_create(), NOTHING, refused, a_page(a_record("there", **OURS)))
    assert done.result == Applied(id="there", adopted=True)


@pytest.mark.parametrize("look", [NOTHING, answer(b"", 503)])
def test_a_duplicate_that_is_not_ours_is_a_conflict(look):
    refused = answer(an_outcome("duplicate", vendor="59141"), 422)
    assert writing(a_create(), NOTHING, refused, look).result == Conflict(by="duplicate")


@pytest.mark.parametrize("status", [409, 412])
def test_a_conflict_at_a_create_is_one_unless_our_record_is_there(status):
    assert writing(a_create(), NOTHING, answer(b"", status), NOTHING).result == Conflict(by=str(status))
    found = a_page(a_record("there", **OURS))
    assert writing(a_create(), NOTHING, answer(b"", status), found).result == Applied(id="there")


# --- what create and update have in common --------------------------------------------------------------------------

COMMON = {
    "answer lost": (NO_ANSWER, Unknown(reason="the connection broke")),
    "never sent": (NOT_SENT, Unavailable(reason="can't connect")),
    "500": (answer(b"", 500), Unknown(reason="status 500")),
    "502": (answer(b"", 502), Unknown(reason="status 502")),
    "503": (answer(b"", 503), Unknown(reason="status 503")),
    "503 with a time": (answer(b"", 503, retry_after="9"), Unavailable(reason="status 503", retry_after=9.0)),
    "504": (answer(b"", 504), Unknown(reason="status 504")),
    "429": (answer(b"", 429), Unavailable(reason="status 429")),
    "429 with a time": (answer(b"", 429, retry_after="60"), Unavailable(reason="status 429", retry_after=60.0)),
    "423": (answer(b"", 423), Unavailable(reason="the record is being edited (status 423)")),
    "202": (answer(b"", 202), Unknown(reason="taken for later (status 202)")),
    "501": (answer(b"", 501), Refused(status=501, reason="status 501")),
    "400": (answer(b"", 400), Refused(status=400, reason="status 400")),
    "401": (answer(b"", 401), Refused(status=401, reason="status 401")),
    "403": (answer(an_outcome("forbidden"), 403), Refused(status=403, reason="forbidden")),
    "405": (answer(b"", 405), Refused(status=405, reason="status 405")),
    "422": (answer(an_outcome("business-rule"), 422), Refused(status=422, reason="business-rule")),
    "424": (answer(b"", 424), Refused(status=424, reason="status 424")),
    "302": (answer(b"", 302, location=PLACE), Refused(status=302, reason="status 302")),
}
CURRENT = a_record("g-1")


@pytest.mark.parametrize(("reply", "outcome"), COMMON.values(), ids=COMMON.keys())
def test_an_answer_means_the_same_for_create_and_update(reply, outcome):
    assert writing(a_create(), NOTHING, reply).result == outcome
    assert writing(an_update(CURRENT), answer(CURRENT, etag='W/"1"'), reply).result == outcome


def test_no_word_of_a_body_gets_into_a_reason():
    refused = writing(a_create(), NOTHING, answer(an_outcome("invalid", vendor="12"), 422)).result
    assert refused == Refused(status=422, reason="invalid 12")


# --- update ---------------------------------------------------------------------------------------------------------


def updating(request=None, current=CURRENT, *more, way=WAY, **headers):
    return writing(request or an_update(CURRENT), answer(current, **headers), *more, way=way)


def test_an_update_reads_compares_and_sends_with_the_etag_exactly_as_received():
    done = updating(None, CURRENT, answer(b"", 200), etag='"odd-1"')
    read, sent = done.asked
    assert read.url == sent.url == "https://ehr.test/fhir/Goal/g-1"
    assert (sent.method, sent.headers["if-match"], sent.body) == ("PUT", '"odd-1"', an_update(CURRENT).body)
    assert done.result == Applied(id="g-1")


PATCHED = Way(create=False, update=False, patch=True, by_identifier=False, by_patient=False)


def patching(request, current, *more, **headers):
    return updating(request, current, *more, way=PATCHED, **headers)


def test_an_ehr_that_takes_no_whole_record_is_sent_what_differs_and_no_more():
    wanted = {**CURRENT, "description": {"text": "Sleep well"}, "note": [{"text": "x"}]}
    done = patching(an_update(CURRENT, **wanted), CURRENT, answer(b"", 200), etag='W/"1"')
    sent = done.asked[1]
    assert (sent.method, sent.headers["content-type"], sent.headers["if-match"]) == (
        "PATCH",
        "application/json-patch+json",
        'W/"1"',
    )
    assert json.loads(sent.body) == [
        {
            "op": "replace" if "description" in CURRENT else "add",
            "path": "/description",
            "value": {"text": "Sleep well"},
        },
        {"op": "add", "path": "/note", "value": [{"text": "x"}]},
    ]
    assert done.result == Applied(id="g-1")


def test_a_patch_that_no_version_guards_tests_what_it_replaces():
    bare = a_record("g-1", version=None, description={"text": "Sleep"}, lifecycleStatus="active")
    done = patching(an_update(bare, description={"text": "Sleep well"}), bare, answer(b"", 200))
    assert json.loads(done.asked[1].body)[0] == {"op": "test", "path": "/description", "value": {"text": "Sleep"}}


@pytest.mark.parametrize("status", [400, 422])
def test_a_patch_whose_test_failed_is_a_conflict_and_any_other_refusal_is_none(status):
    bare = a_record("g-1", version=None, description={"text": "Sleep"})
    saved = a_record("g-1", version=None, description={"text": "Sleep more"})
    request = an_update(bare, description={"text": "Sleep well"})
    refused = answer(an_outcome("processing"), status)
    assert patching(request, bare, refused, answer(saved)).result == Conflict(by="test")
    assert isinstance(patching(request, bare, refused, answer(bare)).result, Refused)
    assert isinstance(patching(request, bare, refused, answer(b"<", 200)).result, Refused)


def test_without_an_etag_the_version_stands_in_and_without_both_none_is_sent():
    bare = a_record("g-1", version=None)
    assert updating(None, CURRENT, answer(b"", 200)).asked[1].headers["if-match"] == 'W/"1"'
    assert "if-match" not in updating(an_update(bare), bare, answer(b"", 200)).asked[1].headers


def test_a_record_that_already_says_it_is_not_written():
    done = updating(None, {**CURRENT, "note": "new"})
    assert (done.result, done.methods) == (Applied(id="g-1", adopted=True), "GET")


def test_a_record_that_moved_is_a_conflict_and_is_not_overwritten():
    done = updating(None, {**CURRENT, "note": "somebody else's"})
    assert (done.result, done.methods) == (Conflict(by="compare"), "GET")


def test_only_its_version_having_moved_is_no_conflict():
    """Some EHRs give a new version to a save that changed nothing."""
    done = updating(None, a_record("g-1", version="9"), answer(b"", 200), etag='W/"9"')
    assert (done.result, done.asked[1].headers["if-match"]) == (Applied(id="g-1"), 'W/"9"')


def test_the_body_of_an_update_gets_the_id_of_its_target():
    request = an_update(CURRENT)
    nameless = WriteRequest(
        type="Goal",
        target="g-1",
        body=b'{"resourceType":"Goal","id":"x","note":1}',
        base_hash=request.base_hash,
        claim=None,
    )
    done = updating(nameless, CURRENT, answer(b"", 200))
    assert json.loads(done.asked[1].body)["id"] == "g-1"


@pytest.mark.parametrize("status", [409, 412])
def test_a_refused_if_match_is_a_conflict_whatever_its_status(status):
    """412 in R4; HAPI, Oracle and others answer 409."""
    assert updating(None, CURRENT, answer(b"", status)).result == Conflict(by=str(status))


@pytest.mark.parametrize("status", [404, 410])
def test_a_record_that_goes_while_we_write_is_a_conflict(status):
    assert updating(None, CURRENT, answer(b"", status)).result == Conflict(by="gone")


def test_a_404_that_means_that_updates_are_not_supported_is_a_refusal():
    assert updating(None, CURRENT, answer(an_outcome("not-supported"), 404)).result.status == 404


GONE = {
    "deleted": (answer(b"", 410), Conflict(by="gone")),
    "not found": (answer(b"", 404), Conflict(by="gone")),
    "merged": (answer(an_outcome("x", vendor="4107"), 302), Conflict(by="gone")),
    "forbidden": (answer(b"", 403), Refused(status=403, reason="the record can't be read by us")),
    "unreadable": (answer(b"{}"), Refused(status=500, reason="the record that is there can't be read")),
    "twice the same key": (
        answer(b'{"resourceType":"Goal","id":"g-1","note":1,"note":2}'),
        Refused(status=0, reason="the record that is there can't be read"),
    ),
}


@pytest.mark.parametrize(("reply", "outcome"), GONE.values(), ids=GONE.keys())
def test_a_target_that_can_not_be_read_is_never_written(reply, outcome):
    done = writing(an_update(CURRENT), reply)
    assert (done.result, done.methods) == (outcome, "GET")


def test_a_target_of_which_nothing_is_known_now_waits():
    assert isinstance(writing(an_update(CURRENT), NO_ANSWER).result, Unavailable)
    assert writing(an_update(CURRENT), answer(b"", 503, retry_after="5")).result.retry_after == 5.0


def test_a_portal_where_the_record_should_be_is_a_refusal():
    page = Answer(status=200, headers={"content-type": "text/html"}, body=b"<html>")
    assert isinstance(writing(an_update(CURRENT), page).result, Refused)


def test_a_type_that_takes_no_updates_is_refused_before_anything_goes_out():
    way = Way(create=True, update=False, by_identifier=True, by_patient=True)
    assert writing(an_update(CURRENT), way=way).result == Refused(
        status=405, reason="this EHR takes no updates of Goal"
    )


def test_a_successful_update_that_reports_an_error_is_a_refusal_and_a_web_page_tells_nothing():
    assert updating(None, CURRENT, answer(an_outcome("invalid"))).result == Refused(status=200, reason="invalid")
    page = Answer(status=200, headers={"content-type": "text/html"}, body=b"<html>")
    assert isinstance(updating(None, CURRENT, page).result, Unknown)


def test_an_empty_answer_of_type_html_is_a_success():
    """Oracle answers so to a PATCH that succeeded."""
    empty = Answer(status=200, headers={"content-type": "text/html"}, body=b"")
    assert updating(None, CURRENT, empty).result == Applied(id="g-1")


def test_an_update_after_a_lost_answer_sees_that_it_was_done():
    done = updating(an_update(CURRENT, resume=True), {**CURRENT, "note": "new"})
    assert done.result == Applied(id="g-1", adopted=True)


def test_a_mark_that_the_server_sets_at_each_save_does_not_hide_that_an_update_was_done():
    """HAPI gives meta.source a new value with each write."""
    base = {**CURRENT, "meta": {"versionId": "1", "source": "#one"}}
    there = {**base, "note": "new", "meta": {"versionId": "2", "source": "#two"}}
    assert updating(an_update(base, resume=True), there).result == Applied(id="g-1", adopted=True)
