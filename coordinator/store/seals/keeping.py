"""The keys of a tenant in the database: made at its first opening, changed for new ones, wrapped anew.

All this is done by the owner of the tables, before the rights of the program are taken on: it may not change what it
has once received.
"""

import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, dict_row

from coordinator.errors import RefusedByPolicy
from coordinator.store.queries import query
from coordinator.store.seals.fields import KEY_BYTES, Seals
from coordinator.store.seals.master_key import MasterKey
from coordinator.store.tables.session import RUNNER_LOCK

_FILE: Final = "seals/keeping"
_FIELDS, _INDEX = "fields", "index"
_BATCH: Final = 500
_FIRST: Final = 1

Owner = AsyncConnection[TupleRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyOfTenant:
    """A key by its number, and since when it is there. `is_current` says that it seals; all of them open."""

    number: int
    made_at: datetime
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """A table with sealed fields: which columns make the place of a row, and which hold bytes or text.

    `named` is where the words for a column are those of another table: a history holds the very bytes of its original.
    """

    name: str
    place: tuple[str, ...]
    fields: tuple[str, ...]
    texts: tuple[str, ...] = ()
    named: str = ""


TABLES: Final = (
    _Table(name="resource_version", place=("ehr", "type", "id"), fields=("body",)),
    _Table(name="quarantine", place=("ehr", "type", "id"), fields=("body",)),
    _Table(name="account", place=("person",), fields=("body",)),
    _Table(name="finding", place=("person", "key"), fields=("facts",), texts=("sentence", "suggestion")),
    _Table(name="decision", place=("person", "key"), fields=("value", "facts"), texts=("reason",)),
    _Table(name="shadow", place=("person", "view"), fields=("body",)),
    _Table(name="shadow_history", place=("person", "view"), fields=("body",), named="shadow"),
    _Table(name="outbox", place=("person", "ehr", "key"), fields=("body", "material", "facts"), texts=("summary",)),
    _Table(name="consent", place=("consent_id",), fields=("body",)),
    _Table(name="identity_past", place=("records",), fields=("shadows",)),
)


class _Opening(Protocol):
    """Opens fields as they stood before."""

    def open(self, column: str, sealed: bytes, *place: str) -> bytes: ...

    def open_text(self, column: str, sealed: str, *place: str) -> str: ...


class _Plain:
    """How fields stood before there were seals."""

    def open(self, _column: str, sealed: bytes, *_place: str) -> bytes:
        return sealed

    def open_text(self, _column: str, sealed: str, *_place: str) -> str:
        return sealed


async def unlocked(owner: Owner, tenant: str, master: MasterKey) -> Seals:
    """Return the seals of a tenant. At its first opening keys are made, and what stood there plainly is sealed.

    Raises ConfigurationError where the master key can't be used or is another one.
    """
    async with owner.transaction():
        await owner.execute(query(_FILE, "begin"), {"tenant": tenant})
        seals = await _read(owner, tenant, master)
        if seals is not None:
            return seals
        for use in (_FIELDS, _INDEX):
            await _add(owner, tenant, master, use=use, number=_FIRST)
        made = await _read(owner, tenant, master)
        if made is None:
            raise AssertionError("keys that were just made are not there")
        await _reseal(owner, made, _Plain())
        await _blind(owner, made)
        return made


async def rotated(owner: Owner, tenant: str, master: MasterKey) -> int:
    """Make a new key, seal every field by it, and forget the keys before it; return how many rows were sealed anew.

    All or nothing, and only while no other program works: it would go on to seal by a key that is forgotten then. One
    that starts meanwhile waits. Raises RefusedByPolicy, ConfigurationError, SealBroken.
    """
    async with owner.transaction():
        await owner.execute(query(_FILE, "begin"), {"tenant": tenant})
        living = await (await owner.execute(query(_FILE, "living"), {"lock": RUNNER_LOCK})).fetchone()
        if living and living[0]:
            raise RefusedByPolicy(
                "Other programs of coordinator work on this database.",
                operation="rotate key",
                subject="tenant",
                hint="Stop workers, services and syncs, then try again.",
            )
        before = await _read(owner, tenant, master)
        number = before.current + 1 if before is not None else _FIRST
        await _add(owner, tenant, master, use=_FIELDS, number=number)
        seals = await _read(owner, tenant, master)
        if seals is None:
            raise AssertionError("a key that was just made is not there")
        rows = await _reseal(owner, seals, seals)
        await owner.execute(query(_FILE, "forget"), {"tenant": tenant, "number": number})
        return rows


async def rewrapped(owner: Owner, tenant: str, *, old: MasterKey, new: MasterKey) -> int:
    """Wrap the keys of a tenant by another master key; return how many. Raises ConfigurationError."""
    async with owner.transaction():
        await owner.execute(query(_FILE, "begin"), {"tenant": tenant})
        rows = await _rows(owner, tenant)
        for use, number, wrapped, _ in rows:
            about = _about(tenant, use, number)
            values = {"tenant": tenant, "use": use, "number": number}
            await owner.execute(
                query(_FILE, "rewrap"), {**values, "wrapped": new.wrap(old.unwrap(bytes(wrapped), about), about)}
            )
        return len(rows)


async def keys_of_tenant(connection: Owner, tenant: str) -> list[KeyOfTenant]:
    """Return the keys by which fields are sealed, oldest first."""
    found = [(number, made_at) for use, number, _, made_at in await _rows(connection, tenant) if use == _FIELDS]
    newest = max((number for number, _ in found), default=0)
    return [KeyOfTenant(number=number, made_at=at, is_current=number == newest) for number, at in found]


async def _read(owner: Owner, tenant: str, master: MasterKey) -> Seals | None:
    opened: dict[tuple[str, int], bytes] = {}
    for use, number, wrapped, _ in await _rows(owner, tenant):
        opened[use, number] = master.unwrap(bytes(wrapped), _about(tenant, use, number))
    if not opened:
        return None
    secrets = {number: key for (use, number), key in opened.items() if use == _FIELDS}
    return Seals(tenant=tenant, secrets=secrets, index=opened[_INDEX, _FIRST])


async def _rows(owner: Owner, tenant: str) -> list[TupleRow]:
    return await (await owner.execute(query(_FILE, "keys"), {"tenant": tenant})).fetchall()


async def _add(owner: Owner, tenant: str, master: MasterKey, *, use: str, number: int) -> None:
    wrapped = master.wrap(os.urandom(KEY_BYTES), _about(tenant, use, number))
    values = {"tenant": tenant, "use": use, "number": number, "wrapped": wrapped}
    await owner.execute(query(_FILE, "add_key"), values)


async def _reseal(owner: Owner, seals: Seals, before: _Opening) -> int:
    """Seal by the newest key whatever is not; return how many rows that were."""
    mark = b"\x01" + seals.current.to_bytes(2)
    values = {"tenant": seals.tenant, "mark": mark, "limit": _BATCH}
    count = 0
    for table in TABLES:
        while rows := await _others(owner, table, values):
            sealed = [{"tenant": seals.tenant, **_sealed(seals, table, row, before)} for row in rows]
            async with owner.cursor() as cursor:
                await cursor.executemany(query(_FILE, f"seal_{table.name}"), sealed)
            count += len(rows)
    return count


async def _others(owner: Owner, table: _Table, values: dict[str, object]) -> list[dict[str, Any]]:
    async with owner.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query(_FILE, f"other_{table.name}"), values)
        return await cursor.fetchall()


def _sealed(seals: Seals, table: _Table, row: dict[str, Any], before: _Opening) -> dict[str, Any]:
    """Return a row whose fields are sealed by the newest key."""
    place = [part for name in table.place for part in (row[name] if isinstance(row[name], list) else [row[name]])]
    result = dict(row)
    for name in table.fields:
        column = f"{table.named or table.name}.{name}"
        result[name] = seals.seal(column, before.open(column, bytes(row[name]), *place), *place)
    for name in table.texts:
        column = f"{table.name}.{name}"
        result[name] = seals.seal_text(column, before.open_text(column, row[name], *place), *place)
    return result


async def _blind(owner: Owner, seals: Seals) -> None:
    """Blind the keys of matching that stood there plainly."""
    rows = await (await owner.execute(query(_FILE, "blind_keys"), {"tenant": seals.tenant})).fetchall()
    values = [
        {"tenant": seals.tenant, "ehr": ehr, "patient": patient, "key": key, "blind": seals.blind(key)}
        for ehr, patient, key in rows
    ]
    if values:
        async with owner.cursor() as cursor:
            await cursor.executemany(query(_FILE, "blind_key"), values)


def _about(tenant: str, use: str, number: int) -> str:
    return f"{tenant}/{use}/{number}"
