"""An EHR that costs nothing: every answer lies ready in memory, headers and all.

Runs in a process of its own (`python -m tests.benchmarks.page_server PEOPLE`), says in one line where it is and what
it holds, and ends when its standard input does.
"""

import asyncio
import json
import os
import re
import sys
import time

from tests.benchmarks.corpus import TYPES, corpus

COUNT = 200  # entries of a page

_TARGET = re.compile(rb"^GET /fhir/(\w+)(?:\?\S*?(?:page=(\d+))?)? HTTP/1\.1\r\n")
_EMPTY = b'{"resourceType":"Bundle","type":"searchset","total":0}'


class Pages:
    """All answers, by type and number of the page."""

    def __init__(self, people: int, base: str) -> None:
        self.resources = 0
        self.bytes = 0
        self._ready = {(b"metadata", 0): _answer(_statement())}
        for type_, bodies in corpus(people).items():
            self.resources += len(bodies)
            self.bytes += sum(map(len, bodies))
            for number, start in enumerate(range(0, len(bodies), COUNT)):
                is_last = start + COUNT >= len(bodies)
                links = _links(f"{base}/{type_}?_count={COUNT}", number, is_last=is_last)
                page = _page(bodies[start : start + COUNT], links, base=f"{base}/{type_}", total=len(bodies))
                self._ready[type_.encode(), number] = _answer(page)
        self._none = _answer(_EMPTY)

    def answer(self, request: bytes) -> bytes:
        """Return what is sent back to a request: its bytes as they came."""
        found = _TARGET.match(request)
        if found is None:
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        if found[1] == b"cpu":
            return _answer(json.dumps(time.process_time()).encode())
        return self._ready.get((found[1], int(found[2] or 0)), self._none)


def _answer(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _page(bodies: list[bytes], links: list[dict[str, str]], *, base: str, total: int) -> bytes:
    head = {"resourceType": "Bundle", "type": "searchset", "total": total, "link": links}
    entries = b",".join(_entry(body, base) for body in bodies)
    return json.dumps(head, separators=(",", ":")).encode()[:-1] + b',"entry":[' + entries + b"]}"


def _entry(body: bytes, base: str) -> bytes:
    url = f"{base}/{json.loads(body)['id']}".encode()
    return b'{"fullUrl":"' + url + b'","resource":' + body + b',"search":{"mode":"match"}}'


def _links(base: str, number: int, *, is_last: bool) -> list[dict[str, str]]:
    here = {"relation": "self", "url": f"{base}&page={number}"}
    return [here] if is_last else [here, {"relation": "next", "url": f"{base}&page={number + 1}"}]


def _statement() -> bytes:
    served = [{"type": type_, "interaction": [{"code": "read"}, {"code": "search-type"}]} for type_ in TYPES]
    statement = {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-01-01",
        "kind": "instance",
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [{"mode": "server", "resource": served}],
    }
    return json.dumps(statement).encode()


class _Connection(asyncio.Protocol):
    """One client; a request has no body and comes in one piece, as all clients here send it."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while b"\r\n\r\n" in self._waiting:
            request, _, self._waiting = self._waiting.partition(b"\r\n\r\n")
            self._transport.write(self._pages.answer(request + b"\r\n"))


async def _serve(people: int) -> None:
    loop = asyncio.get_running_loop()
    listening: list[Pages] = []
    server = await loop.create_server(lambda: _Connection(listening[0]), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    base = f"http://{host}:{port}/fhir"
    listening.append(Pages(people, base))
    told = {"url": base, "resources": listening[0].resources, "bytes": listening[0].bytes}
    print(json.dumps(told), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    asyncio.run(_serve(int(sys.argv[1])))
