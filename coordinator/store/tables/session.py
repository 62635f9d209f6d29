"""Runs named queries within one transaction of one tenant."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from coordinator.fhir import Json, canonical, parse
from coordinator.store.failures import spoken
from coordinator.store.queries import query
from coordinator.store.seals import Seals

RUNNER_LOCK: Final = 5_171  # first number of the advisory locks that say which programs live
_STREAM_ROWS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A transaction with its tenant and its seals, and the number under which this program writes to EHRs."""

    connection: AsyncConnection[TupleRow]
    tenant: str
    runner: int
    seals: Seals

    async def rows(self, file: str, name: str, /, **values: object) -> list[TupleRow]:
        """Return the rows that a query gives."""
        with spoken(name):
            async with self.connection.cursor(binary=True) as cursor:
                await cursor.execute(query(f"tables/{file}", name), {"tenant": self.tenant, **values})
                return await cursor.fetchall()

    async def stream(self, file: str, name: str, /, **values: object) -> AsyncIterator[TupleRow]:
        """Yield the rows that a query gives, without holding them all."""
        with spoken(name):
            async with self.connection.cursor(binary=True) as cursor:
                asked = query(f"tables/{file}", name)
                async for row in cursor.stream(asked, {"tenant": self.tenant, **values}, size=_STREAM_ROWS):
                    yield row

    async def say(self, name: str, value: str) -> None:
        """Tell the triggers something about this transaction, until it ends: `hushed`, `urgent` or `run`."""
        await self.rows("session", "say", name=name, value=value)

    async def change(self, file: str, name: str, /, **values: object) -> int:
        """Run a query that writes; return how many rows it wrote."""
        with spoken(name):
            cursor = await self.connection.execute(query(f"tables/{file}", name), {"tenant": self.tenant, **values})
            return cursor.rowcount

    async def change_many(self, file: str, name: str, rows: Sequence[Mapping[str, object]]) -> int:
        """Run a query that writes once per row, in one go; return how many rows it wrote."""
        if not rows:
            return 0
        with spoken(name):
            async with self.connection.cursor() as cursor:
                await cursor.executemany(
                    query(f"tables/{file}", name), [{"tenant": self.tenant, **values} for values in rows]
                )
                return cursor.rowcount


def json_bytes(value: Mapping[str, Json]) -> bytes:
    """Return a JSON object as it is stored: in one order, so that equal content is equal bytes."""
    return canonical(dict(value))


def json_object(raw: bytes) -> dict[str, Json]:
    """Return a stored JSON object."""
    value = parse(raw)
    if not isinstance(value, dict):
        raise TypeError("a stored JSON object is not an object")
    return value
