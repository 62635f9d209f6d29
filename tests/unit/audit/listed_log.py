"""A log in lists that a test can change behind its back, as whoever owns a database can."""

from dataclasses import replace

from coordinator.audit import AuditRow, Happening, LoggedEvent, StoredHead, audit_row, seal, signer_of
from coordinator.audit.leaf import leaf_of
from tests.builders import NOW

TENANT = "north"
SIGNER = signer_of("log", bytes(range(32)))


class ListedLog:
    """The port of proofs over plain dictionaries."""

    def __init__(self) -> None:
        self.tenant = TENANT
        self.rows: dict[int, LoggedEvent] = {}
        self.blocks: dict[tuple[int, int], bytes] = {}
        self.signed: list[StoredHead] = []

    def add(self, row: AuditRow) -> None:
        seq = len(self.rows)
        self.rows[seq] = LoggedEvent(seq=seq, leaf=leaf_of(row, tenant=TENANT, seq=seq), row=row)

    def change(self, seq: int, *, fits: bool = False, leaf: bytes | None = None, **parts: object) -> None:
        held = self.rows[seq]
        row = replace(held.row, **parts)
        hash_ = leaf or (leaf_of(row, tenant=TENANT, seq=seq) if fits else held.leaf)
        self.rows[seq] = replace(held, row=row, leaf=hash_)

    async def size(self) -> int:
        return max(self.rows, default=-1) + 1

    async def events(self, first, end):
        return [self.rows[seq] for seq in sorted(self.rows) if first <= seq < end]

    async def page(self, asked):
        return [self.rows[seq] for seq in sorted(self.rows)]

    async def hashes(self, span):
        if span.level == 0:
            return [one.leaf for one in await self.events(span.first, span.end)]
        places = range(span.first, span.end)
        return [self.blocks[span.level, place] for place in places if (span.level, place) in self.blocks]

    async def closed(self):
        return tuple(sum(level == wanted for level, _ in self.blocks) for wanted in (1, 2, 3))

    async def close(self, span, hashes):
        for place, one in enumerate(hashes, span.first):
            self.blocks.setdefault((span.level, place), one)

    async def heads(self):
        return sorted(self.signed, key=lambda one: one.size)

    async def last_head(self):
        return max(self.signed, key=lambda one: one.size, default=None)

    async def put_head(self, head):
        self.signed.append(head)

    async def prunable(self, before, *, held):
        raise NotImplementedError

    async def prune(self, one, ranges):
        raise NotImplementedError


def a_look(n: int) -> AuditRow:
    return audit_row(Happening(kind="access", at=NOW, actor=f"a{n}", subject="account", person=f"p{n % 7}"))


async def a_log(*sizes: int, signer=SIGNER) -> ListedLog:
    """Return a log with a head at each of these sizes."""
    log = ListedLog()
    for size in sizes:
        while len(log.rows) < size:
            log.add(a_look(len(log.rows)))
        await seal(log, [signer], now=NOW)
    return log
