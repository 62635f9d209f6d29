"""The tree of a stored log: closing its blocks, its root at any size, proofs, and heads to sign."""

from collections.abc import Sequence
from datetime import datetime

from coordinator.audit.head import Head, Signer, signed
from coordinator.audit.model import StoredHead
from coordinator.audit.ports import Log
from coordinator.audit.tree import (
    BLOCK_BITS,
    Range,
    Span,
    blocks_to_close,
    consistency_ranges,
    hash_of_spans,
    inclusion_ranges,
    root_of,
    spans_of,
)
from coordinator.errors import StoreError

_WIDTH = 1 << BLOCK_BITS
_AT_ONCE = 64  # blocks whose 256 hashes are read together


async def close_blocks(log: Log) -> int:
    """Keep the hashes of all blocks that have become whole; return the size of the log."""
    size = await log.size()
    for span in blocks_to_close(size, await log.closed()):
        for first in range(span.first, span.end, _AT_ONCE):
            part = Span(level=span.level, first=first, end=min(first + _AT_ONCE, span.end))
            below = Span(level=span.level - 1, first=part.first * _WIDTH, end=part.end * _WIDTH)
            held = await _all(log, below)
            roots = [root_of(held[at : at + _WIDTH]) for at in range(0, len(held), _WIDTH)]
            await log.close(part, roots)
    return size


async def root_at(log: Log, size: int) -> bytes:
    """Return the root over the first events; all whole blocks of them must be closed."""
    return await _hash_of(log, Range(start=0, end=size))


async def prove_inclusion(log: Log, seq: int, size: int) -> list[bytes]:
    """Return the proof that an event is among the first so many. Raises ValueError where there is no such event."""
    return [await _hash_of(log, one) for one in inclusion_ranges(seq, size)]


async def prove_consistency(log: Log, old: int, new: int) -> list[bytes]:
    """Return the proof that the first events are the beginning of more. Raises ValueError for a smaller one."""
    return [await _hash_of(log, one) for one in consistency_ranges(old, new)]


async def seal(log: Log, signers: Sequence[Signer], *, now: datetime) -> StoredHead | None:
    """Sign and keep the head of the log; None where nothing has come since the last one, or nothing at all."""
    size = await close_blocks(log)
    last = await log.last_head()
    if size == 0 or (last is not None and last.size >= size):
        return None
    head = Head(tenant=log.tenant, size=size, root=await root_at(log, size), at=now)
    stored = StoredHead(size=size, root=head.root, at=now, note=signed(head, signers))
    await log.put_head(stored)
    return stored


async def _hash_of(log: Log, of: Range) -> bytes:
    spans = spans_of(of)
    return hash_of_spans(spans, [await _all(log, one) for one in spans])


async def _all(log: Log, span: Span) -> list[bytes]:
    """Return hashes that stand side by side. Raises StoreError where any is missing: nothing is signed over a hole."""
    held = await log.hashes(span)
    if len(held) != span.end - span.first:
        raise StoreError(
            "The audit log lacks events that it had: nothing is signed or proven over them.",
            operation="read tree",
            subject="audit log",
            hint="`coordinator audit verify` tells which.",
        )
    return held
