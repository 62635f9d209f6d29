"""A wire that tells of each exchange as a span: which EHR, what was asked there, and how it answered."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from coordinator.ehr.exchange import Answer, Asked, Reply
from coordinator.ehr.wire import Streamed, Streaming
from coordinator.tracing import span


class Traced:
    """Carries requests over another wire. A span never has an address: those hold ids, and what was searched for."""

    def __init__(self, wire: Streaming, *, ehr: str) -> None:
        self._wire, self._ehr = wire, ehr

    async def __call__(self, asked: Asked) -> Reply:
        """Return the answer, or that none came."""
        with span("exchange", ehr=self._ehr, method=asked.method, place=asked.place) as here:
            reply = await self._wire(asked)
            if isinstance(reply, Answer):
                here.tell(status=reply.status)
            else:
                here.tell(error=reply.code or "lost")
            return reply

    @asynccontextmanager
    async def stream(self, asked: Asked) -> AsyncIterator[Streamed]:
        """Yield an answer before its body has come. Raises Interrupted where it breaks off."""
        with span("exchange", ehr=self._ehr, method=asked.method, place=asked.place) as here:
            async with self._wire.stream(asked) as answer:
                here.tell(status=answer.status)
                yield answer
