"""The log in memory, as the real one is: places are given at commit, and nothing is ever changed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from coordinator.audit.leaf import leaf_of
from coordinator.audit.model import AuditRow, LoggedEvent, StoredHead
from coordinator.audit.questions import Filter
from coordinator.audit.retention import STAYS
from coordinator.audit.tree import Span
from coordinator.sandbox.memory_rows import Rows, Table, Unit

_LOG = "audit"


class MemoryAudit:
    """The log of a tenant within one transaction."""

    def __init__(self, unit: Unit, rows: Rows, *, tenant: str) -> None:
        self._unit = unit
        self._rows = rows
        self._tenant = tenant
        self._waiting: list[AuditRow] = []
        self._log: Table[int, AuditRow] = Table(unit, _LOG)
        self._pruned: Table[int, int] = Table(unit, "audit_pruned")
        self._blocks: Table[tuple[int, int], bytes] = Table(unit, "audit_block")
        self._heads: Table[int, StoredHead] = Table(unit, "audit_head")

    @property
    def tenant(self) -> str:
        """Return whose log this is."""
        return self._tenant

    async def append(self, rows: Sequence[AuditRow]) -> None:
        """Add events to the log: with the transaction they are kept, or nothing of it is."""
        self._waiting += rows

    async def flush(self) -> None:
        """Give what was appended its places, and keep it."""
        if not self._waiting:
            return
        await self._unit.hold((_LOG, -1))  # no event has this place: whoever holds it gives out places
        size = await self.size()
        for place, row in enumerate(self._waiting, size):
            await self._log.put(place, row)
        self._waiting = []

    async def query(self, kind: str, *, person: str | None = None, since: datetime | None = None) -> list[AuditRow]:
        """Return the events of a kind, of a person or all, from an instant on, in order of time; own ones come last."""
        stored = sorted(self._log.values(), key=lambda one: one.at)
        return [
            row
            for row in (*stored, *self._waiting)
            if row.kind == kind and person in {None, row.person} and (since is None or row.at >= since)
        ]

    async def size(self) -> int:
        """Return how many events there are."""
        return len(self._rows.tables.get(_LOG, ()))

    async def events(self, first: int, end: int) -> list[LoggedEvent]:
        """Return the events from one place on, before another, in their order."""
        return [
            self._event(seq, row)
            for seq in range(first, min(end, await self.size()))
            if (row := self._log.get(seq)) is not None
        ]

    def _event(self, seq: int, row: AuditRow) -> LoggedEvent:
        leaf, by = leaf_of(row, tenant=self._tenant, seq=seq), self._pruned.get(seq)
        return LoggedEvent(seq=seq, leaf=leaf, row=row if by is None else _blank(row), pruned_by=by)

    async def prunable(self, before: datetime, *, held: Sequence[str]) -> list[int]:
        """Return the places of events that are older and about none of these persons, and not pruned yet."""
        return [
            seq
            for seq, row in self._log.items()
            if row.at < before and row.person not in held and row.kind not in STAYS and self._pruned.get(seq) is None
        ]

    async def prune(self, one: int, ranges: Sequence[tuple[int, int]]) -> int:
        """Take bodies and columns of the events at these places, as the prune at place `one` tells; return how many."""
        taken = 0
        for seq in [seq for first, last in ranges for seq in range(first, last + 1)]:
            row = self._log.get(seq)
            if row is not None and row.kind not in STAYS and self._pruned.get(seq) is None:
                await self._pruned.put(seq, one)
                taken += 1
        return taken

    async def page(self, asked: Filter) -> list[LoggedEvent]:
        """Return the events that match, in order of time and place, after the place asked for, so many at most."""
        after = None if asked.after is None else self._log.get(asked.after)
        ended = [one for one in self._log.values() if one.kind == "revocation"]
        found = [
            event
            for event in await self.events(0, await self.size())
            if _matches(event.row, asked)
            and (after is None or (event.row.at, event.seq) > (after.at, asked.after))
            and (not asked.is_after_revocation or any(_is_under(event.row, one) for one in ended))
        ]
        return sorted(found, key=lambda one: (one.row.at, one.seq))[: asked.limit]

    async def hashes(self, span: Span) -> list[bytes]:
        """Return the stored hashes of leaves (level 0) or blocks that stand side by side."""
        if span.level == 0:
            return [one.leaf for one in await self.events(span.first, span.end)]
        found = [self._blocks.get((span.level, place)) for place in range(span.first, span.end)]
        return [one for one in found if one is not None]

    async def closed(self) -> tuple[int, int, int]:
        """Return how many blocks of each level above the leaves are stored."""
        places = [level for (level, _), _ in self._blocks.items()]
        return places.count(1), places.count(2), places.count(3)

    async def close(self, span: Span, hashes: Sequence[bytes]) -> None:
        """Keep the hashes of blocks that are whole; those that are kept already stay."""
        for place, one in enumerate(hashes, span.first):
            if self._blocks.get((span.level, place)) is None:
                await self._blocks.put((span.level, place), one)

    async def heads(self) -> list[StoredHead]:
        """Return the signed heads, smallest first."""
        return list(self._heads.values())

    async def last_head(self) -> StoredHead | None:
        """Return the newest signed head."""
        return next(reversed(await self.heads()), None)

    async def put_head(self, head: StoredHead) -> None:
        """Keep a signed head; one of the same size that is kept already stays."""
        if self._heads.get(head.size) is None:
            await self._heads.put(head.size, head)


def _blank(row: AuditRow) -> AuditRow:
    return replace(row, body=b"", actor="", person=None, ehr=None, consent=None, purpose=None, subject="")


def _matches(row: AuditRow, asked: Filter) -> bool:
    return (
        (not asked.kinds or row.kind in asked.kinds)
        and asked.person in {None, row.person}
        and asked.actor in {None, row.actor}
        and asked.ehr in {None, row.ehr}
        and (asked.since is None or row.at >= asked.since)
        and (asked.until is None or row.at < asked.until)
    )


def _is_under(row: AuditRow, ended: AuditRow) -> bool:
    """Say whether something was told under a consent that had been revoked."""
    is_later = ended.person is not None and row.person == ended.person and row.at > ended.at
    return is_later and ended.consent in (row.consent or "").split(",")
