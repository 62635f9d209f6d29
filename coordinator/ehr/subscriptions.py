"""Subscriptions at one EHR, made and renewed where its statement declares them."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from coordinator.ehr.capability import Statement
from coordinator.ehr.exchange import Base, Wire
from coordinator.ehr.protocols.subscription import PLACE, Call, renew, subscribe, unsubscribe, wishes
from coordinator.ehr.wire import drive
from coordinator.errors import PermanentEhrError
from coordinator.sync.pull import TYPES
from coordinator.sync.ways import Hook, Hooked


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """Keeps the subscriptions at one EHR."""

    base: Base
    wire: Wire
    statement: Statement

    async def keep(self, hook: Hook, ids: Sequence[str]) -> Hooked:
        """Return the subscriptions that go on from here, with a new secret: those that are there, and new ones.

        Raises EhrError; those that were made till then are under way, and end by themselves.
        """
        if not self.statement.of(PLACE).create:
            raise PermanentEhrError(
                "This EHR does not declare that it takes subscriptions.",
                operation="subscribe",
                subject=PLACE,
                hint="It is polled all the same; `ehr add --allow Subscription.create` says that it takes them.",
            )
        call = Call(hook=hook, secret=secrets.token_urlsafe(32))
        made: list[str] = []
        for wish, id_ in zip_longest(wishes(self._types(), hook.topic), ids):
            if wish is None:
                await drive(unsubscribe(self.base, id_), self.wire)
            elif id_ is None:
                made.append(await drive(subscribe(self.base, wish, call), self.wire))
            else:
                made.append(await drive(renew(self.base, wish, call, id_=id_), self.wire))
        return Hooked(ids=tuple(made), secret=call.secret)

    def _types(self) -> list[str]:
        return [one for one in TYPES if self.statement.of(one).search]
