"""A bulk export: how its job is started and waited for, and from where its files may be fetched."""

import json
from datetime import UTC, datetime

import httpx
import pytest

from coordinator.ehr.downloads import LINES_AT_ONCE, Downloads, NotFetched
from coordinator.ehr.exchange import Base
from coordinator.ehr.protocols.export import Gone, Order, Patience, Pending, Wait, delete, start, wait
from coordinator.ehr.wire import HttpWire
from coordinator.errors import PermanentEhrError, TemporaryEhrError
from tests.unit.ehr.talk import BASE, answer, talk

JOB = "https://ehr.test/fhir/jobs/1"
PATIENCE = Patience(shortest=2, longest=60, total=100)


def waited(*replies, patience=PATIENCE):
    """Drive the waiting; return its result and the waits in between."""
    steps, waiting, waits = wait(BASE, JOB, patience=patience), iter(replies), []
    step = next(steps)
    while True:
        try:
            if isinstance(step, Wait):
                waits.append(step.seconds)
                step = steps.send(None)
            else:
                step = steps.send(next(waiting))
        except StopIteration as end:
            return end.value, waits


def running(**headers):
    return answer(b"", 202, **headers)


def done(**more):
    told = {"transactionTime": "2026-04-07T12:00:00Z", "requiresAccessToken": True, "output": [], **more}
    return answer(told)


# --- starting -------------------------------------------------------------------------------------------------------


def test_a_job_is_started_once_for_the_types_of_a_scope():
    found = talk(start(BASE, Order(scope="Patient", types=("Goal", "Task"))), answer(b"", 202, content_location=JOB))
    (asked,) = found.asked
    assert (found.result, asked.url) == (JOB, "https://ehr.test/fhir/Patient/$export?_type=Goal,Task")
    assert asked.headers["prefer"] == "respond-async"
    assert not asked.is_safe, "asked twice it would start two jobs"


def test_where_a_type_in_the_list_is_refused_all_is_asked_for():
    replies = answer(b"", 400), answer(b"", 202, content_location=JOB)
    found = talk(start(BASE, Order(types=("Goal",))), *replies)
    assert found.asked[1].url == "https://ehr.test/fhir/$export"


STRANGE = {"nowhere": {}, "elsewhere": {"content_location": "https://other.test/jobs/1"}}


@pytest.mark.parametrize("headers", STRANGE.values(), ids=STRANGE)
def test_a_job_at_another_place_than_the_ehr_is_not_followed(headers):
    with pytest.raises(PermanentEhrError, match="at no address of this EHR"):
        talk(start(BASE, Order()), answer(b"", 202, **headers))


def test_a_second_job_that_is_refused_is_for_later():
    with pytest.raises(TemporaryEhrError) as found:
        talk(start(BASE, Order()), answer(b"", 429, retry_after="18000"))
    assert found.value.retry_after == 18000


# --- waiting --------------------------------------------------------------------------------------------------------

WAITS = {
    "none is told: longer each time": ([running(), running()], [2, 4]),
    "seconds": ([running(retry_after="7")], [7]),
    "a date": (
        [running(retry_after="Tue, 07 Apr 2026 12:00:30 GMT", date="Tue, 07 Apr 2026 12:00:00 GMT")],
        [30],
    ),
    "too long": ([running(retry_after="18000")], [60]),
    "too short": ([running(retry_after="0")], [2]),
    "busy is no end": ([answer(b"", 503), answer(b"", 429, retry_after="5")], [2, 5]),
}


@pytest.mark.parametrize(("replies", "waits"), WAITS.values(), ids=WAITS)
def test_a_job_is_asked_after_as_the_ehr_wishes_within_bounds(replies, waits):
    result, found = waited(*replies, done())
    assert (found, result.as_of) == (waits, datetime(2026, 4, 7, 12, tzinfo=UTC))


def test_a_job_that_takes_longer_than_our_patience_is_left_for_the_next_run():
    result, waits = waited(*[running(retry_after="60")] * 2)
    assert (result, waits) == (Pending(), [60])


@pytest.mark.parametrize("status", [404, 410])
def test_a_job_that_is_unknown_by_now_is_gone(status):
    assert waited(answer(b"", status)) == (Gone(), [])


def test_a_job_that_failed_is_trouble():
    with pytest.raises(TemporaryEhrError, match="500"):
        waited(answer(b"", 500))


