"""The network below the wire, where private addresses are not allowed: what was looked up and checked is what we call.

A public name may lead to a private address, perhaps only at the second look. So a name is looked up once for each
connection, every address it has must be public, and the connection goes to one of them; TLS still asks for the name.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

import httpcore
import httpx

_NAT64: Final = IPv6Network("64:ff9b::/96")
SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
LookUp = Callable[[str, int], Awaitable[Sequence[str]]]


class PrivateAddress(httpx.ConnectError):
    """A name that leads to a private address."""


class NoSuchHost(httpx.ConnectError):
    """A name that leads nowhere."""


def is_public(address: str) -> bool:
    """Say whether an address is one of the open internet, also where it is wrapped into an address of IPv6."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    plain = _unwrapped(found)
    return plain.is_global and not plain.is_multicast


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


async def look_up(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a name. Raises NoSuchHost."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as trouble:
        raise NoSuchHost("no such host") from trouble
    return list(dict.fromkeys(str(one[4][0]) for one in found))


@cache
def trusted() -> ssl.SSLContext:
    """Return whom TLS trusts; read once per process, as the list is long and the same for every EHR."""
    return httpx.create_ssl_context(trust_env=False)


class PublicOnly(httpcore.AsyncNetworkBackend):
    """Connects to public addresses only."""

    def __init__(self, below: httpcore.AsyncNetworkBackend, *, look_up: LookUp = look_up) -> None:
        self._below = below
        self._look_up = look_up

    async def connect_tcp(  # type: ignore[override]  # the pool names its arguments
        self,
        host: str,
        port: int,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's signature
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Return a connection to the first address that takes one. Raises PrivateAddress, NoSuchHost, ConnectError."""
        addresses = await self._look_up(host, port)
        if not all(is_public(one) for one in addresses):
            raise PrivateAddress("a private address")
        trouble: Exception = NoSuchHost("no address")
        each = timeout / len(addresses) if timeout is not None and addresses else timeout
        for address in addresses:
            try:
                return await self._below.connect_tcp(
                    address, port, timeout=each, local_address=local_address, socket_options=socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as problem:
                trouble = problem
        raise trouble

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._below.sleep(seconds)


class GuardedTransport(httpx.AsyncBaseTransport):
    """Carries requests of httpx over connections to public addresses only."""

    def __init__(
        self,
        *,
        connections: int,
        below: httpcore.AsyncNetworkBackend,
        look_up: LookUp = look_up,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls or trusted(),
            max_connections=connections,
            max_keepalive_connections=connections,
            network_backend=PublicOnly(below, look_up=look_up),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer, its body still on the way."""
        url = request.url
        asked = httpcore.Request(
            method=request.method,
            url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _in_words_of_httpx():
            answer = await self._pool.handle_async_request(asked)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    """A body on the way."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        assert isinstance(self._answer.stream, AsyncIterable)  # noqa: S101  # the pool is an asynchronous one
        with _in_words_of_httpx():
            async for part in self._answer.stream:
                yield part

    async def aclose(self) -> None:
        await self._answer.aclose()


@contextmanager
def _in_words_of_httpx() -> Iterator[None]:
    """Raise what the lower library raises by the name that it has in the upper one; the names are the same."""
    try:
        yield
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as trouble:
        raise getattr(httpx, type(trouble).__name__)(str(trouble)) from trouble
    except httpcore.UnsupportedProtocol as trouble:
        raise httpx.UnsupportedProtocol(str(trouble)) from trouble
