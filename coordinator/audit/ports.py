"""What proofs need of a log, within one transaction of one tenant."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from coordinator.audit.model import LoggedEvent, StoredHead
from coordinator.audit.questions import Filter
from coordinator.audit.tree import Span


class Log(Protocol):
    """The events, the tree over them, and its signed heads; all of it only grows."""

    @property
    def tenant(self) -> str: ...

    async def size(self) -> int:
        """Return how many events there are."""
        ...

    async def events(self, first: int, end: int) -> list[LoggedEvent]:
        """Return the events from one place on, before another, in their order."""
        ...

    async def page(self, asked: Filter) -> list[LoggedEvent]:
        """Return the events that match, in order of time and place, after the place asked for, so many at most."""
        ...

    async def hashes(self, span: Span) -> list[bytes]:
        """Return the stored hashes of leaves (level 0) or blocks that stand side by side."""
        ...

    async def closed(self) -> tuple[int, int, int]:
        """Return how many blocks of each level above the leaves are stored."""
        ...

    async def close(self, span: Span, hashes: Sequence[bytes]) -> None:
        """Keep the hashes of blocks that are whole; those that are kept already stay."""
        ...

    async def heads(self) -> list[StoredHead]:
        """Return the signed heads, smallest first."""
        ...

    async def last_head(self) -> StoredHead | None:
        """Return the newest signed head."""
        ...

    async def put_head(self, head: StoredHead) -> None:
        """Keep a signed head; one of the same size that is kept already stays."""
        ...

    async def prunable(self, before: datetime, *, held: Sequence[str]) -> list[int]:
        """Return the places of events that are older and about none of these persons, and not pruned yet."""
        ...

    async def prune(self, one: int, ranges: Sequence[tuple[int, int]]) -> int:
        """Take bodies and columns of the events at these places, as the prune at place `one` tells; return how many."""
        ...
