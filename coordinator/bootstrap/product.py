"""Wiring: the product of one process, made of its adapters."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from coordinator.bootstrap.budgets import allowances
from coordinator.bootstrap.clocks import clock_of
from coordinator.bootstrap.safety import refuse_unsafe, unsafe_settings, unsafe_tenant
from coordinator.bootstrap.telemetry import telling_traces
from coordinator.clock import Clock
from coordinator.ehr import EhrRoom
from coordinator.errors import ConfigurationError
from coordinator.settings import Settings
from coordinator.store import Embedded, External, MasterKeyFile, Place, PostgresStore, open_store
from coordinator.store.opening import MASTER_KEY
from coordinator.sync.ports import Transaction
from coordinator.sync.tenant import Tenant, read_tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What a command works with."""

    settings: Settings
    store: PostgresStore
    clock: Clock
    ehrs: EhrRoom
    tenant: Tenant


def _in_silence(_: str) -> None:
    pass


@asynccontextmanager
async def product(settings: Settings, *, told: Callable[[str], None] = _in_silence) -> AsyncIterator[Product]:
    """Yield the product: database running, tenant read, clock chosen. `told` hears of traces that don't get through.

    Raises StoreError where the database can't be used, ConfigurationError where the sandbox whose clock the tenant
    follows does not answer.
    """
    with telling_traces(settings, told):
        async with _opened(settings) as opened:
            yield opened


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Product]:
    async with open_store(place_of(settings), settings.tenant) as store:
        async with store.transaction() as tx:
            tenant = await read_started(tx, settings)
        clock = clock_of(tenant, settings)
        ehrs = EhrRoom(clock=clock, keys=keys_of(settings)).keeping(allowances(store, tenant, clock))
        yield Product(settings=settings, store=store, clock=clock, ehrs=ehrs, tenant=tenant)


async def read_started(tx: Transaction, settings: Settings) -> Tenant:
    """Return the tenant. Raises ConfigurationError in production where it is set up in an unsafe way."""
    tenant = await read_tenant(tx)
    if settings.production:
        refuse_unsafe(unsafe_tenant(tenant, await tx.registry.ehrs()))
    return tenant


def place_of(settings: Settings) -> Place:
    """Return where the database is, and the master key of it.

    Raises ConfigurationError in production where the settings are unsafe, and where a database that outlives this
    machine would be sealed under a key that is made here on the way: who loses it can read nothing any more.
    """
    if settings.production:
        refuse_unsafe(unsafe_settings(settings))
    if not settings.database_url:
        return Embedded(home=settings.home, master_key=settings.master_key)
    if settings.production and settings.master_key is None:
        raise ConfigurationError(
            "In production the master key of a database of your own must be named.",
            hint="`coordinator seal new-master-key FILE` makes one: keep a copy elsewhere, and name the file by "
            "COORDINATOR_MASTER_KEY_FILE.",
        )
    path = settings.master_key or settings.home / MASTER_KEY
    master = MasterKeyFile(path, may_make=settings.master_key is None)
    return External(url=settings.database_url, master=master)


def keys_of(settings: Settings) -> Path:
    """Return the folder of the private keys."""
    return settings.home / "keys"
