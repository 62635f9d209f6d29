"""The wire: whatever an EHR or the network does comes back as a value, within its bounds."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import httpx
import pytest

from coordinator.ehr.exchange import Again, Answer, Asked, Lost
from coordinator.ehr.gate import Gated
from coordinator.ehr.protocols.read import read
from coordinator.ehr.protocols.retry import Patience
from coordinator.ehr.protocols.write import write
from coordinator.ehr.wire import MOST_CONNECTIONS, Limits, ask, drive, open_wire
from coordinator.sync.ports import Absent, Applied, Found, Unavailable
from tests.unit.ehr.talk import BASE, NO_ANSWER, a_record, answer
from tests.unit.ehr.test_writing import NOTHING, PLACE, WAY, a_create

SMALL = Limits(seconds=5.0, wire_bytes=2_000, body_bytes=10_000)
HASTY = Patience(tries=3, first_wait=0.0, longest_wait=1.0)
GET = Asked(method="GET", url="https://ehr.test/fhir/Goal/1", place="Goal read", headers={"accept": "x/y"})


async def carried(asked=GET, limits=SMALL):
    async with open_wire(limits=limits) as wire:
        return await wire(asked)


# --- over a transport of tests --------------------------------------------------------------------------------------


async def test_a_request_goes_out_as_it_was_asked_and_the_answer_comes_as_it_was_sent(httpx_mock):
    httpx_mock.add_response(status_code=201, headers={"ETag": 'W/"1"', "Location": "Goal/1"}, content=b'{"a": 1.10}')
    asked = Asked(method="POST", url="https://ehr.test/fhir/Goal", place="x", headers={"if-match": "1"}, body=b"{}")
    told = await carried(asked)
    sent = httpx_mock.get_request()
    assert (sent.method, str(sent.url), sent.content, sent.headers["if-match"]) == ("POST", asked.url, b"{}", "1")
    assert (sent.headers["accept-encoding"], sent.headers["user-agent"]) == ("gzip", "coordinator")
    assert (told.status, told.body, told.headers["etag"], told.headers["location"]) == (
        201,
        b'{"a": 1.10}',
        'W/"1"',
        "Goal/1",
    )


async def test_a_redirect_is_an_answer_and_is_not_followed(httpx_mock):
    httpx_mock.add_response(status_code=302, headers={"location": "https://elsewhere.test/"})
    assert (await carried()).status == 302
    assert len(httpx_mock.get_requests()) == 1


async def test_a_packed_body_is_unpacked(httpx_mock):
    httpx_mock.add_response(content=gzip.compress(b"{}"), headers={"content-encoding": "gzip"})
    assert (await carried()).body == b"{}"


async def test_an_address_tells_a_password_to_nobody_and_cookies_are_not_kept(httpx_mock):
    httpx_mock.add_response(headers={"set-cookie": "session=1"}, is_reusable=True)
    async with open_wire(limits=SMALL) as wire:
        first = await wire(GET)
    assert first.headers["set-cookie"] == "session=1"
    assert "authorization" not in httpx_mock.get_request().headers


FAULTS = {
    "announced too large": ({"content-length": "2001"}, b"", "too large"),
    "announced beyond all numbers": ({"content-length": "9" * 30}, b"", "too large"),
    "too large": ({}, b"x" * 2_001, "too large"),
    "a bomb": ({"content-encoding": "gzip"}, gzip.compress(b"x" * 1_000_000), "too large"),
    "of an encoding nobody asked for": ({"content-encoding": "br"}, b"x", "in an encoding that we did not ask for"),
}


@pytest.mark.parametrize(("headers", "content", "fault"), FAULTS.values(), ids=FAULTS.keys())
async def test_a_body_that_is_not_fit_leaves_status_and_headers(httpx_mock, headers, content, fault):
    """A create that was answered so may have happened, and its Location says where."""
    httpx_mock.add_response(
        status_code=201, stream=httpx.ByteStream(content), headers={**headers, "location": "Goal/1"}
    )
    told = await carried()
    assert (told.status, told.body, told.fault, told.headers["location"]) == (201, b"", fault, "Goal/1")


LOST = {
    "connect": (httpx.ConnectError("https://secret"), Lost(reason="can't connect", sent=False)),
    "connect in time": (httpx.ConnectTimeout("secret"), Lost(reason="can't connect in time", sent=False)),
    "no connection free": (httpx.PoolTimeout("secret"), Lost(reason="no free connection in time", sent=False)),
    "reading": (httpx.ReadError("secret"), Lost(reason="the connection broke", sent=True)),
    "reading in time": (httpx.ReadTimeout("secret"), Lost(reason="no answer in time", sent=True)),
    "writing": (httpx.WriteError("secret"), Lost(reason="the connection broke", sent=True)),
    "closed": (
        httpx.RemoteProtocolError("secret"),
        Lost(reason="the connection was closed without an answer", sent=True),
    ),
    "another": (httpx.ProxyError("secret"), Lost(reason="the exchange failed", sent=True)),
}


@pytest.mark.parametrize(("trouble", "lost"), LOST.values(), ids=LOST.keys())
async def test_trouble_on_the_way_tells_whether_the_request_may_have_arrived(httpx_mock, trouble, lost):
    httpx_mock.add_exception(trouble)
    reply = await carried()
    assert replace(reply, hint="") == lost
    # An EHR that asks for a certificate of ours breaks off like one that is down.
    assert ("--tls cert=FILE" in reply.hint) == isinstance(trouble, httpx.ReadError | httpx.RemoteProtocolError)


@pytest.mark.parametrize(
    "asked",
    [
        Asked(method="GET", url="https://ehr.test:notaport/", place="x"),
        Asked(method="GET", url="https://ehr.test/", place="x", headers={"if-match": 'W/"é\u2028"'}),
    ],
    ids=["address", "header"],
)
async def test_what_can_not_be_put_into_http_never_goes_out(asked):
    told = await carried(asked)
    assert (told.sent, told.again) == (False, Again.NEVER)


@pytest.mark.parametrize("url", ["ftp://ehr.test/", "/no/host"])
async def test_another_protocol_is_not_spoken(url):
    told = await carried(Asked(method="GET", url=url, place="x"))
    assert (told.sent, told.again) == (False, Again.NEVER)


# --- against a server that misbehaves -------------------------------------------------------------------------------


@asynccontextmanager
async def serving(serve) -> AsyncIterator[str]:
    """Give each connection to `serve`; at the end each is closed and its server done."""
    under_way: list[asyncio.Task[None]] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        under_way.append(asyncio.current_task())
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await serve(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        await asyncio.gather(*under_way)
        await server.wait_closed()


@asynccontextmanager
async def a_server(*says: bytes, until: bytes = b"\r\n\r\n", keeps_open: bool = False) -> AsyncIterator[str]:
    """Serve these bytes to whoever asks, then close; or keep the connection open until the test is over."""
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(until)
        for part in says:
            writer.write(part)
            await writer.drain()
        if keeps_open:
            await over.wait()

    async with serving(serve) as url:
        try:
            yield url
        finally:
            over.set()


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/fhir+json\r\n"
BOMB = gzip.compress(b"\0" * 50_000_000)


async def test_a_bomb_of_fifty_megabytes_is_put_down_after_its_first_kilobytes():
    said = HEAD + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(BOMB)
    async with a_server(said, BOMB) as url:
        told = await carried(
            Asked(method="GET", url=url, place="x"), Limits(seconds=30, wire_bytes=1 << 20, body_bytes=1 << 20)
        )
    assert (told.body, told.fault) == (b"", "too large")


BROKEN = {
    "cut off": (HEAD + b"content-length: 10\r\n\r\n{", Answer, "broken off"),
    "cut off in chunks": (HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\n{", Answer, "broken off"),
    "cut off, packed": (HEAD + b"content-encoding: gzip\r\n\r\n" + gzip.compress(b"{}")[:8], Answer, "broken off"),
    "closed without a word": (b"", Lost, ""),
    "no HTTP": (b"SSH-2.0-OpenSSH\r\n\r\n", Lost, ""),
    "headers without end": (HEAD + b"x: " + b"y" * 200_000, Lost, ""),
}


@pytest.mark.parametrize(("said", "kind", "fault"), BROKEN.values(), ids=BROKEN.keys())
async def test_a_broken_answer_is_told_from_none(said, kind, fault):
    async with a_server(said) as url:
        told = await carried(Asked(method="GET", url=url, place="x"))
    assert isinstance(told, kind)
    assert getattr(told, "fault", "") == fault
    assert getattr(told, "sent", True)


@pytest.mark.parametrize("said", [b"", HEAD + b"content-length: 100\r\n\r\n{"], ids=["silent", "slow"])
async def test_an_exchange_has_one_deadline_for_all_of_it(said):
    async with a_server(said, keeps_open=True) as url:
        told = await carried(Asked(method="GET", url=url, place="x"), Limits(seconds=0.5))
    assert told == Lost(reason="no answer within 0.5 s", sent=True)


async def test_nothing_comes_from_the_environment(monkeypatch, tmp_path):
    """A proxy of the machine's would see who is in treatment, and a password of its users' is not for an EHR."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(HEAD + b"content-length: 2\r\n\r\n{}")
        await writer.drain()

    passwords = tmp_path / "netrc"
    passwords.write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(passwords))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with a_server(b"HTTP/1.1 502 Bad Gateway\r\n\r\n") as proxy, serving(serve) as url:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy)
        told = await carried(Asked(method="GET", url=url, place="x"))
    assert (told.status, told.body) == (200, b"{}")
    assert [b"authorization" in one.lower() for one in asked] == [False]


