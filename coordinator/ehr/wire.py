"""The wire: HTTP to one EHR, the only place that knows it.

Every exchange has a total deadline and a cap on bytes before and after decompression; no redirect is followed, and
nothing comes from the environment: no proxy, no password.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeVar

import httpcore
import httpx

from coordinator.ehr.exchange import BROKEN_OFF, Again, Answer, Asked, Lost, Reply, Steps, Wire
from coordinator.ehr.network import GuardedTransport, NoSuchHost, PrivateAddress, trusted
from coordinator.ehr.protocols.retry import PATIENCE, GiveUp, Patience, RetryAt, Tried, decide
from coordinator.ehr.unpack import TOO_LARGE, BadEncoding, Bounds, unpacked, unpacked_parts
from coordinator.sync.ports import MayLeave

T = TypeVar("T")

MOST_CONNECTIONS: Final = 8
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one exchange: seconds in all, bytes on the wire, bytes after decompression."""

    seconds: float = 60.0
    wire_bytes: int = 32 << 20
    body_bytes: int = 64 << 20


LIMITS = Limits()


class Interrupted(Exception):
    """A stream did not come to its end; the text says why and names no address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """An answer whose body is read part by part, unpacked."""

    status: int
    headers: Mapping[str, str]
    parts: AsyncIterator[bytes]


class Streaming(Wire, Protocol):
    """A wire that also brings answers whose body is taken as it comes."""

    def stream(self, asked: Asked) -> AbstractAsyncContextManager[Streamed]:
        """Return an answer before its body has come. Raises Interrupted where it breaks off."""
        ...


class HttpWire:
    """Carries requests over HTTP; what the EHR or the network does comes back as a value."""

    def __init__(self, client: httpx.AsyncClient, *, limits: Limits = LIMITS) -> None:
        self._client = client
        self._limits = limits
        self._bounds = Bounds(wire_bytes=limits.wire_bytes, body_bytes=limits.body_bytes)

    async def __call__(self, asked: Asked) -> Reply:
        """Return the answer, or that none came."""
        try:
            request = self._client.build_request(
                asked.method, asked.url, headers=dict(asked.headers), content=asked.body
            )
        except (httpx.InvalidURL, ValueError):  # also text that no header can hold, such as an EHR's strange ETag
            return Lost(reason="the request can't be put into HTTP", sent=False, again=Again.NEVER)
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await self._exchange(request)
        except TimeoutError:
            return Lost(reason=f"no answer within {self._limits.seconds:g} s", sent=True)
        except _UNSENT as trouble:
            return _unsent(trouble)
        except httpx.HTTPError as trouble:
            if any("certificate required" in str(cause).lower() for cause in _causes(trouble)):
                return _NO_CERTIFICATE
            hint = _MAY_WANT_CERTIFICATE if asked.url.startswith("https:") and _is_broken(trouble) else ""
            return Lost(reason=_WORDS.get(type(trouble).__name__, "the exchange failed"), sent=True, hint=hint)

    @asynccontextmanager
    async def stream(self, asked: Asked) -> AsyncIterator[Streamed]:
        """Yield an answer before its body has come. Raises Interrupted where it breaks off.

        Each part has the deadline of a read; the whole has none, as a file of an export may be large.
        """
        try:
            request = self._client.build_request(asked.method, asked.url, headers=dict(asked.headers))
            response = await self._client.send(request, stream=True)
        except (httpx.InvalidURL, ValueError, httpx.HTTPError) as problem:
            raise Interrupted(_unsent(problem).reason) from problem
        try:
            headers = {name.lower(): value for name, value in response.headers.items()}
            parts = unpacked_parts(response.aiter_raw(), headers.get("content-encoding", ""))
            yield Streamed(status=response.status_code, headers=headers, parts=parts)
        except (httpx.HTTPError, BadEncoding) as problem:
            raise Interrupted(_WORDS.get(type(problem).__name__, "it broke off")) from problem
        finally:
            await response.aclose()

    async def _exchange(self, request: httpx.Request) -> Answer:
        response = await self._client.send(request, stream=True)
        try:
            body, fault = await self._body(response)
        finally:
            await response.aclose()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(status=response.status_code, headers=headers, body=body, fault=fault)

    async def _body(self, response: httpx.Response) -> tuple[bytes, str]:
        """Return the body, or what is wrong with it."""
        told = response.headers.get("content-length", "")
        if told.isascii() and told.isdigit() and int(told[:18]) > self._limits.wire_bytes:
            return b"", TOO_LARGE
        try:
            return await unpacked(response.aiter_raw(), response.headers.get("content-encoding", ""), self._bounds)
        except (httpx.RemoteProtocolError, httpx.ReadError):
            return b"", BROKEN_OFF


def _unsent(trouble: Exception) -> Lost:
    """Return what hindered a request from going out; never the text of the library, which may hold an address."""
    for cause in _causes(trouble):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _certificate(cause)
        if isinstance(cause, ssl.SSLEOFError) or "ALERT" in str(getattr(cause, "reason", "")).upper():
            return _TURNED_AWAY
        for kind, lost in _CAUSES:
            if isinstance(cause, kind):
                return lost
    return Lost(reason=_WORDS.get(type(trouble).__name__, "can't connect"), sent=False)


def _is_broken(trouble: Exception) -> bool:
    return isinstance(trouble, httpx.ReadError | httpx.RemoteProtocolError)


def _causes(trouble: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = trouble
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _certificate(trouble: ssl.SSLCertVerificationError) -> Lost:
    """Return why a certificate was refused, by OpenSSL's number for it (openssl-verification-options)."""
    reason, hint = _CERTIFICATE.get(
        getattr(trouble, "verify_code", 0),
        (
            "its certificate can't be verified",
            "Check that the address has the name in the certificate; else the EHR's operator must renew it.",
        ),
    )
    return Lost(reason=reason, sent=False, again=Again.NEVER, hint=hint, code="certificate")


