"""A proxy before a real FHIR server: drops requests before and after they are applied, cuts answers, refuses, waits."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from urllib.parse import urlsplit

from tests.simulation.network import Weather

BEFORE = ("unsent", "lost-before", "500-before", "503", "429")
AFTER = ("lost-after", "500-after", "cut", "slow")
SLOW_SECONDS = 20.0
_REFUSALS = {"500-before": "500 Trouble", "500-after": "500 Trouble", "503": "503 Away", "429": "429 Too Many"}


class FaultProxy:
    """Takes one request a connection, and lets it through or not."""

    def __init__(self, upstream: str, *, weather: Weather, chance: Random, tell: Callable[[str], None]) -> None:
        parts = urlsplit(upstream)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._weather, self._chance, self._tell = weather, chance, tell

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Yield the base address of the proxied server."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/fhir"
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                answer = await self._answer(reader)
                if answer is not None:
                    writer.write(answer)
                    await writer.drain()
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes | None:
        """Return the bytes that go back, None where the connection just ends."""
        kind = ""
        if self._weather.kinds and self._chance.random() < self._weather.rate:
            kind = self._chance.choice(self._weather.kinds)
            self._tell(kind)
        request = await _request(reader)
        if kind in BEFORE:
            return _refusal(kind)
        answer = await self._asked(request)
        match kind:
            case "lost-after" | "500-after":
                return _refusal(kind)
            case "cut":
                return answer[: max(1, len(answer) * 2 // 3)]
            case "slow":
                await asyncio.sleep(SLOW_SECONDS)
        return answer

    async def _asked(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(request)
            await writer.drain()
            return await reader.read()
        finally:
            writer.close()


async def _request(reader: asyncio.StreamReader) -> bytes:
    """Return a request as it came, but that the connection ends after it; `Host` stays, and so do links of pages."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = [one for one in head.split(b"\r\n") if one and not one.lower().startswith(b"connection:")]
    lengths = [int(one.partition(b":")[2]) for one in lines if one.lower().startswith(b"content-length:")]
    body = await reader.readexactly(lengths[0]) if lengths else b""
    return b"\r\n".join([*lines, b"Connection: close", b"", body])


def _refusal(kind: str) -> bytes | None:
    if kind not in _REFUSALS:
        return None
    wait = "Retry-After: 1\r\n" if kind == "429" else ""
    return f"HTTP/1.1 {_REFUSALS[kind]}\r\n{wait}Content-Length: 0\r\nConnection: close\r\n\r\n".encode()
