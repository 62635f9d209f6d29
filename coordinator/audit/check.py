"""Holds a log against itself and its signed heads, and says what was done to it, and where.

    changed      a column or byte of an event is not what its hash stands for
    removed      a place is empty, or a body is gone that no prune took
    swapped      two events stand in each other's places
    cut          the log ends before a head that was signed over more of it
    rewritten    everything fits together, but not with a head: events and hashes were computed anew
    head         a head is not signed by a key of this log, or is not what it says

What is found first is told; behind an empty place no root can be computed, so heads beyond it prove nothing more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from coordinator.audit.head import BadHead, Head, Verifier, read_head
from coordinator.audit.leaf import leaf_of
from coordinator.audit.model import LoggedEvent, StoredHead
from coordinator.audit.ports import Log
from coordinator.audit.retention import pruned_places
from coordinator.audit.tree import BLOCK_BITS, Growing, Span, root_of

_AT_ONCE = 2048  # whole blocks
_WIDTH = 1 << BLOCK_BITS
_MOST_SWAPPED = 64  # how many events that do not fit are held against each other


class Tampering(Enum):
    """What was done to a log; the sentence begins with which events."""

    CHANGED = "is not what was logged there: a column or a byte of it was changed."
    REMOVED = "is gone: it was removed after it was logged."
    SWAPPED = "stand in each other's places."
    CUT = "is gone: the end of the log was cut off."
    REWRITTEN = "is not what the signed head stands for: that part of the log was written anew."
    HEAD = "is the size of a head that no key of this log has signed as it is."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """What was done, and from which place to which."""

    what: Tampering
    first: int
    last: int

    @property
    def sentence(self) -> str:
        """Return it in words."""
        if self.what is Tampering.SWAPPED:
            return f"Events {self.first} and {self.last} {self.what.value}"
        if self.what is Tampering.HEAD:
            return f"{self.first} {self.what.value}"
        text = self.what.value
        if self.first == self.last:
            return f"Event {self.first} {text}"
        return f"Each of events {self.first} to {self.last}, or some of them, {text}"


@dataclass(slots=True, kw_only=True)
class Checked:
    """What came of a check: how much was looked at, and what is wrong."""

    size: int = 0
    root: bytes = b""
    pruned: int = 0
    heads: int = 0
    proven: int = 0
    wrong: list[Wrong] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class _Walk:
    """One walk along the log, from its beginning."""

    tenant: str
    heads: Sequence[Head]
    blocks: Sequence[bytes]
    found: Checked
    tree: Growing = field(default_factory=Growing)
    leaves: list[bytes] = field(default_factory=list)
    unfit: list[LoggedEvent] = field(default_factory=list)
    pruned: dict[int, int] = field(default_factory=dict)
    prunes: dict[int, set[tuple[int, int]]] = field(default_factory=dict)
    unlike: int | None = None
    next: int = 0
    is_broken: bool = False

    def take(self, event: LoggedEvent) -> None:
        """Look at the next event."""
        if event.seq != self.next:
            self.found.wrong.append(Wrong(what=Tampering.REMOVED, first=self.next, last=event.seq - 1))
            self.is_broken = True
        self.next = event.seq + 1
        if event.pruned_by is not None:
            self.pruned[event.seq] = event.pruned_by
        elif leaf_of(event.row, tenant=self.tenant, seq=event.seq) != event.leaf:
            self.unfit.append(event)
        elif event.row.kind == "prune":
            self.prunes[event.seq] = pruned_places(event.row.body)
        if not self.is_broken:
            self._grow(event.leaf)

    def _grow(self, leaf: bytes) -> None:
        self.tree.add(leaf)
        self.leaves.append(leaf)
        if len(self.leaves) == _WIDTH:
            block = self.tree.size // _WIDTH - 1
            if self.unlike is None and block < len(self.blocks) and self.blocks[block] != root_of(self.leaves):
                self.unlike = block
            self.leaves.clear()
        while self.found.proven < len(self.heads) and self.heads[self.found.proven].size == self.tree.size:
            if self.heads[self.found.proven].root != self.tree.root():
                self._rewritten(self.heads[self.found.proven].size)
                return
            self.found.proven += 1

    def _rewritten(self, size: int) -> None:
        """Tell of the part between the last head that fits and this one, as narrowly as the stored blocks say."""
        self.is_broken = True
        before = self.heads[self.found.proven - 1].size if self.found.proven else 0
        first, last = before, size - 1
        if self.unlike is not None:
            first, last = max(first, self.unlike * _WIDTH), min(last, self.unlike * _WIDTH + _WIDTH - 1)
        if not any(first <= one.seq <= last for one in self.unfit):
            self.found.wrong.append(Wrong(what=Tampering.REWRITTEN, first=first, last=last))

    def end(self) -> None:
        """Say what the whole comes to."""
        self.found.size = self.next
        self.found.root = b"" if self.is_broken else self.tree.root()
        self.found.pruned = len(self.pruned)
        if not self.is_broken and self.unlike is not None:
            first = self.unlike * _WIDTH
            self.found.wrong.append(Wrong(what=Tampering.REWRITTEN, first=first, last=first + _WIDTH - 1))
        self.found.wrong += _unfit(self.unfit, self.tenant)
        for seq, by in self.pruned.items():
            if not any(first <= seq <= last for first, last in self.prunes.get(by, ())):
                self.found.wrong.append(Wrong(what=Tampering.REMOVED, first=seq, last=seq))
        largest = max((one.size for one in self.heads), default=0)
        if largest > self.next:
            self.found.wrong.append(Wrong(what=Tampering.CUT, first=self.next, last=largest - 1))


async def check_log(log: Log, verifiers: Sequence[Verifier], *, beside: Iterable[str] = ()) -> Checked:
    """Return what a whole log comes to, held against its own heads and those kept elsewhere, as notes."""
    found = Checked()
    heads = _trusted(log.tenant, await log.heads(), beside, verifiers=verifiers, found=found)
    first, _, _ = await log.closed()
    blocks = await log.hashes(Span(level=1, first=0, end=first))
    walk = _Walk(tenant=log.tenant, heads=heads, blocks=blocks, found=found)
    size = await log.size()
    for start in range(0, size, _AT_ONCE):
        for event in await log.events(start, start + _AT_ONCE):
            walk.take(event)
    walk.end()
    found.wrong.sort(key=lambda one: (one.first, one.last))
    return found


def _trusted(
    tenant: str, stored: Sequence[StoredHead], beside: Iterable[str], *, verifiers: Sequence[Verifier], found: Checked
) -> list[Head]:
    """Return the heads that are signed and say what their row says, smallest first; the others are told as wrong."""
    told = [(one.note, one.size, one.root) for one in stored]
    heads: dict[tuple[int, bytes], Head] = {}
    for note, size, root in [*told, *((one, None, None) for one in beside)]:
        found.heads += 1
        try:
            head = read_head(note, verifiers)
        except BadHead:
            found.wrong.append(Wrong(what=Tampering.HEAD, first=size or 0, last=size or 0))
            continue
        if head.tenant != tenant or (size is not None and (head.size, head.root) != (size, root)):
            found.wrong.append(Wrong(what=Tampering.HEAD, first=head.size, last=head.size))
            continue
        heads[head.size, head.root] = head
    return [heads[key] for key in sorted(heads)]


def _unfit(events: Sequence[LoggedEvent], tenant: str) -> list[Wrong]:
    """Return what was done to events that are not what their hashes stand for: swapped in pairs, or changed."""
    found: list[Wrong] = []
    left = {one.seq: one for one in events}
    for one in events[:_MOST_SWAPPED]:
        for other in events[:_MOST_SWAPPED]:
            if one.seq < other.seq and one.seq in left and other.seq in left and _are_swapped(one, other, tenant):
                found.append(Wrong(what=Tampering.SWAPPED, first=one.seq, last=other.seq))
                del left[one.seq], left[other.seq]
    return found + [Wrong(what=Tampering.CHANGED, first=seq, last=seq) for seq in left]


def _are_swapped(one: LoggedEvent, other: LoggedEvent, tenant: str) -> bool:
    """Say whether each is what the hash of the other stands for, with its hash or without."""
    hashes = {one.leaf, other.leaf}
    return {leaf_of(one.row, tenant=tenant, seq=other.seq), leaf_of(other.row, tenant=tenant, seq=one.seq)} == hashes
