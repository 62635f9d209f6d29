"""A search is walked to its end through what EHRs do on the way, and its verdict never says more than was seen."""

import pytest

from coordinator.ehr.exchange import Again, Answer, Lost
from coordinator.ehr.protocols.paging import MOST_EMPTY, Query, Walk, search
from coordinator.reconcile.model import Grade
from tests.unit.ehr.talk import BASE, NO_ANSWER, a_page, a_record, an_outcome, answer, talk

GOALS = Query(type="Goal", parameters=(("patient", "p-1"), ("_count", "200")), guarded=("patient",))
FIRST = "https://ehr.test/fhir/Goal?patient=p-1&_count=200"
SECOND = "https://ehr.test/fhir?page=2"
THIRD = "https://ehr.test/fhir?page=3"
COMPLETE = Walk()


def walk(*replies, query=GOALS):
    return talk(search(BASE, query), *replies)


def test_pages_are_followed_to_the_last_by_links_that_are_not_touched():
    opaque = "https://ehr.test/other/path?_getpages=%7Ba%7D|b&x=1%2C2"
    done = walk(a_page(a_record("a"), next_=opaque), a_page(a_record("b")))
    assert [one.url for one in done.asked] == [FIRST, opaque]
    assert (done.ids, done.result) == (["a", "b"], COMPLETE)


def test_a_relative_next_link_is_below_the_base():
    done = walk(a_page(a_record("a"), next_="Goal?page=2"), a_page(a_record("b")))
    assert done.asked[1].url == "https://ehr.test/fhir/Goal?page=2"


def test_a_missing_total_and_a_wrong_one_make_no_difference():
    done = walk(a_page(a_record("a"), next_=SECOND), a_page(a_record("b"), total=99))
    assert (done.ids, done.result) == (["a", "b"], COMPLETE)


def test_everything_is_percent_encoded():
    done = walk(a_page(), query=Query(type="Goal", parameters=(("identifier", "urn:x|1+2 3"),)))
    assert done.asked[0].url == "https://ehr.test/fhir/Goal?identifier=urn%3Ax%7C1%2B2%203"
    assert done.asked[0].headers == {"accept": "application/fhir+json", "cache-control": "no-cache"}


# --- entries that come twice ----------------------------------------------------------------------------------------


def test_an_entry_that_comes_twice_is_given_out_once():
    done = walk(a_page(a_record("a"), a_record("b"), next_=SECOND), a_page(a_record("b"), a_record("c")))
    assert (done.ids, done.result) == (["a", "b", "c"], COMPLETE)


@pytest.mark.parametrize(
    ("before", "later", "ids"),
    [
        ("2026-04-07T12:00:00Z", "2026-04-07T12:00:01Z", ["a", "a"]),
        ("2026-04-07T12:00:01Z", "2026-04-07T12:00:00Z", ["a"]),
        ("2026-04-07T12:00:00Z", "2026-04-07T09:00:00-04:00", ["a", "a"]),  # 13:00 in UTC: later, though it reads less
        ("2026-04-07T12:00:00Z", "", ["a", "a"]),
        ("2026-04-07", "2026-04-06", ["a", "a"]),
        ("no instant", "2026-04-06T12:00:00Z", ["a", "a"]),
    ],
    ids=["newer", "older", "other zone", "unsaid", "days", "unreadable"],
)
def test_of_a_record_that_changed_while_paging_the_older_state_is_dropped(before, later, ids):
    """Oracle repeats ids over pages while data changes."""
    one, other = a_record("a", updated=before, text=1), a_record("a", updated=later, text=2)
    assert walk(a_page(one, next_=SECOND), a_page(other)).ids == ids


def test_the_same_id_of_another_type_is_another_record():
    done = walk(a_page(a_record("a"), a_record("a", "CarePlan")))
    assert done.ids == ["a", "a"]


