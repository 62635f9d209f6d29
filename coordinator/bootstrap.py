"""Wiring: the product of one process, made of its adapters."""

import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from coordinator.clock import Clock
from coordinator.ehr import EhrRoom
from coordinator.errors import ConfigurationError
from coordinator.settings import Settings
from coordinator.store import Embedded, External, PostgresStore, open_store
from coordinator.sync.tenant import Tenant, read_tenant

CONTROL_SECONDS = 5


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return datetime.now(UTC)


class WorldClock:
    """The clock of a sandbox's world: it stands still until somebody moves it."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        """Return the world's instant."""
        return self._now


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What a command works with."""

    settings: Settings
    store: PostgresStore
    clock: Clock
    ehrs: EhrRoom
    tenant: Tenant


@asynccontextmanager
async def product(settings: Settings) -> AsyncIterator[Product]:
    """Yield the product: database running, tenant read, clock chosen.

    Raises StoreError where the database can't be used, ConfigurationError where the sandbox whose clock the tenant
    follows does not answer.
    """
    place = External(url=settings.database_url) if settings.database_url else Embedded(home=settings.home)
    async with open_store(place, settings.tenant) as store:
        async with store.transaction() as tx:
            tenant = await read_tenant(tx)
        clock = clock_of(tenant, settings)
        ehrs = EhrRoom(clock=clock, keys=settings.home / "keys")
        yield Product(settings=settings, store=store, clock=clock, ehrs=ehrs, tenant=tenant)


def clock_of(tenant: Tenant, settings: Settings) -> Clock:
    """Return the world's clock for a tenant of a sandbox outside production, else the machine's."""
    if not tenant.control or settings.production:
        return SystemClock()
    return WorldClock(world_now(tenant.control))


def world_now(control: str) -> datetime:
    """Return the instant of a sandbox's world. Raises ConfigurationError when the sandbox does not answer."""
    try:
        with urllib.request.urlopen(f"{control}/clock", timeout=CONTROL_SECONDS) as answer:
            return datetime.fromisoformat(json.loads(answer.read())["now"])
    except (urllib.error.URLError, OSError, ValueError, KeyError):
        raise ConfigurationError(
            "The sandbox that this tenant was connected to does not answer.",
            operation="read clock",
            hint="Start it again with `coordinator sandbox serve` and connect, or use another --tenant.",
        ) from None
