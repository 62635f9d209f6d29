"""Exchanges as values, the codes of outcomes, and the error that a useless reply becomes."""

import pytest

from coordinator.ehr.exchange import Again, Answer, Asked, Lost, base_of, origin
from coordinator.ehr.protocols.outcomes import codes_of, is_refusal, meanings, said_in
from coordinator.ehr.protocols.trouble import trouble
from coordinator.errors import PermanentEhrError, TemporaryEhrError
from tests.unit.ehr.talk import NO_ANSWER, a_page, a_record, an_outcome, answer

HTML = {"content-type": "Text/HTML; charset=utf-8"}


@pytest.mark.parametrize("told", ["", "/", "/metadata", "/metadata/", " "])
def test_the_base_is_what_is_before_metadata(told):
    assert base_of(f"https://ehr.test/fhir{told}").url == "https://ehr.test/fhir"


def test_an_origin_is_scheme_host_and_port():
    assert origin("HTTP://Ehr.Test/x") == origin("http://ehr.test:80") == ("http", "ehr.test", 80)
    assert origin("https://ehr.test:bad") == ("", "", None)


def test_only_reading_is_safe():
    safe = [Asked(method=one, url="", place="").is_safe for one in ("GET", "POST", "PUT", "PATCH", "DELETE")]
    assert safe == [True, False, False, False, False]


def test_vendor_codes_speak_before_those_of_fhir():
    """Epic tells 59204 with the FHIR code `processing` or with `suppressed`: the vendor's own is the precise one."""
    both = answer(an_outcome("duplicate", vendor="4103")).body
    assert (meanings(both), codes_of(both)) == ({"deleted"}, "duplicate 4103")


ODD = {
    "no JSON": b"<html>",
    "no object": b"[1]",
    "another resource": answer(a_record()).body,
    "issue of another shape": b'{"resourceType":"OperationOutcome","issue":{"code":"deleted"}}',
    "issues of another shape": b'{"resourceType":"OperationOutcome","issue":["deleted"]}',
    "entries of another shape": b'{"resourceType":"Bundle","entry":["x",{"resource":[]}]}',
}


@pytest.mark.parametrize("raw", ODD.values(), ids=ODD.keys())
def test_what_is_no_outcome_says_nothing(raw):
    assert (said_in(raw), meanings(raw), codes_of(raw), is_refusal(raw)) == ((), frozenset(), "", False)


def test_codes_of_odd_shapes_are_left_out_and_long_words_are_no_codes():
    raw = answer(
        {
            "resourceType": "OperationOutcome",
            "issue": [
                {"severity": "error", "code": "x" * 65, "details": {"coding": ["y", {"code": 7}, {"code": "4103"}]}},
                {"severity": 1, "details": "z"},
                {"details": {"coding": "z"}},
            ],
        }
    ).body
    assert (codes_of(raw), is_refusal(raw)) == ("4103", True)


def test_outcomes_are_found_among_the_entries_of_a_bundle():
    assert meanings(a_page(a_record(), an_outcome("deleted")).body) == {"deleted"}


TROUBLES = {
    "no answer": (NO_ANSWER, TemporaryEhrError, "no answer", "Check the address"),
    "final": (Lost(reason="r", sent=False, again=Again.NEVER, hint="Do this."), PermanentEhrError, "(r)", "Do this."),
    "503": (answer(b"", 503), TemporaryEhrError, "503", "next run"),
    "500": (answer(b"", 500), TemporaryEhrError, "500", "next run"),
    "web page": (Answer(status=200, headers=HTML, body=b"<p>"), PermanentEhrError, "web page", "FHIR base"),
    "fault": (answer(b"", fault="too large"), PermanentEhrError, "too large", "ehr check"),
    "redirect": (answer(b"", 302), PermanentEhrError, "302", "another address"),
    "401": (answer(b"", 401), PermanentEhrError, "401", "token"),
    "403": (answer(an_outcome("forbidden"), 403), PermanentEhrError, "403 (forbidden)", "scope"),
    "404": (answer(b"", 404), PermanentEhrError, "404", "check the address"),
    "400": (answer(b"", 400), PermanentEhrError, "400", "ehr check"),
}


@pytest.mark.parametrize(("reply", "kind", "words", "hint"), TROUBLES.values(), ids=TROUBLES.keys())
def test_a_useless_reply_becomes_an_error_with_its_cure(reply, kind, words, hint):
    problem = trouble(reply, operation="read", subject="iop")
    assert (type(problem), problem.operation, problem.subject) == (kind, "read", "iop")
    assert words in str(problem)
    assert hint in problem.hint


def test_the_wait_that_was_asked_for_goes_with_the_error():
    problem = trouble(answer(b"", 429, retry_after="30"), operation="read", subject="iop")
    assert isinstance(problem, TemporaryEhrError)
    assert problem.retry_after == 30.0