def test_entries_without_a_name_pass_through_to_be_kept_apart_by_whoever_keeps_them():
    done = walk(a_page({"resourceType": "Goal", "x": 1}, {"resourceType": "Goal", "x": 1}, {"no": "type"}))
    assert len(done.pages[0].entries) == 3


# --- outcomes among the entries -------------------------------------------------------------------------------------

OUTCOMES = {
    "none found": (an_outcome("not-found", severity="warning", vendor="4101"), Grade.COMPLETE, ""),
    "none found, as an error": (an_outcome("processing", vendor="4101"), Grade.COMPLETE, ""),
    "a remark": (an_outcome("informational", severity="information"), Grade.COMPLETE, ""),
    "maybe not all": (an_outcome("x", severity="warning", vendor="4119"), Grade.PARTIAL, "4119"),
    "a sub-type withheld": (an_outcome("x", severity="warning", vendor="59204"), Grade.RESTRICTED, "59204"),
    "suppressed": (an_outcome("suppressed", severity="warning"), Grade.RESTRICTED, "suppressed"),
    "break the glass": (an_outcome("x", severity="information", vendor="4134"), Grade.RESTRICTED, "4134"),
    "too many": (an_outcome("x", severity="warning", vendor="4127"), Grade.PARTIAL, "4127"),
    "an error": (an_outcome("invalid"), Grade.PARTIAL, "error"),
}


@pytest.mark.parametrize(("outcome", "grade", "word"), OUTCOMES.values(), ids=OUTCOMES.keys())
def test_a_warning_among_the_entries_decides_what_the_view_is_worth(outcome, grade, word):
    """59204 is the most dangerous one: status 200, and data left out (Epic)."""
    done = walk(a_page(a_record("a"), outcome))
    assert (done.ids, done.result.grade) == (["a"], grade)
    assert word in done.result.problem
    assert "person" not in done.result.problem


def test_a_warning_on_the_first_page_is_not_forgotten_on_the_last():
    warned = an_outcome("suppressed", severity="warning")
    done = walk(a_page(a_record("a"), warned, next_=SECOND), a_page(a_record("b")))
    assert (done.ids, done.result.grade) == (["a", "b"], Grade.RESTRICTED)


def test_a_missing_parameter_told_among_the_entries_reads_as_a_refusal():
    done = walk(a_page(an_outcome("required")))
    assert (done.result.grade, done.result.status) == (Grade.PARTIAL, 400)


# --- parameters that were ignored -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("self_", "ignored"),
    [
        (None, False),
        (FIRST, False),
        ("https://ehr.test/fhir/Goal?patient=Patient%2Fp-1", False),
        ("https://ehr.test/fhir/Goal?subject=p-1", False),
        ("https://ehr.test/fhir/Goal?_count=200", True),
        ("https://ehr.test/fhir/Goal", True),
        ("https://[not-an-address", False),
    ],
)
def test_a_parameter_that_the_self_link_lacks_was_ignored_and_nothing_of_the_answer_is_taken(self_, ignored):
    """A search that should have been for one patient must not bring another's records."""
    done = walk(a_page(a_record("a"), self_=self_))
    assert done.ids == ([] if ignored else ["a"])
    assert done.result.grade is (Grade.PARTIAL if ignored else Grade.COMPLETE)


def test_an_ignored_parameter_that_only_asks_for_larger_pages_does_no_harm():
    done = walk(a_page(a_record("a"), self_="https://ehr.test/fhir/Goal?patient=p-1"))
    assert done.result == COMPLETE


# --- links ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "link",
    [
        "https://elsewhere.test/fhir?page=2",
        "http://ehr.test/fhir?page=2",
        "https://ehr.test:8443/fhir?page=2",
        "//elsewhere.test/page",
        "https://someone@ehr.test/fhir?page=2",
        "file:///etc/passwd",
        "https://[broken",
        "https://ehr.test:port/fhir",
    ],
)
def test_a_next_link_to_another_place_is_not_followed(link):
    """Our token would go along."""
    done = walk(a_page(a_record("a"), next_=link))
    assert (done.ids, done.result.grade) == (["a"], Grade.PARTIAL)


