"""Somebody with all rights over the database changes the log: each way of doing so is found, named, and placed."""

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from coordinator.audit import (
    Happening,
    Tampering,
    Wrong,
    audit_row,
    bundle,
    check_log,
    seal,
    signer_of,
)
from coordinator.audit import offline_verifier as verifier
from coordinator.errors import StoreError
from coordinator.store import open_store
from tests.ports.rows import NOON, an_event, later
from tests.unit.audit.tampered_bundle import (
    STRANGER,
    changed_with_its_hash,
    claimed,
    doubled,
    lines,
    proofs_of,
    removed,
    resigned,
    swapped,
    with_a_head_of_one_more,
)

SIGNER = signer_of("log", bytes(range(32)))
SIZE = 700

LEAF = "audit_leaf(tenant, seq, kind, at, actor, person, ehr, consent, purpose, outcome, subject, body)"
ANEW = f"update audit set leaf = {LEAF} where tenant = %(t)s"  # noqa: S608 - our words; whoever changes events also makes their hashes fit
SWAP = """
update audit a set {columns} from audit b
 where a.tenant = %(t)s and b.tenant = %(t)s and (a.seq, b.seq) in ((10, 300), (300, 10))
"""
COLUMNS = ("kind", "at", "actor", "person", "ehr", "consent", "purpose", "outcome", "subject", "body")


def swap(*columns):
    return SWAP.format(columns=", ".join(f"{one} = b.{one}" for one in columns))


@pytest.fixture
async def log(postgres_store):
    """Fill a log of 700 events with heads at 300 and 700; return its notes."""
    notes = []
    for first, end in ((0, 300), (300, SIZE)):
        async with postgres_store.transaction() as tx:
            events = [audit_row(a_look(n)) for n in range(first, end)]
            await tx.audit.append(events)
        async with postgres_store.transaction() as tx:
            notes.append((await seal(tx.audit, [SIGNER], now=later(days=first))).note)
    return notes


def a_look(n):
    return Happening(kind="access", at=later(days=n), actor=f"a{n % 3}", subject="account", person=f"p{n % 7}")


async def checked(store, *, beside=(), signer=SIGNER):
    async with store.transaction() as tx:
        return await check_log(tx.audit, [signer.verifier], beside=beside)


async def test_a_log_that_nobody_touched_is_whole(postgres_store, log):
    found = await checked(postgres_store, beside=log)
    assert (found.wrong, found.size, found.heads, found.proven) == ([], SIZE, 4, 2)


CASES = {
    "a column changed": (["update audit set actor = 'nobody' where tenant = %(t)s and seq = 5"], [("CHANGED", 5, 5)]),
    "a byte changed": (
        ["update audit set body = set_byte(body, 9, 65) where tenant = %(t)s and seq = 699"],
        [("CHANGED", 699, 699)],
    ),
    "a hash changed": (["update audit set leaf = sha256('') where tenant = %(t)s and seq = 5"], [("CHANGED", 5, 5)]),
    "a row removed": (["delete from audit where tenant = %(t)s and seq = 5"], [("REMOVED", 5, 5)]),
    "the first row removed": (["delete from audit where tenant = %(t)s and seq = 0"], [("REMOVED", 0, 0)]),
    "rows removed": (
        ["delete from audit where tenant = %(t)s and (seq between 5 and 7 or seq = 600)"],
        [("REMOVED", 5, 7), ("REMOVED", 600, 600)],
    ),
    "two swapped": ([swap(*COLUMNS)], [("SWAPPED", 10, 300)]),
    "two swapped with their hashes": ([swap(*COLUMNS, "leaf")], [("SWAPPED", 10, 300)]),
    "two swapped and their hashes computed": ([swap(*COLUMNS), ANEW], [("REWRITTEN", 0, 255)]),
    "the tail cut": (["delete from audit where tenant = %(t)s and seq >= 650"], [("CUT", 650, 699)]),
    "all cut": (["delete from audit where tenant = %(t)s"], [("CUT", 0, 699)]),
    "one changed and its hash computed": (
        ["update audit set actor = 'nobody' where tenant = %(t)s and seq = 600", ANEW],
        [("REWRITTEN", 300, 699)],
    ),
    "one changed in a whole block": (
        ["update audit set actor = 'nobody' where tenant = %(t)s and seq = 400", ANEW],
        [("REWRITTEN", 300, 511)],
    ),
    "one changed, hashes and blocks computed": (
        [
            "update audit set actor = 'nobody' where tenant = %(t)s and seq = 5",
            ANEW,
            "delete from audit_block where tenant = %(t)s",
        ],
        [("REWRITTEN", 0, 299)],
    ),
    "a row removed and all behind it moved up": (
        [
            "delete from audit where tenant = %(t)s and seq = 5",
            "update audit set seq = -seq where tenant = %(t)s and seq > 5",
            "update audit set seq = -seq - 1 where tenant = %(t)s and seq < 0",
            ANEW,
        ],
        [("REWRITTEN", 0, 255), ("CUT", 699, 699)],
    ),
    "a body taken as if pruned": (
        ["update audit set body = '', pruned_by = 699 where tenant = %(t)s and seq = 5"],
        [("REMOVED", 5, 5)],
    ),
    "a block changed": (
        ["update audit_block set hash = sha256('') where tenant = %(t)s and place = 1"],
        [("REWRITTEN", 256, 511)],
    ),
    "a head changed": (
        ["update audit_head set note = replace(note, 'time', 'date') where tenant = %(t)s and size = 300"],
        [("HEAD", 300, 300)],
    ),
    "a head said to be of another size": (
        ["update audit_head set size = 299 where tenant = %(t)s and size = 300"],
        [("HEAD", 300, 300)],
    ),
}


