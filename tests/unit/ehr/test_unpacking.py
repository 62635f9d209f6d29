"""A body is unpacked within bounds, whatever it claims to be."""

import gzip
import zlib
from collections.abc import AsyncIterator

import pytest

from coordinator.ehr.unpack import Bounds, unpacked

BOUNDS = Bounds(wire_bytes=2_000, body_bytes=10_000)
TEXT = b'{"resourceType":"Bundle"}' * 40
PACKED = gzip.compress(TEXT)


async def parts(*those: bytes) -> AsyncIterator[bytes]:
    for one in those:
        yield one


async def unpack(*those, encoding="gzip", bounds=BOUNDS):
    return await unpacked(parts(*those), encoding, bounds)


def bytewise(raw: bytes) -> list[bytes]:
    return [raw[index : index + 1] for index in range(len(raw))]


WHOLE = {
    "plain": ([TEXT], ""),
    "named plain": ([TEXT[:9], TEXT[9:]], "Identity"),
    "packed": ([PACKED], "gzip"),
    "packed, old name": ([PACKED], " X-GZIP "),
    "packed, byte by byte": (bytewise(PACKED), "gzip"),
    "two members": ([gzip.compress(TEXT[:10]) + gzip.compress(TEXT[10:])], "gzip"),
    "two members, byte by byte": (bytewise(gzip.compress(TEXT[:10]) + gzip.compress(TEXT[10:])), "gzip"),
}


@pytest.mark.parametrize(("those", "encoding"), WHOLE.values(), ids=WHOLE.keys())
async def test_a_body_comes_out_whole(those, encoding):
    assert await unpack(*those, encoding=encoding) == (TEXT, "")


@pytest.mark.parametrize("encoding", ["", "gzip"])
async def test_no_body_is_a_body(encoding):
    assert await unpack(encoding=encoding) == (b"", "")
    assert await unpack(b"", encoding=encoding) == (b"", "")


FAULTS = {
    "broken off": ([PACKED[:-3]], "gzip", "broken off"),
    "not packed at all": ([TEXT], "gzip", "not in the encoding that it claims"),
    "garbage behind": ([PACKED, b"garbage"], "gzip", "not in the encoding that it claims"),
    "deflate": ([zlib.compress(TEXT)], "deflate", "in an encoding that we did not ask for"),
    "packed twice": ([gzip.compress(PACKED)], "gzip, gzip", "in an encoding that we did not ask for"),
    "too large on the wire": ([b"x" * 1_000] * 3, "", "too large"),
}


@pytest.mark.parametrize(("those", "encoding", "fault"), FAULTS.values(), ids=FAULTS.keys())
async def test_what_is_wrong_is_said_and_nothing_of_it_is_used(those, encoding, fault):
    assert await unpack(*those, encoding=encoding) == (b"", fault)


@pytest.mark.parametrize(("size", "fault"), [(10_000, ""), (10_001, "too large")])
async def test_the_bound_is_kept_to_the_byte(size, fault):
    body, told = await unpack(gzip.compress(b"x" * size))
    assert (len(body), told) == (0 if fault else size, fault)
    body, told = await unpack(b"x" * size, encoding="", bounds=Bounds(wire_bytes=20_000, body_bytes=10_000))
    assert (len(body), told) == (0 if fault else size, fault)


async def test_a_bomb_is_never_unfolded():
    """Ten kilobytes on the wire hold ten megabytes: memory must not see them."""
    bomb = gzip.compress(b"\0" * 10_000_000)
    assert len(bomb) < 12_000
    import tracemalloc  # noqa: PLC0415 - costly, and for this test alone

    tracemalloc.start()
    try:
        told = await unpack(bomb, bounds=Bounds(wire_bytes=20_000, body_bytes=100_000))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert told == (b"", "too large")
    assert most < 1_000_000
