"""The wire: HTTP to one EHR, the only place that knows it.

Every exchange has a total deadline and a cap on bytes before and after decompression; no redirect is followed, and
nothing comes from the environment: no proxy, no password.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import httpx

from coordinator.ehr.exchange import Answer, Asked, Lost, Reply, Steps, Wire
from coordinator.ehr.protocols.retry import PATIENCE, GiveUp, Patience, RetryAt, Tried, decide
from coordinator.sync.ports import MayLeave

T = TypeVar("T")

MOST_CONNECTIONS: Final = 8
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one exchange: seconds in all, bytes on the wire, bytes after decompression."""

    seconds: float = 60.0
    wire_bytes: int = 64 << 20
    body_bytes: int = 256 << 20


LIMITS = Limits()


class HttpWire:
    """Carries requests over HTTP; what the EHR or the network does comes back as a value."""

    def __init__(self, client: httpx.AsyncClient, *, limits: Limits = LIMITS) -> None:
        self._client = client
        self._limits = limits

    async def __call__(self, asked: Asked) -> Reply:
        """Return the answer, or that none came."""
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await self._exchange(asked)
        except TimeoutError:
            return Lost(reason=f"no answer within {self._limits.seconds:g} s", sent=True)
        except _UNSENT as trouble:
            return Lost(reason=_word(trouble), sent=False)
        except (httpx.HTTPError, httpx.InvalidURL) as trouble:
            return Lost(reason=_word(trouble), sent=True)

    async def _exchange(self, asked: Asked) -> Answer:
        request = self._client.build_request(asked.method, asked.url, headers=dict(asked.headers), content=asked.body)
        response = await self._client.send(request, stream=True)
        try:
            body, fault = await self._body(response)
        finally:
            await response.aclose()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(status=response.status_code, headers=headers, body=body, fault=fault)

    async def _body(self, response: httpx.Response) -> tuple[bytes, str]:
        """Return the body, or what is wrong with it: too large, broken off, or not in the encoding it claims."""
        parts: list[bytes] = []
        size = 0
        try:
            async for part in response.aiter_bytes():
                size += len(part)
                parts.append(part)
                if size > self._limits.body_bytes or response.num_bytes_downloaded > self._limits.wire_bytes:
                    return b"", "too large"
        except httpx.DecodingError:
            return b"", "not in the encoding that it claims"
        except httpx.RemoteProtocolError:
            return b"", "broken off"
        return b"".join(parts), ""


def _word(trouble: Exception) -> str:
    """Return a word for what happened; never the text of the library, which may hold an address."""
    return _WORDS.get(type(trouble).__name__, "the exchange failed")


_WORDS = {
    "ConnectError": "can't connect",
    "ConnectTimeout": "can't connect in time",
    "ReadTimeout": "no answer in time",
    "WriteTimeout": "the request could not be sent in time",
    "PoolTimeout": "no free connection in time",
    "ReadError": "the connection broke",
    "WriteError": "the connection broke",
    "RemoteProtocolError": "the connection was closed without an answer",
    "UnsupportedProtocol": "the address is no http or https address",
    "InvalidURL": "the address can't be read",
}


@asynccontextmanager
async def open_wire(*, limits: Limits = LIMITS) -> AsyncIterator[HttpWire]:
    """Yield a wire of its own with at most 8 connections."""
    async with httpx.AsyncClient(
        limits=httpx.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=MOST_CONNECTIONS),
        timeout=httpx.Timeout(limits.seconds),
        follow_redirects=False,
        trust_env=False,
        headers={"accept-encoding": "gzip", "user-agent": "coordinator"},
    ) as client:
        yield HttpWire(client, limits=limits)


async def drive(steps: Steps[T], wire: Wire, *, patience: Patience = PATIENCE, may_leave: MayLeave | None = None) -> T:
    """Run a protocol over a wire: safe requests are asked again as its retry says, others once.

    What is not safe carries a body about a person: `may_leave` is asked before it goes, and after a no it did not go.
    """
    reply: Reply | None = None
    while True:
        try:
            asked = steps.send(reply)  # type: ignore[arg-type]  # a generator is started with None
        except StopIteration as end:
            result: T = end.value
            return result
        if not asked.is_safe and may_leave is not None and not await may_leave():
            reply = Lost(reason="withheld", sent=False)
            continue
        reply = await ask(wire, asked, patience=patience)


async def ask(wire: Wire, asked: Asked, *, patience: Patience = PATIENCE, at_token: bool = False) -> Reply:
    """Return the reply to a request, asked again where it is safe and the reply calls for it."""
    clock = asyncio.get_running_loop().time
    since, times = clock(), 0
    while True:
        reply = await wire(asked)
        times += 1
        if not (asked.is_safe or at_token):
            return reply
        decision = decide(reply, Tried(times=times, since=since, now=clock()), patience=patience, at_token=at_token)
        if not isinstance(decision, RetryAt):
            return _with_wait(reply, decision)
        await asyncio.sleep(max(0.0, decision.at - clock()))


def _with_wait(reply: Reply, decision: GiveUp | None) -> Reply:
    """Keep what the EHR asked us to wait, in seconds, with the answer that made us give up."""
    if decision is None or decision.retry_after is None or isinstance(reply, Lost):
        return reply
    return replace(reply, headers={**reply.headers, "retry-after": str(int(decision.retry_after))})
