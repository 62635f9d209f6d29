"""What workers need of the world: jobs, time, and a clock that may have to be asked anew."""

import asyncio
from typing import Protocol

from coordinator.clock import Clock


class Fleet(Protocol):
    """Fetches jobs and hands them to the worker that it was made for."""

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop, then let what runs end. Raises StoreError where the database takes it for dead."""
        ...

    async def is_idle(self) -> bool:
        """Say whether nothing runs, and nothing waits that might begin now."""
        ...

    @property
    def is_open(self) -> bool:
        """Say whether jobs are fetched."""
        ...


class Ticking(Clock, Protocol):
    """A clock that is looked at anew before each job."""

    async def look(self) -> None:
        """See what time it is. Raises ConfigurationError where the clock that is followed does not answer."""
        ...
