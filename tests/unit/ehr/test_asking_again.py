"""Whether a safe request is asked again, and when."""

import pytest

from coordinator.ehr.exchange import Again, Lost
from coordinator.ehr.protocols.retry import GiveUp, Patience, RetryAt, Tried, decide
from tests.unit.ehr.talk import NO_ANSWER, answer

PATIENCE = Patience(tries=4, first_wait=1.0, longest_wait=30.0, total=100.0)
DATE = "Tue, 07 Apr 2026 12:00:00 GMT"
FINAL = Lost(reason="its certificate can't be verified", sent=False, again=Again.NEVER)


def decided(reply, *, times=1, now=10.0, since=10.0, at_token=False):
    return decide(reply, Tried(times=times, since=since, now=now), patience=PATIENCE, at_token=at_token)


@pytest.mark.parametrize("status", [200, 201, 301, 400, 401, 403, 404, 409, 410, 412, 422, 501])
def test_an_answer_is_an_answer(status):
    assert decided(answer(b"{}", status)) is None


@pytest.mark.parametrize("reply", [NO_ANSWER, *(answer(b"", one) for one in (429, 502, 503, 504))])
@pytest.mark.parametrize(("times", "wait"), [(1, 1.0), (2, 2.0), (3, 4.0)])
def test_silence_and_busy_ehrs_are_asked_again_after_waits_that_double(reply, times, wait):
    assert decided(reply, times=times) == RetryAt(at=10.0 + wait)


def test_after_the_last_try_what_came_is_what_there_is():
    assert decided(answer(b"", 503), times=4) == GiveUp(reason="status 503")
    assert decided(NO_ANSWER, times=4) == GiveUp(reason="the connection broke")


def test_what_no_further_try_can_mend_is_not_tried():
    assert decided(FINAL) == GiveUp(reason=FINAL.reason)


def test_a_body_that_broke_off_is_fetched_again_and_one_that_is_too_large_is_not():
    assert decided(answer(b"", fault="broken off")) == RetryAt(at=11.0)
    assert decided(answer(b"", fault="too large")) is None


def test_a_500_gets_one_more_chance():
    """It may be one record that the server can't render (Oracle)."""
    assert decided(answer(b"", 500)) == RetryAt(at=11.0)
    assert decided(answer(b"", 500), times=2) is None


WAITS = {
    "seconds": ("7", RetryAt(at=17.0)),
    "less than we wait anyway": ("0", RetryAt(at=11.0)),
    "a date": ("Tue, 07 Apr 2026 12:00:20 GMT", RetryAt(at=30.0)),
    "a date that has passed": ("Tue, 07 Apr 2026 11:00:00 GMT", RetryAt(at=11.0)),
    "a date without zone": ("Tue, 07 Apr 2026 12:00:20", RetryAt(at=30.0)),
    "five hours": ("18000", GiveUp(reason="status 429", retry_after=18000.0)),
    "longer than any run": ("9" * 40, GiveUp(reason="status 429", retry_after=999999999.0)),
    "a date in a century": (
        "Tue, 07 Apr 2126 12:00:00 GMT",
        GiveUp(reason="status 429", retry_after=3155760000.0 - 86400),
    ),
    "negative": ("-5", RetryAt(at=11.0)),
    "a word": ("soon", RetryAt(at=11.0)),
    "digits of another script": ("\u0667", RetryAt(at=11.0)),
    "nothing": ("", RetryAt(at=11.0)),
}


@pytest.mark.parametrize(("told", "decision"), WAITS.values(), ids=WAITS.keys())
def test_what_an_ehr_asks_us_to_wait_is_heeded_within_reason(told, decision):
    """An EHR once asked for five hours: that is for the next run."""
    assert decided(answer(b"", 429, retry_after=told, date=DATE)) == decision


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_a_date_to_wait_for_tells_nothing_without_the_ehrs_own_time(date):
    reply = answer(b"", 429, retry_after="Tue, 07 Apr 2026 12:00:20 GMT", date=date)
    assert decided(reply) == RetryAt(at=11.0)


def test_no_wait_leads_past_the_time_that_there_is_in_all():
    assert decided(NO_ANSWER, now=108.0, since=10.0, times=2) == RetryAt(at=110.0)
    assert decided(NO_ANSWER, now=109.0, since=10.0, times=2) == GiveUp(reason="the connection broke")


def test_a_bare_400_at_the_token_endpoint_is_asked_again_and_nowhere_else():
    """Epic answers one by chance, the same as for bad credentials."""
    assert decided(answer(b" ", 400), at_token=True) == RetryAt(at=11.0)
    assert decided(answer(b'{"error": "invalid_client"}', 400), at_token=True) is None
    assert decided(answer(b"", 400)) is None
