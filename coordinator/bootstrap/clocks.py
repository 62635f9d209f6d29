"""The clocks: this machine's, or that of a sandbox's world."""

import asyncio
import json
import urllib.error
import urllib.request
from datetime import UTC, datetime

from coordinator.clock import Clock
from coordinator.errors import ConfigurationError
from coordinator.settings import Settings
from coordinator.sync.tenant import Tenant

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


class TickingClock:
    """The clock of this machine, or of a sandbox's world as it was when it was last looked at."""

    def __init__(self, control: str = "") -> None:
        self._control = control
        self._now: datetime | None = None

    async def look(self) -> None:
        """See what time it is. Raises ConfigurationError when the sandbox does not answer."""
        if self._control:
            self._now = await asyncio.to_thread(world_now, self._control)

    def now(self) -> datetime:
        """Return the instant."""
        return self._now or datetime.now(UTC)


def ticking_of(tenant: Tenant, settings: Settings) -> TickingClock:
    """Return a clock for a process that goes on: the world's for a tenant of a sandbox outside production."""
    return TickingClock("" if settings.production else tenant.control)


def clock_of(tenant: Tenant, settings: Settings) -> Clock:
    """Return the world's clock for a tenant of a sandbox outside production, else the machine's."""
    if not tenant.control or settings.production:
        return SystemClock()
    return WorldClock(world_now(tenant.control))


def world_now(control: str) -> datetime:
    """Return the instant of a sandbox's world. Raises ConfigurationError when the sandbox does not answer."""
    try:
        with urllib.request.urlopen(f"{control}/clock", timeout=CONTROL_SECONDS) as answer:  # noqa: S310 - our sandbox
            return datetime.fromisoformat(json.loads(answer.read())["now"])
    except (urllib.error.URLError, OSError, ValueError, KeyError):
        raise ConfigurationError(
            "The sandbox that this tenant was connected to does not answer.",
            operation="read clock",
            hint="Start it again with `coordinator sandbox serve` and connect, or use another --tenant.",
        ) from None
