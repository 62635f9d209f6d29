"""Rows in memory with transactions: what one writes is its own until it commits, and rows are locked.

A transaction reads what is committed now under what it wrote itself (READ COMMITTED). Who writes a row holds it until
the end; who needs a held row waits, or passes over it. Two who wait for each other is an error for the later one.
"""

import asyncio
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Generic, TypeVar, cast

from coordinator.errors import StoreError
from coordinator.fhir import Json, canonical, parse

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Row = tuple[str, Hashable]  # (table, key)
_NOTHING: Mapping[Hashable, object] = {}
_KEY: Callable[[tuple[Any, object]], Any] = itemgetter(0)  # keys of one table compare, whatever they are


class Unit:
    """What one transaction has written and holds, and what it said of itself until it ends."""

    def __init__(self, committed: "Rows") -> None:
        self._committed = committed
        self._written: dict[Row, object] = {}
        self.waits_for: Row | None = None
        self.has_ended = asyncio.Event()
        self.is_hushed = False
        self.is_urgent = False
        self.run: int | None = None

    def get(self, row: Row) -> object | None:
        """Return a row as this transaction sees it."""
        if row in self._written:
            return self._written[row]
        return self._committed.tables.get(row[0], _NOTHING).get(row[1])

    def all(self, table: str) -> list[tuple[Hashable, object]]:
        """Return the rows of a table as this transaction sees them."""
        rows = self._committed.tables.get(table, _NOTHING)
        written = {key: value for (its_table, key), value in self._written.items() if its_table == table}
        if not written:
            return list(rows.items())
        return [(key, value) for key, value in {**rows, **written}.items() if value is not None]

    def is_held_by_another(self, row: Row) -> bool:
        """Tell whether another transaction holds a row."""
        return self._committed.holders.get(row, self) is not self

    async def hold(self, row: Row) -> None:
        """Hold a row until the end. Raises StoreError where two would wait for each other for ever."""
        while (holder := self._committed.holders.get(row, self)) is not self:
            self.waits_for = row
            if self._is_awaited_by(holder):
                raise StoreError(
                    "Two runs got in each other's way; nothing was half written.",
                    operation="wait",
                    subject="database",
                    hint="Run it again.",
                )
            await holder.has_ended.wait()
        self.waits_for = None
        self._committed.holders[row] = self

    async def write(self, row: Row, value: object | None) -> None:
        """Write a row, None to delete it."""
        await self.hold(row)
        self._written[row] = value

    def end(self, *, commit: bool) -> None:
        """Make what was written everybody's, or forget it, and let go of all rows."""
        for (table, key), value in self._written.items() if commit else ():
            rows = self._committed.tables.setdefault(table, {})
            if value is None:
                rows.pop(key, None)
            else:
                rows[key] = value
        for row in [row for row, holder in self._committed.holders.items() if holder is self]:
            del self._committed.holders[row]
        self.has_ended.set()

    def _is_awaited_by(self, other: "Unit") -> bool:
        seen: Unit | None = other
        while seen is not None and seen is not self:
            seen = None if seen.waits_for is None else self._committed.holders.get(seen.waits_for)
        return seen is self


@dataclass(slots=True)
class Rows:
    """The committed rows of a tenant, who holds which, and the order in which things came."""

    tables: dict[str, dict[Hashable, object]] = field(default_factory=dict)
    holders: dict[Row, Unit] = field(default_factory=dict)
    count: int = 0

    def next(self) -> int:
        """Return the next number; like a sequence of PostgreSQL it is never given back."""
        self.count += 1
        return self.count


class Table(Generic[K, V]):
    """A typed view of one table within one transaction."""

    def __init__(self, unit: Unit, name: str) -> None:
        self._unit = unit
        self._name = name

    def get(self, key: K) -> V | None:
        """Return the row of a key."""
        return cast("V | None", self._unit.get((self._name, key)))

    def items(self) -> Iterator[tuple[K, V]]:
        """Yield keys and rows in the order of the keys."""
        found = cast("list[tuple[K, V]]", self._unit.all(self._name))
        yield from sorted(found, key=_KEY)

    def values(self) -> Iterator[V]:
        """Yield rows in the order of their keys."""
        return iter([value for _, value in self.items()])

    def is_held_by_another(self, key: K) -> bool:
        """Tell whether another transaction holds the row."""
        return self._unit.is_held_by_another((self._name, key))

    async def hold(self, key: K) -> None:
        """Hold a row, whether it is there or not, until the end."""
        await self._unit.hold((self._name, key))

    async def put(self, key: K, value: V) -> None:
        """Write a row."""
        await self._unit.write((self._name, key), value)

    async def remove(self, key: K) -> None:
        """Delete a row."""
        await self._unit.write((self._name, key), None)


def copied(value: Mapping[str, Json]) -> dict[str, Json]:
    """Return a JSON object as a database gives it back: a copy, its numbers as their text."""
    copy = parse(canonical(dict(value)))
    return copy if isinstance(copy, dict) else {}
