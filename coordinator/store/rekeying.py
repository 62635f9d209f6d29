"""New keys for what is sealed: a new key of a tenant, or another master key around it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from coordinator.store.failures import spoken
from coordinator.store.migrations import migrate, migrations
from coordinator.store.opening import Place, running
from coordinator.store.seals.keeping import KeyOfTenant, keys_of_tenant, rewrapped, rotated, unlocked
from coordinator.store.seals.master_key import MasterKey


async def rotate_key(place: Place, tenant: str) -> int:
    """Seal every field of a tenant by a new key and forget the old; return how many rows that were.

    Raises RefusedByPolicy while other programs work there, StoreError, ConfigurationError, SealBroken.
    """
    async with _owner(place, tenant) as owner:
        return await rotated(owner, tenant, place.master)


async def rewrap_keys(place: Place, tenant: str, new: MasterKey) -> int:
    """Put the keys of a tenant under another master key; return how many. Raises StoreError, ConfigurationError."""
    async with _owner(place, tenant) as owner:
        return await rewrapped(owner, tenant, old=place.master, new=new)


async def tenant_keys(place: Place, tenant: str) -> list[KeyOfTenant]:
    """Return the keys of a tenant, oldest first. Raises StoreError, ConfigurationError."""
    async with _owner(place, tenant) as owner:
        return await keys_of_tenant(owner, tenant)


@asynccontextmanager
async def _owner(place: Place, tenant: str) -> AsyncIterator[AsyncConnection[TupleRow]]:
    """Yield a connection with the rights of the owner of the tables, and no number of a program."""
    async with running(place) as conninfo:
        with spoken("rekey"):
            async with await AsyncConnection.connect(conninfo, autocommit=True) as connection:
                await migrate(connection, migrations())
                await unlocked(connection, tenant, place.master)
                yield connection
