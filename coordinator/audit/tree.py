"""The Merkle tree of RFC 9162 over the events of a log: its root, and proofs that anybody can check.

    leaf = SHA-256(0x00 || entry)        node = SHA-256(0x01 || left || right)

Trees are built over what is stored: the hash of each leaf, and of each whole block of 256, 65,536 and 16,777,216
leaves. A range of leaves is then a few hundred stored hashes at most, however large the log is, and nothing that was
stored ever changes.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

BLOCK_BITS = 8
LEVELS = (3, 2, 1, 0)  # a block of level n holds 256 to the power of n leaves
EMPTY = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node over two others."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Blocks of one level that stand side by side: from `first` on, before `end`."""

    level: int
    first: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Leaves from `start` on, before `end`, that are a subtree of some tree."""

    start: int
    end: int


class Growing:
    """A tree that grows at its right edge; it keeps the roots of its perfect subtrees alone."""

    def __init__(self) -> None:
        self._peaks: list[tuple[int, bytes]] = []

    @property
    def size(self) -> int:
        """Return how many leaves there are."""
        return sum(size for size, _ in self._peaks)

    def add(self, hash_: bytes, *, leaves: int = 1) -> None:
        """Add a leaf, or the root of a perfect subtree of so many leaves."""
        while self._peaks and self._peaks[-1][0] == leaves:
            _, left = self._peaks.pop()
            hash_, leaves = node_hash(left, hash_), leaves * 2
        self._peaks.append((leaves, hash_))

    def root(self) -> bytes:
        """Return the root of the tree."""
        if not self._peaks:
            return EMPTY
        *others, (_, root) = self._peaks
        for _, left in reversed(others):
            root = node_hash(left, root)
        return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root of the tree over these leaves, which are hashes already."""
    tree = Growing()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()


# ---- from stored blocks ----------------------------------------------------------------------------------------------


def spans_of(of: Range) -> list[Span]:
    """Return the stored blocks that make up a range, in the order of their leaves.

    A subtree begins at a multiple of every power of two that fits in it, so that its largest blocks come first.
    """
    found: list[Span] = []
    at = of.start
    for level in LEVELS:
        bits = BLOCK_BITS * level
        count = (of.end - at) >> bits
        if count:
            found.append(Span(level=level, first=at >> bits, end=(at >> bits) + count))
            at += count << bits
    return found


def hash_of_spans(spans: Sequence[Span], hashes: Sequence[Sequence[bytes]]) -> bytes:
    """Return the root of a range from the hashes of its blocks, a list for each span."""
    tree = Growing()
    for span, held in zip(spans, hashes, strict=True):
        for one in held:
            tree.add(one, leaves=1 << (BLOCK_BITS * span.level))
    return tree.root()


def blocks_to_close(size: int, closed: Sequence[int]) -> list[Span]:
    """Return the blocks above the leaves that are whole in a log of this size and not stored; `closed` counts those.

    `closed[n]` is how many blocks of level n + 1 are stored. Lower levels come first, as the higher stand on them.
    """
    found = []
    for level, have in enumerate(closed, 1):
        want = size >> (BLOCK_BITS * level)
        if want > have:
            found.append(Span(level=level, first=have, end=want))
    return found


# ---- proofs ----------------------------------------------------------------------------------------------------------


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """Return the subtrees whose roots prove that a leaf is in the tree of a size (RFC 9162, 2.1.3.1), lowest first.

    Raises ValueError where there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError("there is no such leaf")
    found: list[Range] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            found.append(Range(start=middle, end=end))
            end = middle
        else:
            found.append(Range(start=start, end=middle))
            start = middle
    return found[::-1]


def consistency_ranges(old: int, new: int) -> list[Range]:
    """Return the subtrees whose roots prove that a tree is the beginning of another (RFC 9162, 2.1.4.1), lowest first.

    Raises ValueError where the old one is empty or larger.
    """
    if not 0 < old <= new:
        raise ValueError("there is no such beginning")
    found: list[Range] = []
    start, end = 0, new
    is_whole = True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            found.append(Range(start=middle, end=end))
            end = middle
        else:
            found.append(Range(start=start, end=middle))
            start, is_whole = middle, False
    if not is_whole:
        found.append(Range(start=start, end=end))
    return found[::-1]


def is_included(leaf: bytes, index: int, size: int, *, proof: Sequence[bytes], root: bytes) -> bool:
    """Say whether a proof shows that a leaf is in the tree with this root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for one in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(one, found)
            place, last = _risen(place, last)
        else:
            found = node_hash(found, one)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def is_consistent(old: tuple[int, bytes], new: tuple[int, bytes], *, proof: Sequence[bytes]) -> bool:
    """Say whether a proof shows that one tree, (size, root), is the beginning of another (RFC 9162, 2.1.4.2)."""
    (old_size, old_root), (new_size, new_root) = old, new
    if old_size == new_size:
        return not proof and old_root == new_root
    if not 0 < old_size < new_size or not proof:
        return False
    hashes = list(proof) if old_size & (old_size - 1) else [old_root, *proof]
    place, last = old_size - 1, new_size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = hashes[0]
    for one in hashes[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            before, after = node_hash(one, before), node_hash(one, after)
            place, last = _risen(place, last)
        else:
            after = node_hash(after, one)
        place, last = place >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root


def _risen(place: int, last: int) -> tuple[int, int]:
    """Return where a left neighbor was joined: above the levels at which a node at the edge has none."""
    while not place & 1 and place:
        place, last = place >> 1, last >> 1
    return place, last


def _split(count: int) -> int:
    """Return the largest power of two that is smaller than a count."""
    return 1 << ((count - 1).bit_length() - 1)
