"""The store in PostgreSQL: what was received, what follows from it, what is owed, and the log of it all.

In come a place (the embedded server of a home folder, or a URL) and a tenant; out come transactions that answer the
questions of `sync.ports`. Everything a transaction did is there together, or not at all. It must never ask across
tenants, change what is in the log, or put a row's content into an error.
"""

from coordinator.store.opening import (
    Embedded,
    External,
    Place,
    PostgresStore,
    PostgresTransaction,
    RowCount,
    open_store,
    row_counts,
)
from coordinator.store.rekeying import rewrap_keys, rotate_key, tenant_keys
from coordinator.store.seals import MasterKeyFile, SealBroken, new_master_key
from coordinator.store.seals.keeping import KeyOfTenant

__all__ = [
    "Embedded",
    "External",
    "KeyOfTenant",
    "MasterKeyFile",
    "Place",
    "PostgresStore",
    "PostgresTransaction",
    "RowCount",
    "SealBroken",
    "new_master_key",
    "open_store",
    "rewrap_keys",
    "rotate_key",
    "row_counts",
    "tenant_keys",
]
