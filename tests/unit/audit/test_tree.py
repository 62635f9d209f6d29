"""The tree against the published test vectors of RFC 6962 (whose tree RFC 9162 keeps), and its edges."""

import pytest

from coordinator.audit.tree import (
    EMPTY,
    Growing,
    Range,
    Span,
    blocks_to_close,
    consistency_ranges,
    inclusion_ranges,
    is_consistent,
    is_included,
    leaf_hash,
    node_hash,
    root_of,
    spans_of,
)

# The leaves and roots of the reference tests of Certificate Transparency (google/certificate-transparency, merkletree).
ENTRIES = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
LEAVES = [leaf_hash(bytes.fromhex(one)) for one in ENTRIES]
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
OF_ONE_IN_EIGHT = [
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
]


def hashes(ranges):
    return [root_of(LEAVES[one.start : one.end]) for one in ranges]


@pytest.mark.parametrize("size", range(1, 9))
def test_the_root_is_the_published_one(size):
    assert root_of(LEAVES[:size]).hex() == ROOTS[size - 1]


def test_the_root_of_nothing_is_the_hash_of_nothing():
    assert root_of([]) == EMPTY
    assert EMPTY.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert Growing().size == 0


def test_a_leaf_is_no_node():
    assert leaf_hash(LEAVES[0] + LEAVES[1]) != node_hash(LEAVES[0], LEAVES[1])


def test_the_proof_that_the_first_of_eight_is_there_is_the_published_one():
    assert [one.hex() for one in hashes(inclusion_ranges(0, 8))] == OF_ONE_IN_EIGHT


def test_the_proof_that_one_is_the_beginning_of_eight_is_the_published_one():
    assert [one.hex() for one in hashes(consistency_ranges(1, 8))] == OF_ONE_IN_EIGHT


def test_the_example_of_the_standard_is_proven_by_the_nodes_that_it_names():
    """RFC 9162, 2.1.5: seven leaves, d0 by b h l, d3 by c g l, d4 by f j k, d6 by i k; trees of 3, 4, 6 of 7."""
    shape = [[(one.start, one.end) for one in inclusion_ranges(index, 7)] for index in (0, 3, 4, 6)]
    assert shape == [
        [(1, 2), (2, 4), (4, 7)],
        [(2, 3), (0, 2), (4, 7)],
        [(5, 6), (6, 7), (0, 4)],
        [(4, 6), (0, 4)],
    ]
    before = [[(one.start, one.end) for one in consistency_ranges(old, 7)] for old in (3, 4, 6)]
    assert before == [[(2, 3), (3, 4), (0, 2), (4, 7)], [(4, 7)], [(4, 6), (6, 7), (0, 4)]]


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_no_proof_is_made_or_taken_for_a_leaf_that_is_not_there(index, size):
    with pytest.raises(ValueError, match="no such leaf"):
        inclusion_ranges(index, size)
    assert not is_included(LEAVES[0], index, size, proof=[], root=root_of(LEAVES[:1]))


@pytest.mark.parametrize(("old", "new"), [(0, 3), (4, 3)])
def test_no_proof_is_made_for_a_tree_that_is_no_beginning(old, new):
    with pytest.raises(ValueError, match="no such beginning"):
        consistency_ranges(old, new)
    assert not is_consistent((old, EMPTY), (new, root_of(LEAVES[:3])), proof=[LEAVES[0]])


def test_a_tree_is_the_beginning_of_itself_without_any_proof():
    one = (3, root_of(LEAVES[:3]))
    assert is_consistent(one, one, proof=[])
    assert not is_consistent(one, one, proof=[LEAVES[0]])
    assert not is_consistent(one, (3, root_of(LEAVES[:4])), proof=[])


def test_a_larger_tree_needs_a_proof():
    assert not is_consistent((4, root_of(LEAVES[:4])), (8, root_of(LEAVES)), proof=[])


@pytest.mark.parametrize("change", [lambda proof: proof[:-1], lambda proof: [*proof, LEAVES[0]]], ids=["less", "more"])
def test_a_proof_of_another_length_proves_nothing(change):
    root = root_of(LEAVES)
    assert not is_included(LEAVES[2], 2, 8, proof=change(hashes(inclusion_ranges(2, 8))), root=root)
    old = (3, root_of(LEAVES[:3]))
    assert not is_consistent(old, (8, root), proof=change(hashes(consistency_ranges(3, 8))))


def test_a_range_is_made_of_the_largest_blocks_that_are_stored():
    assert spans_of(Range(start=0, end=0)) == []
    assert spans_of(Range(start=256, end=300)) == [Span(level=0, first=256, end=300)]
    assert spans_of(Range(start=0, end=(1 << 24) + (3 << 16) + 256 + 5)) == [
        Span(level=3, first=0, end=1),
        Span(level=2, first=256, end=259),
        Span(level=1, first=256 * 259, end=256 * 259 + 1),
        Span(level=0, first=(1 << 24) + (3 << 16) + 256, end=(1 << 24) + (3 << 16) + 256 + 5),
    ]


def test_blocks_are_closed_once_they_are_whole_lower_ones_first():
    assert blocks_to_close(255, (0, 0, 0)) == []
    assert blocks_to_close(256, (0, 0, 0)) == [Span(level=1, first=0, end=1)]
    assert blocks_to_close(700, (2, 0, 0)) == []
    assert blocks_to_close(65_536 + 256, (255, 0, 0)) == [
        Span(level=1, first=255, end=257),
        Span(level=2, first=0, end=1),
    ]
