"""The EHRs that this process has open, shared by its jobs: statement and token are asked for once, not by each."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Final

from coordinator.errors import CoordinatorError
from coordinator.sync.ports import Ehr, Ehrs
from coordinator.sync.records import EhrConnection

KEPT_SECONDS: Final = 3600.0  # a statement may change; it is read anew each hour
GLANCE_SECONDS: Final = 5.0  # who decides about people waits no longer for an EHR that is being opened, all together
SHUT_SECONDS: Final = 60.0  # nor asks again so soon after it could not be opened


@dataclass(slots=True)
class _Held:
    """One EHR: being opened, open, or shut since a while; `since` is of this process's own clock.

    `patience` is for how many seconds since then those who only decide wait for it.
    """

    connection: EhrConnection
    opening: "asyncio.Task[Ehr]"
    stack: AsyncExitStack
    since: float
    patience: float


class OpenEhrs:
    """Opens each EHR once, and again when its connection has changed, has aged, or could not be opened a while ago."""

    def __init__(self, ehrs: Ehrs) -> None:
        self._ehrs = ehrs
        self._held: dict[str, _Held] = {}
        self._aged: list[AsyncExitStack] = []

    async def open(self, connection: EhrConnection) -> Ehr:
        """Return an open EHR. Raises EhrError, ConfigurationError."""
        held = self._of(connection)
        if held is None or _has_failed(held):
            held = self._begin(connection)
        return await asyncio.shield(held.opening)

    async def glance(self, connection: EhrConnection) -> Ehr | None:
        """Return an EHR that is open or soon will be; None where that takes long, or has failed the last time."""
        held = self._of(connection)
        if held is None or (_has_failed(held) and _age(held) > SHUT_SECONDS):
            held = self._begin(connection)
        try:
            async with asyncio.timeout(max(0.0, held.patience - _age(held))):
                return await asyncio.shield(held.opening)
        except (TimeoutError, CoordinatorError):
            return None

    async def close(self) -> None:
        """Close all of them."""
        held, self._held = list(self._held.values()), {}
        for one in held:
            one.opening.cancel()
        await asyncio.gather(*(one.opening for one in held), return_exceptions=True)
        for stack in [*self._aged, *(one.stack for one in held)]:
            await stack.aclose()
        self._aged = []

    def _of(self, connection: EhrConnection) -> _Held | None:
        held = self._held.get(connection.name)
        if held is None or held.connection != _asked(connection) or _age(held) > KEPT_SECONDS:
            return None
        return held

    def _begin(self, connection: EhrConnection) -> _Held:
        """Begin to open an EHR. What was open before stays so: another job may be using it.

        Nobody waits for one that could not be opened the last time: they are told when it answers.
        """
        before = self._held.pop(connection.name, None)
        patience = 0.0 if before is not None and _has_failed(before) else GLANCE_SECONDS
        if before is not None:
            self._aged.append(before.stack)
        stack = AsyncExitStack()
        opening = asyncio.create_task(stack.enter_async_context(self._ehrs.open(connection)))
        opening.add_done_callback(_seen)
        held = _Held(_asked(connection), opening, stack, asyncio.get_running_loop().time(), patience)
        self._held[connection.name] = held
        return held


def _asked(connection: EhrConnection) -> EhrConnection:
    """Return a connection without what was learned at it: that changes while it is open."""
    return replace(connection, profile={})


def _has_failed(held: _Held) -> bool:
    return held.opening.done() and (held.opening.cancelled() or held.opening.exception() is not None)


def _age(held: _Held) -> float:
    return asyncio.get_running_loop().time() - held.since


def _seen(task: "asyncio.Task[Ehr]") -> None:
    """Look at how a task ended, so that the event loop does not complain that nobody did."""
    if not task.cancelled():
        task.exception()