@pytest.mark.parametrize("link", ["https://ehr.test:443/fhir?p=2", "HTTPS://EHR.test/fhir?p=2"])
def test_the_same_place_may_be_spelled_in_another_way(link):
    assert walk(a_page(a_record("a"), next_=link), a_page(a_record("b"))).result == COMPLETE


def test_a_next_link_that_leads_back_ends_the_walk_as_not_complete():
    done = walk(a_page(a_record("a"), next_=SECOND), a_page(a_record("b"), next_=FIRST))
    assert (done.ids, done.result.grade, done.result.problem) == (["a", "b"], Grade.PARTIAL, "the next link leads back")


def test_a_next_link_that_leads_back_after_all_was_counted_is_no_harm():
    done = walk(a_page(a_record("a"), next_=SECOND, total=2), a_page(a_record("b"), next_=SECOND, total=2))
    assert (done.ids, done.result) == (["a", "b"], COMPLETE)


def test_an_empty_page_that_leads_to_itself_is_the_end():
    done = walk(a_page(a_record("a"), next_=SECOND), a_page(next_=SECOND))
    assert done.result == COMPLETE


def test_an_empty_page_with_a_next_link_goes_on():
    """Azure's next link may lead to an empty page."""
    done = walk(a_page(a_record("a"), next_=SECOND), a_page(next_=THIRD), a_page(a_record("b")))
    assert (done.ids, done.result) == (["a", "b"], COMPLETE)


def test_phantom_pages_without_end_are_not_followed_for_ever():
    pages = [a_page(next_=f"https://ehr.test/fhir?page={number}") for number in range(MOST_EMPTY)]
    done = walk(*pages)
    assert (done.result.grade, done.result.problem) == (Grade.PARTIAL, "the pages have no end")


def test_more_pages_than_any_ehr_has_are_not_followed():
    """A page with something new on it for each link would go on for ever."""
    pages = [a_page(a_record(f"r{number}"), next_=f"https://ehr.test/fhir?page={number}") for number in range(3)]
    done = talk(search(BASE, GOALS, most_pages=3), *pages)
    assert (done.ids, done.result.problem) == (["r0", "r1", "r2"], "the pages have no end")


# --- expiry ---------------------------------------------------------------------------------------------------------

EXPIRED = {
    "410": answer(an_outcome("not-found", vendor="HAPI-0417"), 410),
    "404": answer(b"", 404),
    "code 4113": answer(an_outcome("processing", vendor="4113"), 400),
    "code expired": answer(an_outcome("expired"), 500),
}


@pytest.mark.parametrize("expired", EXPIRED.values(), ids=EXPIRED.keys())
def test_an_expired_page_starts_the_search_again_and_nothing_is_given_out_twice(expired):
    done = walk(
        a_page(a_record("a"), next_=SECOND),
        expired,
        a_page(a_record("a"), a_record("b"), next_=SECOND),
        a_page(a_record("c")),
    )
    assert (done.ids, done.result) == (["a", "b", "c"], COMPLETE)
    assert [one.url for one in done.asked] == [FIRST, SECOND, FIRST, SECOND]


def test_a_search_that_expires_twice_is_not_complete():
    page = a_page(a_record("a"), next_=SECOND)
    done = walk(page, EXPIRED["410"], page, EXPIRED["410"])
    assert (done.ids, done.result.grade) == (["a"], Grade.PARTIAL)


# --- refusals and broken answers ------------------------------------------------------------------------------------

