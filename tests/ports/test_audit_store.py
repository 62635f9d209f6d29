"""A log gives out places without gaps at commit, keeps a hash for each event, and proves what stands in it."""

import asyncio
from dataclasses import replace

import pytest

from coordinator.audit import Filter
from coordinator.audit.head import read_head, signer_of
from coordinator.audit.leaf import leaf_of
from coordinator.audit.log import close_blocks, prove_consistency, prove_inclusion, root_at, seal
from coordinator.audit.tree import Span, is_consistent, is_included, root_of
from coordinator.errors import NotFound
from tests.ports.rows import NOON, a_decision, an_event, later

SIGNER = signer_of("key-1", bytes(32))


async def put(store, *events):
    async with store.transaction() as tx:
        await tx.audit.append(events)


async def fail(store):
    async with store.transaction() as tx:
        await tx.audit.append([an_event()])
        await tx.accounts.add_decision("nobody", a_decision())


async def test_places_have_no_gaps_though_transactions_fail(store):
    await put(store, an_event(), an_event("refusal"))
    with pytest.raises(NotFound):
        await fail(store)
    await put(store, an_event("access"))
    async with store.transaction() as tx:
        assert await tx.audit.size() == 3
        found = await tx.audit.events(0, 10)
    assert [(one.seq, one.row.kind, one.pruned_by) for one in found] == [
        (0, "disclosure", None),
        (1, "refusal", None),
        (2, "access", None),
    ]


async def test_places_are_given_to_one_transaction_at_a_time(store):
    await asyncio.gather(*(put(store, an_event(person=f"p{n}"), an_event(person=f"p{n}")) for n in range(8)))
    async with store.transaction() as tx:
        found = await tx.audit.events(0, 100)
    assert [one.seq for one in found] == list(range(16))
    assert [one.row.person for one in found[::2]] == [one.row.person for one in found[1::2]]


async def test_the_log_of_one_tenant_is_not_that_of_another(stores):
    one, other = await stores.open(), await stores.open("another-tenant")
    await put(one, an_event())
    async with other.transaction() as tx:
        before = await tx.audit.size()
    await put(other, an_event())
    async with other.transaction() as tx:
        assert [event.seq for event in await tx.audit.events(before, before + 10)] == [before]


async def test_each_event_has_the_hash_of_its_columns_and_bytes_in_its_place(store):
    events = [an_event(), replace(an_event(), ehr=None, person=None, consent="C-1", body=b'{"a":"\xc3\xa9"}')]
    await put(store, *events)
    async with store.transaction() as tx:
        tenant, found = tx.audit.tenant, await tx.audit.events(0, 2)
        hashes = await tx.audit.hashes(Span(level=0, first=0, end=2))
    assert [one.leaf for one in found] == hashes
    assert hashes == [leaf_of(row, tenant=tenant, seq=seq) for seq, row in enumerate(events)]


async def test_a_transaction_sees_its_own_events_before_they_have_a_place(store):
    await put(store, an_event(at=later(days=1)))
    async with store.transaction() as tx:
        await tx.audit.append([an_event(), an_event("refusal"), an_event(person="other")])
        assert [one.at for one in await tx.audit.query("disclosure", person="anyone")] == [later(days=1), NOON]
        assert len(await tx.audit.query("disclosure", since=NOON)) == 3
        assert len(await tx.audit.query("disclosure", since=later(days=1))) == 1
        assert await tx.audit.size() == 1


async def test_whole_blocks_are_closed_once_and_roots_and_proofs_stand_on_them(store):
    sizes = (200, 400, 100)
    for count in sizes:
        await put(store, *[an_event(person=str(n)) for n in range(count)])
        async with store.transaction() as tx:
            await close_blocks(tx.audit)
    async with store.transaction() as tx:
        assert await close_blocks(tx.audit) == 700
        assert await tx.audit.closed() == (2, 0, 0)
        leaves = await tx.audit.hashes(Span(level=0, first=0, end=700))
        assert await tx.audit.hashes(Span(level=1, first=0, end=5)) == [root_of(leaves[:256]), root_of(leaves[256:512])]
        root = await root_at(tx.audit, 700)
        assert root == root_of(leaves)
        proof = await prove_inclusion(tx.audit, 300, 700)
        assert is_included(leaves[300], 300, 700, proof=proof, root=root)
        old = (600, await root_at(tx.audit, 600))
        assert is_consistent(old, (700, root), proof=await prove_consistency(tx.audit, 600, 700))


async def test_blocks_that_are_kept_already_stay(store):
    span = Span(level=1, first=0, end=1)
    async with store.transaction() as tx:
        await tx.audit.close(span, [b"a" * 32])
        await tx.audit.close(span, [b"b" * 32])
    async with store.transaction() as tx:
        assert await tx.audit.hashes(span) == [b"a" * 32]


async def test_a_head_is_signed_when_something_has_come_since_the_last_one(store):
    async with store.transaction() as tx:
        assert await seal(tx.audit, [SIGNER], now=NOON) is None
        assert await tx.audit.last_head() is None
    await put(store, an_event())
    async with store.transaction() as tx:
        first = await seal(tx.audit, [SIGNER], now=NOON)
        assert await seal(tx.audit, [SIGNER], now=later(days=1)) is None
    await put(store, an_event(), an_event())
    async with store.transaction() as tx:
        second = await seal(tx.audit, [SIGNER], now=later(days=1))
    async with store.transaction() as tx:
        assert await tx.audit.heads() == [first, second]
        assert await tx.audit.last_head() == second
        head = read_head(second.note, [SIGNER.verifier])
        assert (head.tenant, head.size, head.root, head.at) == (tx.audit.tenant, 3, second.root, later(days=1))
        assert head.root == await root_at(tx.audit, 3)


