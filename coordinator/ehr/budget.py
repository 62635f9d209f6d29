"""A wire that keeps an EHR's budget: a request waits for its turn, or does not go out where that is far off."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from coordinator.ehr.exchange import Again, Asked, Lost, Reply
from coordinator.ehr.wire import Interrupted, Streamed, Streaming
from coordinator.sync.records import EhrConnection
from coordinator.sync.work.records import HELD_BACK

LONGEST_WAIT: Final = 60.0  # the next minute is waited for; an hour or a day is not

_HINT: Final = "It begins anew with the next hour or day; `coordinator ehr add --replace --budget` changes it."

Allowed = Callable[[], Awaitable[float]]  # 0 where a request may go now, else in how many seconds to ask again
Allowances = Callable[[EhrConnection], Allowed | None]


class Budgeted:
    """Carries requests as the budget allows."""

    def __init__(self, wire: Streaming, allowed: Allowed) -> None:
        self._wire, self._allowed = wire, allowed

    async def __call__(self, asked: Asked) -> Reply:
        """Return the answer, or that none came; nothing goes out where the budget of an hour or a day is used up."""
        if not await self._may_go():
            return Lost(reason=HELD_BACK, sent=False, again=Again.NEVER, hint=_HINT)
        return await self._wire(asked)

    @asynccontextmanager
    async def stream(self, asked: Asked) -> AsyncIterator[Streamed]:
        """Yield an answer before its body has come. Raises Interrupted where the budget is used up."""
        if not await self._may_go():
            raise Interrupted(HELD_BACK)
        async with self._wire.stream(asked) as answer:
            yield answer

    async def _may_go(self) -> bool:
        while (wait := await self._allowed()) > 0:
            if wait > LONGEST_WAIT:
                return False
            await asyncio.sleep(wait)
        return True