@pytest.mark.parametrize(("statements", "expected"), CASES.values(), ids=CASES)
async def test_what_was_done_to_the_log_is_named_with_its_place(
    postgres_store, owner, tenant, log, statements, expected
):
    for one in statements:
        owner.execute(one, {"t": tenant})
    found = await checked(postgres_store)
    assert [(one.what.name, one.first, one.last) for one in found.wrong] == expected


ALL_OF_IT = [
    "update audit set actor = 'nobody' where tenant = %(t)s and seq = 5",
    ANEW,
    "delete from audit_block where tenant = %(t)s",
    "delete from audit_head where tenant = %(t)s",
]


async def test_a_log_written_anew_with_all_its_heads_is_found_by_a_head_that_was_published(
    postgres_store, owner, tenant, log
):
    for one in ALL_OF_IT:
        owner.execute(one, {"t": tenant})
    async with postgres_store.transaction() as tx:
        await seal(tx.audit, [SIGNER], now=NOON)  # whoever has the key, too, deceives the log itself
    assert (await checked(postgres_store)).wrong == []
    found = await checked(postgres_store, beside=log[:1])
    assert found.wrong == [Wrong(what=Tampering.REWRITTEN, first=0, last=299)]


async def test_a_tail_cut_with_its_heads_is_found_by_a_head_that_was_published(postgres_store, owner, tenant, log):
    for table, column in (("audit", "seq"), ("audit_head", "size")):
        owner.execute(f"delete from {table} where tenant = %s and {column} > 299", [tenant])  # noqa: S608 - our words
    owner.execute("delete from audit_head where tenant = %s", [tenant])
    assert (await checked(postgres_store)).wrong == []
    found = await checked(postgres_store, beside=log)
    assert found.wrong == [Wrong(what=Tampering.CUT, first=300, last=699)]


async def test_heads_that_a_stranger_signed_are_told(postgres_store, log):
    found = await checked(postgres_store, signer=STRANGER)
    assert [(one.what.name, one.first) for one in found.wrong] == [("HEAD", 300), ("HEAD", 700)]


async def test_a_head_of_another_tenant_is_told(postgres_store, database, tenant, log):
    async with open_store(database, f"{tenant}-2") as other:
        async with other.transaction() as tx:
            await tx.audit.append([an_event()])
        async with other.transaction() as tx:
            note = (await seal(tx.audit, [SIGNER], now=NOON)).note
    found = await checked(postgres_store, beside=[note])
    assert [one.what for one in found.wrong] == [Tampering.HEAD]


async def test_nothing_is_signed_over_a_hole(postgres_store, owner, tenant, log):
    async with postgres_store.transaction() as tx:
        await tx.audit.append([an_event()])
    owner.execute("delete from audit where tenant = %s and seq = 600", [tenant])
    with pytest.raises(StoreError, match="lacks events"):
        async with postgres_store.transaction() as tx:
            await seal(tx.audit, [SIGNER], now=NOON)


async def test_each_wrong_is_a_sentence_with_its_place(postgres_store, owner, tenant, log):
    found = [Wrong(what=one, first=5, last=last) for one in Tampering for last in (5, 7)]
    sentences = {one.sentence for one in found}
    assert "Event 5 is gone: it was removed after it was logged." in sentences
    assert "Each of events 5 to 7, or some of them, is gone: the end of the log was cut off." in sentences
    assert "Events 5 and 7 stand in each other's places." in sentences
    assert "5 is the size of a head that no key of this log has signed as it is." in sentences