REFUSALS = {
    "not authorized": (answer(b"", 403), Grade.RESTRICTED, 403),
    "no token": (answer(b"", 401), Grade.RESTRICTED, 401),
    "break the glass": (answer(an_outcome("x", vendor="4130"), 400), Grade.RESTRICTED, 400),
    "parameter missing": (answer(an_outcome("required", vendor="4111"), 400), Grade.PARTIAL, 400),
    "unknown type": (answer(b"", 404), Grade.PARTIAL, 404),
    "too many": (answer(an_outcome("too-costly", vendor="59133"), 422), Grade.PARTIAL, 422),
    "server error": (answer(b"", 500), Grade.PARTIAL, 500),
    "redirect": (answer(b"", 302, location="https://elsewhere.test"), Grade.PARTIAL, 302),
    "outcome with 200": (answer(an_outcome("exception")), Grade.PARTIAL, 200),
    "restricted outcome with 200": (answer(an_outcome("security")), Grade.RESTRICTED, 403),
    "required outcome with 200": (answer(an_outcome("required")), Grade.PARTIAL, 400),
    "a record with 200": (answer(a_record()), Grade.PARTIAL, 200),
    "a list with 200": (answer([]), Grade.PARTIAL, 200),
    "web page with 200": (Answer(status=200, headers={"content-type": "text/html"}, body=b"<p>"), Grade.PARTIAL, 200),
    "XML": (
        Answer(status=200, headers={"content-type": "application/fhir+xml"}, body=b"<Bundle/>"),
        Grade.PARTIAL,
        200,
    ),
    "web page unnamed": (Answer(status=200, body=b" <!DOCTYPE html>"), Grade.PARTIAL, 200),
    "no JSON": (answer(b"{"), Grade.PARTIAL, 0),
    "nothing with 200": (answer(b""), Grade.PARTIAL, 0),
    "too large": (answer(b"", fault="too large"), Grade.PARTIAL, 0),
}


@pytest.mark.parametrize(("reply", "grade", "status"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_first_answer_that_is_no_page_is_never_an_empty_result(reply, grade, status):
    done = walk(reply)
    assert (done.pages, done.result.grade, done.result.status) == ((), grade, status)
    assert done.result.problem
    assert not done.result.lost


def test_a_page_that_fails_midway_leaves_what_came_and_tells_no_status_of_a_refused_search():
    done = walk(a_page(a_record("a"), next_=SECOND), answer(b"", 500))
    assert (done.ids, done.result) == (["a"], Walk(grade=Grade.PARTIAL, problem="status 500"))


def test_an_answer_that_never_came_is_told_as_lost():
    assert walk(NO_ANSWER).result.lost
    assert walk(Lost(reason="x", sent=False, again=Again.NEVER)).result.grade is Grade.PARTIAL


@pytest.mark.parametrize("status", [405, 414])
def test_a_search_that_is_refused_by_get_goes_by_post_with_all_in_its_body(status):
    page = a_page(a_record("a"), next_="https://ehr.test/fhir/Goal?_page=2")
    found = talk(
        search(BASE, Query(type="Goal", parameters=(("patient", "a+b"),))),
        answer(b"", status),
        page,
        a_page(a_record("b")),
    )
    assert (found.ids, found.result.grade, found.result.by_post) == (["a", "b"], Grade.COMPLETE, True)
    assert found.methods == "GET POST GET"
    assert (found.asked[1].url, found.asked[1].body) == ("https://ehr.test/fhir/Goal/_search", b"patient=a%2Bb")
    assert found.asked[1].is_safe


def test_where_post_is_refused_too_the_first_refusal_is_told():
    found = talk(search(BASE, Query(type="Goal")), answer(b"", 414), answer(b"", 405))
    assert (found.result.status, found.result.by_post) == (414, False)


@pytest.mark.parametrize(("whose", "grade"), [("p-1", Grade.COMPLETE), ("p-2", Grade.PARTIAL)])
def test_where_a_search_by_post_tells_its_address_alone_the_records_show_whether_it_was_heeded(whose, grade):
    page = a_page(a_record(subject={"reference": f"Patient/{whose}"}), self_="https://ehr.test/fhir/Goal/_search")
    query = Query(type="Goal", parameters=(("patient", "p-1"),), guarded=("patient",), by_post=True)
    found = talk(search(BASE, query), page)
    assert (found.result.grade, found.result.ignored) == (grade, grade is Grade.PARTIAL)