@pytest.mark.parametrize("body", [b"<html>", {"output": "none"}, []], ids=["a web page", "no list", "no object"])
def test_a_manifest_that_can_not_be_read_is_told(body):
    with pytest.raises(PermanentEhrError, match="can't be read"):
        waited(answer(body))


def test_what_a_manifest_tells():
    file = {"type": "Goal", "url": "files/1", "count": 3}
    odd = [{"type": "Goal"}, "x", {"url": "files/2", "type": 5, "count": True}]
    manifest, _ = waited(done(output=[file, *odd], requiresAccessToken="yes", link=[{"relation": "next"}]))
    assert [(one.type, one.url, one.count) for one in manifest.files] == [
        ("Goal", "https://ehr.test/fhir/files/1", 3),
        ("", "https://ehr.test/fhir/files/2", None),
    ]
    assert (manifest.needs_token, manifest.is_part) == (False, True)


def test_a_job_is_deleted_wherever_it_is():
    assert talk(delete(JOB), answer(b"", 404)).methods == "DELETE"


# --- files ----------------------------------------------------------------------------------------------------------


async def signed(asked):
    return type(asked)(method=asked.method, url=asked.url, place=asked.place, headers={"authorization": "Bearer t"})


async def fetched(url, *answers, with_token=True, hosts=("files.test",)):
    """Return the lines of a file, and what was asked as (host, with a token)."""
    asked, waiting = [], iter(answers)

    def serve(request):
        asked.append((request.url.host, "authorization" in request.headers))
        return next(waiting)

    async with httpx.AsyncClient(transport=httpx.MockTransport(serve)) as client:
        downloads = Downloads(base=Base(url=BASE.url), wire=HttpWire(client), sign=signed, hosts=hosts)
        lines = [line async for batch in downloads.lines(url, with_token=with_token) for line in batch]
    return lines, asked


def streamed(*parts, **more):
    async def body():
        for part in parts:
            yield part

    return httpx.Response(200, content=body(), **more)


def ok(*records):
    return streamed(b"\n".join(json.dumps(one).encode() for one in records))


async def test_a_file_is_read_line_by_line_and_its_empty_lines_are_none():
    lines, _ = await fetched("https://ehr.test/f", streamed(b'{"a"', b":1}\r\n\n", b' {"a":2}'))
    assert lines == [b'{"a":1}', b'{"a":2}']


async def test_more_lines_than_a_batch_come_whole():
    lines, _ = await fetched("https://ehr.test/f", ok(*range(LINES_AT_ONCE * 2 + 3)))
    assert len(lines) == LINES_AT_ONCE * 2 + 3


@pytest.mark.parametrize("with_token", [True, False])
async def test_the_token_goes_along_only_where_the_ehr_asks_for_it(with_token):
    _, asked = await fetched("https://ehr.test/f", ok({}), with_token=with_token)
    assert asked == [("ehr.test", with_token)]


async def test_a_signed_address_of_a_store_is_followed_without_the_token():
    moved = httpx.Response(307, headers={"location": "https://files.test/x?signature=s"})
    lines, asked = await fetched("https://ehr.test/f", moved, ok({}))
    assert (lines, asked) == ([b"{}"], [("ehr.test", True), ("files.test", False)])


REFUSED = {
    "a host that nobody named": ("https://other.test/f", []),
    "a named host without TLS": ("http://files.test/f", []),
    "a named host behind a user": ("https://files.test@other.test/f", []),
    "expired": ("https://ehr.test/f", [httpx.Response(404)]),
    "led on elsewhere": ("https://ehr.test/f", [httpx.Response(307, headers={"location": "https://other.test"})]),
    "led on for ever": ("https://ehr.test/f", [httpx.Response(302, headers={"location": "/f"})] * 3),
}


@pytest.mark.parametrize(("url", "answers"), REFUSED.values(), ids=REFUSED)
async def test_what_may_not_or_can_not_be_fetched_is_given_up_for_good(url, answers):
    with pytest.raises(NotFetched) as found:
        await fetched(url, *answers)
    assert found.value.for_good


async def test_a_body_that_is_not_what_it_claims_is_not_fetched():
    odd = streamed(b"{}", headers={"content-encoding": "br"})
    with pytest.raises(NotFetched):
        await fetched("https://ehr.test/f", odd)
