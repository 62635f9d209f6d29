"""The floor: the least work that brings the same pages into the same PostgreSQL. A bound to compare with, no design.

Pull, split, hash, compare, upsert: no checker, no versions, no canonical hash, no wake-ups, no strictness at the door,
HTTP by hand.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import msgspec
import psycopg

BATCH = 2000
_TABLE = """
    create schema if not exists floor;
    create table if not exists floor.record
        (type text, id text, hash bytea not null, body bytea not null, primary key (type, id));
    create temp table if not exists incoming (type text, id text, hash bytea, body bytea);
"""
_UPSERT = """
    insert into floor.record select * from incoming
    on conflict (type, id) do update set hash = excluded.hash, body = excluded.body
     where record.hash <> excluded.hash
"""


class _Head(msgspec.Struct):
    id: str


class _Entry(msgspec.Struct):
    resource: msgspec.Raw


class _Link(msgspec.Struct):
    relation: str
    url: str


class _Bundle(msgspec.Struct):
    link: list[_Link] = []
    entry: list[_Entry] = []


_BUNDLE, _HEAD = msgspec.json.Decoder(_Bundle), msgspec.json.Decoder(_Head)

Row = tuple[str, str, bytes, bytes]


class Floor:
    """The least store: one table."""

    def __init__(self, conninfo: str) -> None:
        self._connection = psycopg.connect(conninfo)
        self._connection.execute(_TABLE)
        self._connection.commit()

    def close(self) -> None:
        self._connection.close()

    def empty(self) -> None:
        """Begin anew, as if nothing had been pulled."""
        self._connection.execute("truncate floor.record")
        self._connection.commit()

    async def pull(self, base: str, types: tuple[str, ...]) -> int:
        """Bring in what changed; return how many rows were written."""
        known = self._known()
        rows: list[Row] = []
        written = 0

        async def one(type_: str) -> None:
            nonlocal written
            async for page in _pages(f"{base}/{type_}?_count=200"):
                rows.extend(_changed(page, type_, known))
                if len(rows) >= BATCH:
                    written += self._keep(rows)

        await asyncio.gather(*map(one, types))
        return written + self._keep(rows)

    def _known(self) -> dict[tuple[str, str], bytes]:
        with self._connection.cursor(binary=True) as cursor:
            cursor.execute("select type, id, hash from floor.record")
            return {(type_, id_): digest for type_, id_, digest in cursor}

    def _keep(self, rows: list[Row]) -> int:
        if not rows:
            return 0
        with self._connection.cursor() as cursor:
            with cursor.copy("copy incoming from stdin (format binary)") as copy:
                copy.set_types(["text", "text", "bytea", "bytea"])
                for row in rows:
                    copy.write_row(row)
            cursor.execute(_UPSERT)
            written = cursor.rowcount
            cursor.execute("truncate incoming")
        self._connection.commit()
        rows.clear()
        return written


def _changed(page: _Bundle, type_: str, known: dict[tuple[str, str], bytes]) -> Iterator[Row]:
    for entry in page.entry:
        raw = bytes(entry.resource)
        digest = hashlib.blake2b(raw, digest_size=16).digest()
        id_ = _HEAD.decode(raw).id
        if known.get((type_, id_)) != digest:
            yield type_, id_, digest, raw


async def _pages(url: str | None) -> AsyncIterator[_Bundle]:
    """Follow the pages of a search over one connection; only what a well-behaved server of ours needs."""
    assert url is not None
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=1 << 22)
    while url is not None:
        target = url.partition(parts.netloc)[2]
        writer.write(f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        size = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        page = _BUNDLE.decode(await reader.readexactly(size))
        yield page
        url = next((link.url for link in page.link if link.relation == "next"), None)
    writer.close()