_UNKNOWN_ISSUER = (
    "its certificate was issued by nobody whom this machine trusts",
    "Have its operator send the whole chain; for an issuer of its own house register the EHR with --tls ca=FILE.",
)
_CERTIFICATE = {
    9: ("its certificate is not valid yet", "Check this machine's clock; else the EHR's operator must mend it."),
    10: ("its certificate has expired", "The EHR's operator must renew it; if it is new, check this machine's clock."),
    18: _UNKNOWN_ISSUER,
    19: _UNKNOWN_ISSUER,
    20: _UNKNOWN_ISSUER,
    21: _UNKNOWN_ISSUER,
    62: ("its certificate is for another host", "Register the address by the name that the certificate has."),
    64: ("its certificate is for another address", "Register the address by the name that the certificate has."),
}
# In TLS 1.3 a server tells that it wants a certificate only after the handshake, as an alert (RFC 8446, 4.4.2.4).
_NO_CERTIFICATE = Lost(
    reason="it asks for a certificate of ours, which this connection does not show",
    sent=False,
    again=Again.NEVER,
    hint="Register it anew with --replace and --tls cert=FILE,key=FILE.",
    code="certificate",
)
_MAY_WANT_CERTIFICATE = (
    "Check whether the EHR is up; one that asks for a certificate of ours breaks off like this, too: "
    "if its operator says so, register it anew with --replace and --tls cert=FILE,key=FILE."
)
# In TLS 1.2 a server that wants a certificate breaks the handshake off, as one that knows no common cipher does.
_TURNED_AWAY = Lost(
    reason="it breaks the TLS handshake off",
    sent=False,
    hint=(
        "It may want a certificate of ours: if its operator says so, register it anew with --replace and "
        "--tls cert=FILE,key=FILE. Else check its address and port; it may speak only versions of TLS before 1.2."
    ),
)
_NO_HOST = Lost(reason="there is no host of this name", sent=False, hint="Check the address for a typing error.")
_CAUSES: tuple[tuple[type[BaseException], Lost], ...] = (
    (
        PrivateAddress,
        Lost(
            reason="its name leads to a private network, which this connection may not use",
            sent=False,
            again=Again.NEVER,
            hint="Register it with --private-network if that is meant.",
            code="address",
        ),
    ),
    (
        httpx.UnsupportedProtocol,
        Lost(reason="the address is no http or https address", sent=False, again=Again.NEVER),
    ),
    (
        ssl.SSLError,
        Lost(
            reason="it does not speak TLS there",
            sent=False,
            hint="Check whether the address begins with http or https, and its port.",
        ),
    ),
    (NoSuchHost, _NO_HOST),
    (socket.gaierror, _NO_HOST),
)
_WORDS = {
    "ConnectError": "can't connect",
    "ConnectTimeout": "can't connect in time",
    "ReadTimeout": "no answer in time",
    "WriteTimeout": "the request could not be sent in time",
    "PoolTimeout": "no free connection in time",
    "ReadError": "the connection broke",
    "WriteError": "the connection broke",
    "RemoteProtocolError": "the connection was closed without an answer",
}


