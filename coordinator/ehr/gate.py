"""The gate: the last question before a body leaves, asked behind all that may take time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from coordinator.ehr.exchange import Asked, Lost, Reply
from coordinator.ehr.wire import Streamed, Streaming

WITHHELD = "withheld"


class Gated:
    """Carries requests over the wire that reaches the network, each only after its own question was answered with yes.

    It stands below what renews tokens and waits for a budget: asked above them, a consent that was revoked while they
    waited would still let its body out.
    """

    def __init__(self, wire: Streaming) -> None:
        self._wire = wire

    async def __call__(self, asked: Asked) -> Reply:
        """Return the answer, or that it was withheld: then not a byte of it went out."""
        if asked.may_leave is not None and not await asked.may_leave():
            return Lost(reason=WITHHELD, sent=False)
        return await self._wire(replace(asked, may_leave=None) if asked.may_leave else asked)

    @asynccontextmanager
    async def stream(self, asked: Asked) -> AsyncIterator[Streamed]:
        """Yield an answer before its body has come; only what is safe to ask is streamed."""
        async with self._wire.stream(asked) as answer:
            yield answer