async def test_a_head_that_is_kept_stays(store):
    await put(store, an_event())
    async with store.transaction() as tx:
        kept = await seal(tx.audit, [SIGNER], now=NOON)
        await tx.audit.put_head(replace(kept, note="another"))
    async with store.transaction() as tx:
        assert await tx.audit.heads() == [kept]


# ---- questions -------------------------------------------------------------------------------------------------------


def an_asked(kind="disclosure", *, seq, **parts):
    return replace(an_event(kind, at=later(days=seq // 2)), **parts)


EVENTS = [
    an_asked(seq=0, person="p1", actor="ann", ehr="north", consent="C-1,C-2"),
    an_asked("access", seq=1, person="p1", actor="bob", ehr=None),
    an_asked("revocation", seq=2, person="p1", actor="ann", ehr=None, consent="C-2"),
    an_asked(seq=4, person="p1", actor="ann", ehr="south", consent="C-1,C-2"),
    an_asked(seq=5, person="p2", actor="ann", ehr="south", consent="C-2"),
    an_asked(seq=6, person="p1", actor="bob", ehr="south", consent="C-1"),
    an_asked("access", seq=0, person="p2", actor="bob", ehr=None),
]


async def asked(store, **words):
    async with store.transaction() as tx:
        return [one.seq for one in await tx.audit.page(Filter(**words))]


@pytest.mark.parametrize(
    ("words", "places"),
    [
        ({}, [0, 1, 6, 2, 3, 4, 5]),
        ({"kinds": ("disclosure",)}, [0, 3, 4, 5]),
        ({"kinds": ("access", "revocation")}, [1, 6, 2]),
        ({"kinds": ("login",)}, []),
        ({"person": "p1"}, [0, 1, 2, 3, 5]),
        ({"person": "p1", "kinds": ("disclosure", "access")}, [0, 1, 3, 5]),
        ({"actor": "bob"}, [1, 6, 5]),
        ({"ehr": "south"}, [3, 4, 5]),
        ({"since": later(days=2)}, [3, 4, 5]),
        ({"until": later(days=1)}, [0, 1, 6]),
        ({"since": later(days=1), "until": later(days=2), "kinds": ("revocation",)}, [2]),
        ({"limit": 2}, [0, 1]),
        ({"limit": 2, "after": 1}, [6, 2]),
        ({"limit": 2, "after": 2, "kinds": ("disclosure", "access")}, [3, 4]),
        ({"after": 5}, []),
        ({"kinds": ("disclosure",), "is_after_revocation": True}, [3]),
        ({"kinds": ("disclosure",), "is_after_revocation": True, "person": "p2"}, []),
        ({"kinds": ("disclosure",), "is_after_revocation": True, "after": 3}, []),
        ({"kinds": ("disclosure",), "is_after_revocation": True, "limit": 1, "ehr": "south"}, [3]),
    ],
    ids=str,
)
async def test_the_log_answers_in_order_of_time_page_by_page(store, words, places):
    await put(store, *EVENTS)
    assert await asked(store, **words) == places


async def test_a_disclosure_after_two_revocations_is_told_once(store):
    await put(store, *EVENTS, an_asked("revocation", seq=3, person="p1", consent="C-1"))
    assert await asked(store, kinds=("disclosure",), is_after_revocation=True) == [3, 5]


# ---- retention -------------------------------------------------------------------------------------------------------

OLD = later(days=-3000)


async def test_what_is_old_and_not_held_is_pruned_and_its_hash_stays(store):
    ago = [replace(an_event(person=one), at=OLD, consent="C-1") for one in ("p1", "p2", "p1")]
    await put(store, *ago, replace(an_event("hold"), at=OLD), replace(an_event(), at=OLD, person=None), an_event())
    async with store.transaction() as tx:
        before = await tx.audit.hashes(Span(level=0, first=0, end=6))
        assert await tx.audit.prunable(later(days=-2900), held=["p2"]) == [0, 2, 4]
        assert await tx.audit.prunable(later(days=-2900), held=[]) == [0, 1, 2, 4]
        await tx.audit.append([replace(an_event("prune"), at=NOON)])
    async with store.transaction() as tx:
        assert await tx.audit.prune(6, [(0, 0), (2, 4)]) == 3
        assert await tx.audit.prune(6, [(0, 0)]) == 0
    async with store.transaction() as tx:
        found = await tx.audit.events(0, 7)
        assert [one.seq for one in found if one.pruned_by == 6] == [0, 2, 4]
        gone = found[0].row
        assert (gone.kind, gone.at, gone.body, gone.actor, gone.subject) == ("disclosure", OLD, b"", "", "")
        assert (gone.person, gone.ehr, gone.consent, gone.purpose) == (None, None, None, None)
        assert found[1].row == ago[1]
        assert await tx.audit.hashes(Span(level=0, first=0, end=6)) == before
        assert await tx.audit.prunable(later(days=-2900), held=[]) == [1]
