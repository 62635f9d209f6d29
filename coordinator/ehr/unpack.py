"""A body unpacked within bounds: what is small on the wire may be huge in memory."""

import zlib
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from coordinator.ehr.exchange import BROKEN_OFF, MISPACKED, UNASKED

TOO_LARGE = "too large"
_LARGEST_PIECE = 256 << 20  # what one part from the wire may unpack to
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How many bytes a body may have on the wire and after decompression."""

    wire_bytes: int
    body_bytes: int


class _Reader(Protocol):
    """Takes the parts of a body; returns what they hold, at most so many bytes."""

    def take(self, part: bytes, most: int) -> list[bytes]: ...

    @property
    def is_whole(self) -> bool: ...


async def unpacked(parts: AsyncIterable[bytes], encoding: str, bounds: Bounds) -> tuple[bytes, str]:
    """Return the body, or what is wrong with it: too large, broken off, not in the encoding that it claims.

    Only gzip is unpacked, once, and a step at a time: encodings heaped upon each other multiply, and we asked for none.
    """
    reader = _reader(encoding)
    if reader is None:
        return b"", UNASKED
    held: list[bytes] = []
    on_wire = size = 0
    try:
        async for part in parts:
            on_wire += len(part)
            taken = reader.take(part, bounds.body_bytes - size + 1)
            size += sum(map(len, taken))
            if on_wire > bounds.wire_bytes or size > bounds.body_bytes:
                return b"", TOO_LARGE
            held += taken
    except zlib.error:
        return b"", MISPACKED
    return (b"".join(held), "") if reader.is_whole else (b"", BROKEN_OFF)


class BadEncoding(Exception):
    """A body is not in the encoding that it claims, in one that we did not ask for, or broken off."""


async def unpacked_parts(parts: AsyncIterable[bytes], encoding: str) -> AsyncIterator[bytes]:
    """Yield a body part by part, each at most so much larger than it came. Raises BadEncoding."""
    reader = _reader(encoding)
    if reader is None:
        raise BadEncoding
    async for part in parts:
        yield _unpacked_part(reader, part)
    if not reader.is_whole:
        raise BadEncoding


def _unpacked_part(reader: _Reader, part: bytes) -> bytes:
    try:
        piece = b"".join(reader.take(part, _LARGEST_PIECE + 1))
    except zlib.error as problem:
        raise BadEncoding from problem
    if len(piece) > _LARGEST_PIECE:
        raise BadEncoding
    return piece


def _reader(encoding: str) -> _Reader | None:
    match encoding.strip().lower():
        case "" | "identity":
            return _Plain()
        case "gzip" | "x-gzip":
            return _Gzip()
        case _:
            return None


class _Plain:
    """A body as it is."""

    is_whole = True

    def take(self, part: bytes, most: int) -> list[bytes]:
        """Return the part, as far as it may be kept."""
        return [part[:most]]


class _Gzip:
    """A body packed with gzip, in one member or several (RFC 1952, 2.2)."""

    def __init__(self) -> None:
        self._zip = zlib.decompressobj(_GZIP)
        self._is_begun = False

    @property
    def is_whole(self) -> bool:
        """Say whether the last member came to its end; a body of no bytes is whole, too."""
        return self._zip.eof or not self._is_begun

    def take(self, part: bytes, most: int) -> list[bytes]:
        """Return what a part unpacks to, and no more than `most` bytes of it."""
        held: list[bytes] = []
        while part and most > 0:
            self._is_begun = True
            if self._zip.eof:
                self._zip = zlib.decompressobj(_GZIP)
            piece = self._zip.decompress(part, most)
            most -= len(piece)
            held.append(piece)
            part = self._zip.unused_data if self._zip.eof else self._zip.unconsumed_tail
        return held
