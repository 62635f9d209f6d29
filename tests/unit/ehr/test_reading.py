"""A record that is not there is not there in one of five ways, and silence is none of them."""

import pytest

from coordinator.ehr.exchange import Again, Answer, Lost
from coordinator.ehr.protocols.read import read
from coordinator.errors import PermanentEhrError, TemporaryEhrError
from coordinator.sync.ports import Absent, Found
from tests.unit.ehr.talk import BASE, NO_ANSWER, a_page, a_record, an_outcome, answer, talk

HTML = Answer(status=200, headers={"content-type": "text/html"}, body=b"<html>please sign in</html>")


def test_a_record_comes_as_its_bytes_with_its_etag():
    done = talk(read(BASE, "Goal", "g 1/x"), answer(a_record("g 1/x"), etag='W/"3"'))
    assert done.result == Found(body=answer(a_record("g 1/x")).body, etag='W/"3"')
    assert done.asked[0].url == "https://ehr.test/fhir/Goal/g%201%2Fx"


ABSENT = {
    "deleted by status": (answer(b"", 410), "deleted"),
    "deleted by code": (answer(an_outcome("x", vendor="4103"), 404), "deleted"),
    "deleted, with 200": (answer(an_outcome("deleted")), "deleted"),
    "merged by code": (answer(an_outcome("x", vendor="4107"), 400), "merged"),
    "merged by redirect": (answer(b"", 301, location="https://ehr.test/fhir/Patient/2"), "merged"),
    "merged, survivor given": (answer(a_record("2", "Patient")), "merged"),
    "not found": (answer(b"", 404), "not-found"),
    "forbidden": (answer(b"", 403), "forbidden"),
    "no token": (answer(b"", 401), "forbidden"),
    "break the glass": (answer(an_outcome("x", vendor="4131"), 400), "forbidden"),
    "hidden, with 200": (answer(an_outcome("security")), "forbidden"),
    "server can't render it": (answer(an_outcome("required"), 500), "unreadable"),
    "too large": (answer(b"", fault="too large"), "unreadable"),
    "no JSON": (answer(b"{"), "unreadable"),
    "a Bundle": (a_page(), "unreadable"),
    "another type": (answer(a_record("p-1", "Goal")), "unreadable"),
    "a remark with 200": (answer(an_outcome("informational", severity="information")), "unreadable"),
}


@pytest.mark.parametrize(("reply", "kind"), ABSENT.values(), ids=ABSENT.keys())
def test_why_a_record_is_not_there(reply, kind):
    assert talk(read(BASE, "Patient", "p-1"), reply).result == Absent(kind=kind)


def test_another_record_than_the_one_that_was_asked_for_is_not_taken():
    assert talk(read(BASE, "Goal", "g-1"), answer(a_record("g-2"))).result == Absent(kind="unreadable")


SILENT = {
    "no answer": (NO_ANSWER, TemporaryEhrError),
    "of no use to ask": (Lost(reason="x", sent=False, again=Again.NEVER, hint="Do this."), PermanentEhrError),
    "429": (answer(b"", 429), TemporaryEhrError),
    "503": (answer(b"", 503, retry_after="12"), TemporaryEhrError),
    "a web page": (HTML, PermanentEhrError),
}


@pytest.mark.parametrize(("reply", "error"), SILENT.values(), ids=SILENT.keys())
def test_where_nothing_can_be_said_of_the_record_an_error_says_so_and_names_no_id(reply, error):
    with pytest.raises(error) as problem:
        talk(read(BASE, "Patient", "p-1"), reply)
    assert problem.value.hint
    assert "p-1" not in problem.value.sentence