async def test_where_nobody_listens_nothing_was_sent():
    async with a_server() as url:
        pass
    assert await carried(Asked(method="POST", url=url, place="x", body=b"{}")) == Lost(
        reason="can't connect", sent=False
    )


async def test_http_where_tls_is_meant_is_told():
    async with a_server(b"HTTP/1.1 400 Bad Request\r\n\r\n", until=b"\x16") as url:
        told = await carried(Asked(method="GET", url=url.replace("http:", "https:"), place="x"))
    assert (told.reason, told.sent) == ("it does not speak TLS there", False)
    assert "http or https" in told.hint


async def test_a_name_that_does_not_exist_is_told():
    told = await carried(Asked(method="GET", url="http://no-such-host.invalid/", place="x"))
    assert (told.reason, told.sent) == ("there is no host of this name", False)


async def test_at_most_eight_connections_are_open_at_once():
    """More would be felt by the people who work in that EHR."""
    async with crowded() as (url, counted), open_wire(limits=SMALL) as wire:
        told = await asyncio.gather(*(wire(Asked(method="GET", url=url, place="x")) for _ in range(30)))
    assert [one.body for one in told] == [b"{}"] * 30
    assert counted() == MOST_CONNECTIONS


@asynccontextmanager
async def crowded() -> AsyncIterator[tuple[str, Callable[[], int]]]:
    """Serve whoever comes once eight are here; yield the address, and how many there were at most."""
    open_now, most, all_here = 0, 0, asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        if open_now == MOST_CONNECTIONS:
            all_here.set()
        await reader.readuntil(b"\r\n\r\n")
        await all_here.wait()
        writer.write(HEAD + b"connection: close\r\ncontent-length: 2\r\n\r\n{}")
        await writer.drain()
        open_now -= 1

    async with serving(serve) as url:
        yield url, lambda: most


