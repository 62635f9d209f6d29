"""Laws of the tree: whatever stands in it is proven, and whatever was done to it afterwards is found."""

from hypothesis import assume, given
from hypothesis import strategies as st

from coordinator.audit.tree import (
    Range,
    consistency_ranges,
    hash_of_spans,
    inclusion_ranges,
    is_consistent,
    is_included,
    leaf_hash,
    root_of,
    spans_of,
)

SIZES = st.integers(1, 600)


def leaves_of(size, salt=0):
    return [leaf_hash(f"{salt}:{place}".encode()) for place in range(size)]


def hashes(leaves, ranges):
    return [root_of(leaves[one.start : one.end]) for one in ranges]


def by_definition(leaves):
    """Return the root as RFC 9162 2.1.1 defines it, by recursion and nothing else."""
    from coordinator.audit.tree import EMPTY, node_hash  # noqa: PLC0415 - the definition needs no more of it

    if len(leaves) < 2:
        return leaves[0] if leaves else EMPTY
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return node_hash(by_definition(leaves[:half]), by_definition(leaves[half:]))


@given(size=st.integers(0, 600))
def test_a_root_grown_leaf_by_leaf_is_the_root_of_the_definition(size):
    leaves = leaves_of(size)
    assert root_of(leaves) == by_definition(leaves)


@given(size=SIZES, data=st.data())
def test_every_leaf_is_proven(size, data):
    leaves, index = leaves_of(size), data.draw(st.integers(0, size - 1))
    proof = hashes(leaves, inclusion_ranges(index, size))
    assert is_included(leaves[index], index, size, proof=proof, root=root_of(leaves))


@given(size=SIZES, data=st.data())
def test_no_other_leaf_place_or_root_is_proven_by_the_same_proof(size, data):
    leaves, index = leaves_of(size), data.draw(st.integers(0, size - 1))
    proof, root = hashes(leaves, inclusion_ranges(index, size)), root_of(leaves)
    assert not is_included(leaf_hash(b"another"), index, size, proof=proof, root=root)
    assert not is_included(leaves[index], index, size, proof=proof, root=leaf_hash(b"another"))
    other = data.draw(st.integers(0, size - 1))
    assume(other != index)
    assert not is_included(leaves[index], other, size, proof=proof, root=root)


@given(size=SIZES, data=st.data())
def test_every_beginning_is_proven(size, data):
    old = data.draw(st.integers(1, size))
    leaves = leaves_of(size)
    proof = hashes(leaves, consistency_ranges(old, size))
    assert is_consistent((old, root_of(leaves[:old])), (size, root_of(leaves)), proof=proof)


CHANGES = {
    "a byte changed": lambda leaves, at, other: [*leaves[:at], leaf_hash(leaves[at]), *leaves[at + 1 :]],
    "one removed": lambda leaves, at, other: leaves[:at] + leaves[at + 1 :] + [leaf_hash(b"new")],
    "two swapped": lambda leaves, at, other: [
        leaves[other] if place == at else leaves[at] if place == other else one for place, one in enumerate(leaves)
    ],
    "all computed anew": lambda leaves, at, other: leaves_of(len(leaves), salt=1),
}


@given(size=st.integers(2, 600), change=st.sampled_from(sorted(CHANGES)), data=st.data())
def test_no_log_that_was_changed_before_a_head_is_consistent_with_it(size, change, data):
    old = data.draw(st.integers(2, size))
    at, other = data.draw(st.permutations(range(min(old, 40))).map(lambda some: some[:2]))
    leaves = leaves_of(size)
    changed = CHANGES[change](leaves, at, other)
    assume(changed[:old] != leaves[:old])
    head, now = (old, root_of(leaves[:old])), (size, root_of(changed))
    assert not is_consistent(head, now, proof=hashes(changed, consistency_ranges(old, size)))


@given(size=st.integers(2, 600), data=st.data())
def test_a_log_whose_tail_was_cut_is_not_the_log_of_its_head(size, data):
    kept = data.draw(st.integers(1, size - 1))
    leaves = leaves_of(size)
    assert not is_consistent((size, root_of(leaves)), (kept, root_of(leaves[:kept])), proof=[])
    assert root_of(leaves[:kept]) != root_of(leaves)


@given(size=st.integers(1, 70_000), data=st.data())
def test_a_subtree_from_stored_blocks_is_the_one_from_its_leaves(size, data):
    leaves = [place.to_bytes(32) for place in range(size)]
    roots = {0: leaves}
    for level in (1, 2):
        below = roots[level - 1]
        roots[level] = [root_of(below[at : at + 256]) for at in range(0, len(below) - 255, 256)]
    index = data.draw(st.integers(0, size - 1))
    for one in [*inclusion_ranges(index, size)[-3:], Range(start=0, end=size)]:
        spans = spans_of(one)
        assert sum(span.end - span.first for span in spans) < 1024
        held = [roots[span.level][span.first : span.end] for span in spans]
        assert hash_of_spans(spans, held) == root_of(leaves[one.start : one.end])
