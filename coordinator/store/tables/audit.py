"""The log of what happened: events get their places at commit, one transaction at a time, and are never changed."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime

from psycopg.rows import TupleRow

from coordinator.audit.leaf import leaf_of
from coordinator.audit.model import AuditRow, LoggedEvent, StoredHead
from coordinator.audit.questions import Filter
from coordinator.audit.tree import Span
from coordinator.store.tables.session import Session

_FILE = "audit"
_COLUMNS = tuple(one.name for one in fields(AuditRow))
_AT_ONCE = 2000


class Audit:
    """The log of a tenant within one transaction.

    What is appended waits for `flush`, the last thing that a transaction does: whoever gives out places holds up all
    others until its commit, and takes no other lock after it.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._waiting: list[AuditRow] = []

    @property
    def tenant(self) -> str:
        """Return whose log this is."""
        return self._session.tenant

    async def append(self, rows: Sequence[AuditRow]) -> None:
        """Add events to the log: with the transaction they are kept, or nothing of it is."""
        self._waiting += rows

    async def flush(self) -> None:
        """Give what was appended its places, and keep it."""
        if not self._waiting:
            return
        await self._session.rows(_FILE, "only_one")
        place = await self.size()
        for first in range(0, len(self._waiting), _AT_ONCE):
            part = self._waiting[first : first + _AT_ONCE]
            columns: dict[str, list[object]] = {name: [getattr(one, name) for one in part] for name in _COLUMNS}
            columns["seq"] = list(range(place, place + len(part)))
            columns["leaf"] = [leaf_of(one, tenant=self.tenant, seq=place + at) for at, one in enumerate(part)]
            await self._session.change(_FILE, "append", **columns)
            place += len(part)
        self._waiting.clear()

    async def query(self, kind: str, *, person: str | None = None, since: datetime | None = None) -> list[AuditRow]:
        """Return the events of a kind, of a person or all, from an instant on, in order of time; own ones come last."""
        rows = await self._session.rows(_FILE, "audited", kind=kind, person=person, since=since)
        return [_row(one) for one in rows] + [one for one in self._waiting if _is_meant(one, kind, person, since)]

    async def size(self) -> int:
        """Return how many events there are."""
        ((size,),) = await self._session.rows(_FILE, "size")
        return int(size)

    async def events(self, first: int, end: int) -> list[LoggedEvent]:
        """Return the events from one place on, before another, in their order."""
        return [_event(row) for row in await self._session.rows(_FILE, "events", first=first, end=end)]

    async def page(self, asked: Filter) -> list[LoggedEvent]:
        """Return the events that match, in order of time and place, after the place asked for, so many at most."""
        name = "page_after_revocation" if asked.is_after_revocation else "page_of_kinds" if asked.kinds else "page"
        values = {one.name: getattr(asked, one.name) for one in fields(Filter)}
        return [_event(row) for row in await self._session.rows(_FILE, name, **values | {"kinds": list(asked.kinds)})]

    async def hashes(self, span: Span) -> list[bytes]:
        """Return the stored hashes of leaves (level 0) or blocks that stand side by side."""
        place = {"first": span.first, "end": span.end}
        if span.level == 0:
            return [hash_ for (hash_,) in await self._session.rows(_FILE, "leaves", **place)]
        return [hash_ for (hash_,) in await self._session.rows(_FILE, "blocks", level=span.level, **place)]

    async def closed(self) -> tuple[int, int, int]:
        """Return how many blocks of each level above the leaves are stored."""
        ((first, second, third),) = await self._session.rows(_FILE, "closed")
        return first, second, third

    async def close(self, span: Span, hashes: Sequence[bytes]) -> None:
        """Keep the hashes of blocks that are whole; those that are kept already stay."""
        rows = [{"level": span.level, "place": span.first + at, "hash": one} for at, one in enumerate(hashes)]
        await self._session.change_many(_FILE, "close", rows)

    async def heads(self) -> list[StoredHead]:
        """Return the signed heads, smallest first."""
        return [_head(row) for row in await self._session.rows(_FILE, "heads")]

    async def last_head(self) -> StoredHead | None:
        """Return the newest signed head."""
        return next(iter([_head(row) for row in await self._session.rows(_FILE, "last_head")]), None)

    async def put_head(self, head: StoredHead) -> None:
        """Keep a signed head; one of the same size that is kept already stays."""
        await self._session.change(_FILE, "put_head", **asdict(head))

    async def prunable(self, before: datetime, *, held: Sequence[str]) -> list[int]:
        """Return the places of events that are older and about none of these persons, and not pruned yet."""
        return [seq for (seq,) in await self._session.rows(_FILE, "prunable", before=before, held=list(held))]

    async def prune(self, one: int, ranges: Sequence[tuple[int, int]]) -> int:
        """Take bodies and columns of the events at these places, as the prune at place `one` tells; return how many."""
        firsts, lasts = [first for first, _ in ranges], [last for _, last in ranges]
        ((taken,),) = await self._session.rows(_FILE, "prune", one=one, firsts=firsts, lasts=lasts)
        return int(taken)


def _row(values: TupleRow) -> AuditRow:
    return AuditRow(**dict(zip(_COLUMNS, values, strict=True)))


def _event(values: TupleRow) -> LoggedEvent:
    seq, leaf, pruned_by, *row = values
    return LoggedEvent(seq=seq, leaf=leaf, pruned_by=pruned_by, row=_row(tuple(row)))


def _head(values: TupleRow) -> StoredHead:
    return StoredHead(**dict(zip(("size", "root", "at", "note"), values, strict=True)))


def _is_meant(row: AuditRow, kind: str, person: str | None, since: datetime | None) -> bool:
    return row.kind == kind and person in {None, row.person} and (since is None or row.at >= since)
