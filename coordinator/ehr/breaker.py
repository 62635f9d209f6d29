"""A wire that gives an EHR up for the rest of a pull once it has stopped answering.

Each exchange has its deadline, but a pull makes thousands: behind a firewall that drops what we send, or at a server
that never gets to our next connection, each of them would wait its deadline out and the run would stand still for days.
"""

from typing import Final

from coordinator.ehr.exchange import Again, Answer, Asked, Lost, Reply, Wire
from coordinator.ehr.protocols.retry import BUSY, PATIENCE, retry_after
from coordinator.sync.work.records import HELD_OFF, SILENT

MOST_IN_VAIN: Final = 24  # exchanges in a row: six searches, each asked four times
_EVERYWHERE: Final = ""
_TOO_MANY: Final = 429


class Breaker:
    """Carries requests until so many in a row came to nothing; what is asked after that does not go out.

    No answer and "too many requests" speak for the whole EHR, another busy answer only for the place that was asked.
    """

    def __init__(self, wire: Wire, *, most: int = MOST_IN_VAIN) -> None:
        self._wire = wire
        self._most = most
        self._in_vain: dict[str, int] = {}
        self._reason = ""

    async def __call__(self, asked: Asked) -> Reply:
        """Return the answer, or that none came, without asking where that would be in vain."""
        if any(self._in_vain.get(place, 0) >= self._most for place in (_EVERYWHERE, asked.place)):
            return Lost(reason=self._reason, sent=False, again=Again.NEVER)
        reply = await self._wire(asked)
        self._count(asked.place, reply)
        return reply

    def _count(self, place: str, reply: Reply) -> None:
        if isinstance(reply, Lost):
            self._reason = SILENT
            self._add(_EVERYWHERE, 1)
        elif reply.status == _TOO_MANY:
            self._reason = HELD_OFF
            self._add(_EVERYWHERE, self._most if _is_long(reply) else 1)
        elif reply.status in BUSY:
            self._reason = SILENT
            self._add(place, 1)
            self._in_vain.pop(_EVERYWHERE, None)
        else:
            self._in_vain.pop(_EVERYWHERE, None)
            self._in_vain.pop(place, None)

    def _add(self, place: str, count: int) -> None:
        self._in_vain[place] = self._in_vain.get(place, 0) + count


def _is_long(answer: Answer) -> bool:
    """Say whether an EHR asked us to wait longer than a request waits."""
    return (retry_after(answer) or 0.0) > PATIENCE.longest_wait