# ---- bundles, checked by the file that goes with them ----------------------------------------------------------------


async def bundled(store, *, places=range(SIZE), earlier=()):
    async with store.transaction() as tx:
        events = [one for one in await tx.audit.events(0, SIZE) if one.seq in places]
        return await bundle(tx.audit, events, await tx.audit.last_head(), verifiers=[SIGNER.verifier], earlier=earlier)


def judged(files, tmp_path, *more):
    file = tmp_path / "bundle.zip"
    with zipfile.ZipFile(file, "w") as out:
        for name, content in files.items():
            out.writestr(name, content)
    return verifier.main([str(file), *more])


@pytest.mark.parametrize("places", [range(SIZE), (0, 5, 299, 300, 511, 512, 699)], ids=["whole", "some"])
async def test_a_bundle_is_proven_without_the_program(postgres_store, log, places, tmp_path, capsys):
    head = tmp_path / "first.head"
    head.write_text(log[0])
    files = await bundled(postgres_store, places=places, earlier=log[:1])
    assert judged(files, tmp_path, "--key", SIGNER.verifier.text, "--head", str(head)) == 0
    said = capsys.readouterr().out
    assert f"had {SIZE} events" in said
    assert "compare them" not in said
    assert judged(files, tmp_path) == 0
    assert "compare them" in capsys.readouterr().out


async def test_the_verifier_in_a_bundle_is_the_file_that_is_tested_here(postgres_store, log):
    source = (await bundled(postgres_store))["verify.py"].decode()
    assert source == Path(verifier.__file__).read_text("utf-8")  # noqa: ASYNC240 - a file of ours
    assert "from coordinator" not in source


def other_size(files):
    return with_a_head_of_one_more(files, SIZE)


def short_proofs(files):
    return proofs_of(files, lambda proof: proof[:-1])


def long_proofs(files):
    return proofs_of(files, lambda proof: [*proof, "00" * 32])


CHANGES = [changed_with_its_hash, claimed, removed, doubled, swapped, resigned, other_size]


@pytest.mark.parametrize("change", [*CHANGES, short_proofs, long_proofs], ids=lambda one: one.__name__)
async def test_a_bundle_that_was_tampered_with_is_refused(postgres_store, log, change, tmp_path):
    files = await bundled(postgres_store, places=(3, 5, 400), earlier=log[:1])
    assert judged(change(files), tmp_path) == 1


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.__name__)
async def test_a_whole_log_that_was_tampered_with_is_refused(postgres_store, log, change, tmp_path):
    assert judged(change(await bundled(postgres_store)), tmp_path) == 1


async def test_a_log_that_is_not_the_one_of_an_earlier_head_is_refused(postgres_store, owner, tenant, log, tmp_path):
    for one in ALL_OF_IT:
        owner.execute(one, {"t": tenant})
    async with postgres_store.transaction() as tx:
        await seal(tx.audit, [SIGNER], now=NOON)
    for places in (range(SIZE), (3, 5)):
        assert judged(await bundled(postgres_store, places=places, earlier=log[:1]), tmp_path) == 1
    head = tmp_path / "first.head"
    head.write_text(log[0])
    assert judged(await bundled(postgres_store, places=(3, 5)), tmp_path, "--head", str(head)) == 1
    assert judged(await bundled(postgres_store), tmp_path, "--head", str(head)) == 1


async def test_a_log_shorter_than_an_earlier_head_is_refused(postgres_store, owner, tenant, log, tmp_path):
    owner.execute("delete from audit where tenant = %s and seq >= 300", [tenant])
    owner.execute("delete from audit_head where tenant = %s and size = 700", [tenant])
    files = await bundled(postgres_store, earlier=log[1:])
    assert judged(files, tmp_path) == 1


async def test_what_is_no_bundle_is_said_to_be_none(tmp_path):
    assert verifier.main([str(tmp_path / "nothing.zip")]) == 2
    assert judged({"README.txt": b""}, tmp_path) == 2
    assert judged({"keys.txt": b"x+y+AAAA", "head.txt": b""}, tmp_path) == 1


async def test_only_what_the_head_was_signed_over_is_in_a_bundle(postgres_store, log, tmp_path):
    async with postgres_store.transaction() as tx:
        await tx.audit.append([replace(an_event(), body=b"\xff")])
    async with postgres_store.transaction() as tx:
        events = await tx.audit.events(0, SIZE + 1)
        files = await bundle(tx.audit, events, await tx.audit.last_head(), verifiers=[SIGNER.verifier])
    assert len(lines(files)) == SIZE
    assert judged(files, tmp_path) == 0
