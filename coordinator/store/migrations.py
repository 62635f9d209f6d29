"""Brings a database to the schema that this program needs: numbered files, forward only.

`NNNN_pre_*.sql` is safe while the program before still runs, `NNNN_post_*.sql` cleans up once it no longer does. It
waits until no program of an older schema has the database open, as locks tell. A file that has been released is never
changed; a mistake is mended by the next one.
"""

import hashlib
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Final

import psycopg
from psycopg.errors import DuplicateObject, UniqueViolation
from psycopg.rows import TupleRow

from coordinator.errors import StoreError
from coordinator.store.queries import query
from coordinator.store.tables.session import RUNNER_LOCK

_NAME = re.compile(r"(\d{4})_(?:pre|post)_\w+\.sql")
SCHEMA_LOCK: Final = 5_172  # first number of the advisory locks that say which schema each program knows
_OLDEST = 16
_FILE = "migrations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One step of the schema."""

    number: int
    name: str
    text: bytes = field(repr=False)

    @property
    def is_post(self) -> bool:
        """Say whether it takes away what an older program needs."""
        return "_post_" in self.name

    @property
    def hash(self) -> str:
        """Return what tells this text from a changed one."""
        return hashlib.sha256(self.text).hexdigest()


def migrations() -> tuple[Migration, ...]:
    """Return all migrations in their order."""
    found = [
        Migration(number=int(match[1]), name=file.name, text=file.read_bytes())
        for file in files("coordinator.store").joinpath("migrations").iterdir()
        if (match := _NAME.fullmatch(file.name))
    ]
    return tuple(sorted(found, key=lambda one: one.number))


async def migrate(connection: psycopg.AsyncConnection[TupleRow], steps: Sequence[Migration]) -> int:
    """Apply what is missing, all or nothing; return how many steps that were. What must wait for others is left.

    This connection says from here on, until it closes, of which schema its program is. Raises StoreError where the
    server is too old, the schema newer than this program, a step has been altered, or one can't be made beside others.
    """
    await _declare(connection, steps)
    has_role = await _check_server(connection)
    missing = _missing(steps, await _applied(connection))
    if not missing and has_role:
        return 0
    async with connection.transaction():
        await connection.execute(query(_FILE, "only_one"))
        await _join_role(connection)
        await connection.execute(query(_FILE, "create_schema"))
        await connection.execute(query(_FILE, "create_log"))
        await connection.execute(query(_FILE, "schema_path"))
        missing = await _due(connection, _missing(steps, await _applied(connection)))
        for step in missing:
            await connection.execute(step.text)
            values = {"number": step.number, "name": step.name, "hash": step.hash}
            await connection.execute(query(_FILE, "note"), values)
    return len(missing)


async def _declare(connection: psycopg.AsyncConnection[TupleRow], steps: Sequence[Migration]) -> None:
    """Tell other programs which schema this one knows, before looking at the database: nobody may miss the other."""
    values = {"lock": SCHEMA_LOCK, "newest": steps[-1].number if steps else 0}
    await connection.execute(query(_FILE, "declare"), values)


async def _due(connection: psycopg.AsyncConnection[TupleRow], missing: Sequence[Migration]) -> list[Migration]:
    """Return the steps that can be made now: none from the first on that an older program is still in the way of."""
    due: list[Migration] = []
    for step in missing:
        if step.is_post and await _is_held(connection, step):
            break
        due.append(step)
    later = [one for one in missing[len(due) :] if not one.is_post]
    if later:
        raise StoreError(
            f"Older programs use this database, and step {later[0].number:04} of the schema can't be made beside them.",
            operation="open",
            subject="database",
            hint="Stop all workers, listeners and commands of the older version, then start this one again.",
        )
    return due


async def _is_held(connection: psycopg.AsyncConnection[TupleRow], step: Migration) -> bool:
    values = {"lock": SCHEMA_LOCK, "runners": RUNNER_LOCK, "number": step.number}
    row = await (await connection.execute(query(_FILE, "is_held"), values)).fetchone()
    return row is not None and bool(row[0])


async def _check_server(connection: psycopg.AsyncConnection[TupleRow]) -> bool:
    """Return whether the program's role exists; raises StoreError if this server or database can't be used."""
    row = await (await connection.execute(query(_FILE, "server"))).fetchone()
    number, encoding, has_role = row if row is not None else (0, "", False)
    refuse_too_old(number)
    if encoding != "UTF8":
        raise StoreError(
            "The database does not keep text as UTF-8.",
            operation="open",
            subject="database",
            hint="Create it with `createdb --encoding=UTF8 --template=template0`.",
        )
    return bool(has_role)


def refuse_too_old(server: int) -> None:
    """Raise StoreError if a server of this number (180004 is 18.4) is older than what we use."""
    if server < _OLDEST * 10_000:
        raise StoreError(
            f"The database is PostgreSQL {server // 10_000}; version {_OLDEST} or newer is needed.",
            operation="open",
            subject="database",
            hint="Upgrade it, or leave COORDINATOR_DATABASE_URL empty to use the one that comes with us.",
        )


async def _applied(connection: psycopg.AsyncConnection[TupleRow]) -> dict[int, str]:
    has_log = await (await connection.execute(query(_FILE, "has_log"))).fetchone()
    if not has_log or not has_log[0]:
        return {}
    return dict(await (await connection.execute(query(_FILE, "applied"))).fetchall())


def _missing(steps: Sequence[Migration], applied: dict[int, str]) -> list[Migration]:
    known = {step.number: step.hash for step in steps}
    if applied.keys() - known.keys():
        raise StoreError(
            "The database was written by a newer version of this program.",
            operation="open",
            subject="database",
            hint="Install that version, or a newer one.",
        )
    altered = [number for number, found in applied.items() if known[number] != found]
    if altered:
        raise StoreError(
            f"The schema of the database differs from this program's at step {altered[0]:04}.",
            operation="open",
            subject="database",
            hint="Install the version of the program that made it; a released step never changes.",
        )
    return [step for step in steps if step.number not in applied]


async def _join_role(connection: psycopg.AsyncConnection[TupleRow]) -> None:
    # Roles belong to the whole server: another database of it may have made ours already.
    if not await _check_server(connection):
        with suppress(DuplicateObject, UniqueViolation):
            async with connection.transaction():
                await connection.execute(query(_FILE, "create_role"))
    may_join = await (await connection.execute(query(_FILE, "may_join"))).fetchone()
    if may_join and may_join[0]:
        await connection.execute(query(_FILE, "join_role"))