@asynccontextmanager
async def open_wire(
    *, limits: Limits = LIMITS, private_network: bool = True, tls: ssl.SSLContext | None = None
) -> AsyncIterator[HttpWire]:
    """Yield a wire of its own with at most 8 connections, to public addresses only unless a private one is meant."""
    public_only = None
    if not private_network:
        public_only = GuardedTransport(connections=MOST_CONNECTIONS, below=httpcore.AnyIOBackend(), tls=tls)
    async with httpx.AsyncClient(
        limits=httpx.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=MOST_CONNECTIONS),
        # Shorter than the whole, so that what never went out is known as such.
        timeout=httpx.Timeout(limits.seconds, connect=limits.seconds / 4, pool=limits.seconds / 2),
        transport=public_only,
        verify=tls or trusted(),
        follow_redirects=False,
        trust_env=False,
        headers={"accept-encoding": "gzip", "user-agent": "coordinator"},
    ) as client:
        yield HttpWire(client, limits=limits)


async def drive(steps: Steps[T], wire: Wire, *, patience: Patience = PATIENCE, may_leave: MayLeave | None = None) -> T:
    """Run a protocol over a wire: safe requests are asked again as its retry says, others once.

    What is not safe carries a body about a person: `may_leave` goes with it, is asked where the wire ends (see `gate`),
    and after a no it did not go.
    """
    reply: Reply | None = None
    while True:
        try:
            asked = steps.send(reply)  # type: ignore[arg-type]  # a generator is started with None
        except StopIteration as end:
            result: T = end.value
            return result
        if asked.is_safe:
            reply = await ask(wire, asked, patience=patience)
        else:
            reply = await _send(wire, asked, may_leave)


async def _send(wire: Wire, asked: Asked, may_leave: MayLeave | None) -> Reply:
    """Send what changes something; once more only where the EHR turned it away for a token that had ended."""
    gated = replace(asked, may_leave=may_leave)
    reply = await wire(gated)
    return await wire(gated) if isinstance(reply, Lost) and reply.again is Again.AT_ONCE else reply


async def ask(wire: Wire, asked: Asked, *, patience: Patience = PATIENCE) -> Reply:
    """Return the reply to a safe request, asked again where the reply calls for it."""
    return await ask_anew(wire, lambda: asked, patience=patience)


async def ask_anew(
    wire: Wire, made: Callable[[], Asked], *, patience: Patience = PATIENCE, at_token: bool = False
) -> Reply:
    """Return the reply to a request that is made anew for each try and may be asked again."""
    clock = asyncio.get_running_loop().time
    since, times = clock(), 0
    while True:
        reply = await wire(made())
        times += 1
        decision = decide(reply, Tried(times=times, since=since, now=clock()), patience=patience, at_token=at_token)
        if not isinstance(decision, RetryAt):
            return _with_wait(reply, decision)
        await asyncio.sleep(max(0.0, decision.at - clock()))


def _with_wait(reply: Reply, decision: GiveUp | None) -> Reply:
    """Keep what the EHR asked us to wait, in seconds, with the answer that made us give up."""
    if decision is None or decision.retry_after is None or isinstance(reply, Lost):
        return reply
    return replace(reply, headers={**reply.headers, "retry-after": str(int(decision.retry_after))})