# --- driving --------------------------------------------------------------------------------------------------------


class Told:
    """A wire that answers from a list."""

    def __init__(self, *replies):
        self.waiting, self.asked = list(replies), []

    async def __call__(self, asked):
        self.asked.append(asked)
        return self.waiting.pop(0)

    @property
    def methods(self):
        return " ".join(one.method for one in self.asked)


async def test_a_safe_request_is_asked_again_and_the_last_answer_counts():
    wire = Told(NO_ANSWER, answer(b"", 503), answer(a_record()))
    assert isinstance(await drive(read(BASE, "Goal", "g-1"), wire, patience=HASTY), Found)
    assert len(wire.asked) == 3


async def test_patience_ends():
    wire = Told(*[answer(b"", 503)] * 3)
    assert (await ask(wire, GET, patience=HASTY)).status == 503
    assert wire.waiting == []


async def test_what_the_ehr_asked_us_to_wait_goes_with_the_answer_in_seconds():
    date = {"retry_after": "Tue, 07 Apr 2026 13:00:00 GMT", "date": "Tue, 07 Apr 2026 12:00:00 GMT"}
    told = await ask(Told(answer(b"", 429, **date)), GET, patience=HASTY)
    assert told.headers["retry-after"] == "3600"


async def test_an_answer_is_not_asked_for_again():
    assert await drive(read(BASE, "Goal", "g-1"), Told(answer(b"", 404))) == Absent(kind="not-found")


async def yes():
    return True


async def no():
    return False


async def test_what_changes_something_goes_out_once_whatever_comes():
    wire = Told(NOTHING, NO_ANSWER)
    await drive(write(BASE, a_create(), WAY), Gated(wire), patience=HASTY, may_leave=yes)
    assert wire.methods == "GET POST"


async def test_after_a_no_nothing_goes_out():
    wire = Told(NOTHING)
    told = await drive(write(BASE, a_create(), WAY), Gated(wire), patience=HASTY, may_leave=no)
    assert (told, wire.methods) == (Unavailable(reason="withheld"), "GET")


async def test_whether_it_may_leave_is_asked_after_all_that_the_wire_waits_for():
    """A consent may be revoked while a token is renewed or a budget waited for: the question comes behind that."""
    order = []

    async def may_leave():
        order.append("asked")
        return True

    class Waiting:
        def __init__(self, below):
            self._below = below

        async def __call__(self, asked):
            order.append("waited")
            return await self._below(asked)

    told = Told(NOTHING, answer(b"", 201, location=PLACE))
    assert await drive(write(BASE, a_create(), WAY), Waiting(Gated(told)), may_leave=may_leave) == Applied(id="new")
    assert order == ["waited", "waited", "asked"]
    assert told.asked[-1].may_leave is None


STALE = Lost(reason="the EHR did not take our token", sent=False, again=Again.AT_ONCE)


async def test_what_was_turned_away_for_its_token_goes_out_once_more_if_it_still_may():
    wire = Told(NOTHING, STALE, answer(b"", 201, location=PLACE))
    assert await drive(write(BASE, a_create(), WAY), Gated(wire), may_leave=yes) == Applied(id="new")
    wire = Told(NOTHING, STALE)
    answers = [True, False]

    async def once():
        return answers.pop(0)

    assert await drive(write(BASE, a_create(), WAY), Gated(wire), may_leave=once) == Unavailable(reason="withheld")
    wire = Told(NOTHING, STALE, STALE)
    assert isinstance(await drive(write(BASE, a_create(), WAY), wire), Unavailable)
    assert wire.methods == "GET POST POST"
