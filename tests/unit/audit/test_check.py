"""Each way to change a log is named with its place."""

from dataclasses import replace

import pytest

from coordinator.audit import Happening, Tampering, Wrong, audit_row, check_log, seal, signer_of
from coordinator.audit.retention import pruned_places
from tests.builders import NOW
from tests.unit.audit.listed_log import SIGNER, ListedLog, a_log

FIRST, LAST = 300, 700


async def wrong(log, *, beside=(), signer=SIGNER):
    found = await check_log(log, [signer.verifier], beside=beside)
    return [(one.what.name, one.first, one.last) for one in found.wrong]


async def test_a_log_that_nobody_touched_is_whole():
    log = await a_log(FIRST, LAST)
    found = await check_log(log, [SIGNER.verifier], beside=[log.signed[0].note])
    assert (found.wrong, found.size, found.pruned, found.heads, found.proven) == ([], LAST, 0, 3, 2)
    assert found.root == log.signed[-1].root


async def test_an_empty_log_is_whole():
    found = await check_log(ListedLog(), [])
    assert (found.wrong, found.size, found.heads, found.proven) == ([], 0, 0, 0)


def remove(log, *places):
    for seq in places:
        del log.rows[seq]


def swap_plainly(log):
    rows = log.rows[10].row, log.rows[300].row
    log.rows[10], log.rows[300] = replace(log.rows[10], row=rows[1]), replace(log.rows[300], row=rows[0])


def swap_with_hashes(log):
    first, second = log.rows[10], log.rows[300]
    log.rows[10], log.rows[300] = replace(second, seq=10), replace(first, seq=300)


def forget_blocks(log):
    log.blocks.clear()


def edit_block(log):
    log.blocks[1, 1] = bytes(32)


def edit_head(log):
    log.signed[0] = replace(log.signed[0], note=log.signed[0].note.replace("time", "date"))


def mislabel_head(log):
    log.signed[0] = replace(log.signed[0], root=bytes(32))


CASES = {
    "a column": ([lambda log: log.change(5, actor="nobody")], [("CHANGED", 5, 5)]),
    "a byte": ([lambda log: log.change(699, body=b"{}")], [("CHANGED", 699, 699)]),
    "two columns": (
        [lambda log: log.change(6, actor="x"), lambda log: log.change(5, actor="y")],
        [("CHANGED", 5, 5), ("CHANGED", 6, 6)],
    ),
    "a hash": ([lambda log: log.change(5, leaf=bytes(32))], [("CHANGED", 5, 5)]),
    "a row removed": ([lambda log: remove(log, 5)], [("REMOVED", 5, 5)]),
    "the first removed": ([lambda log: remove(log, 0, 1)], [("REMOVED", 0, 1)]),
    "rows removed": ([lambda log: remove(log, 5, 6, 600)], [("REMOVED", 5, 6), ("REMOVED", 600, 600)]),
    "two swapped": ([swap_plainly], [("SWAPPED", 10, 300)]),
    "two swapped with their hashes": ([swap_with_hashes], [("SWAPPED", 10, 300)]),
    "the tail cut": ([lambda log: remove(log, *range(650, LAST))], [("CUT", 650, 699)]),
    "written anew": ([lambda log: log.change(600, fits=True, actor="x")], [("REWRITTEN", 300, 699)]),
    "written anew in a block": ([lambda log: log.change(400, fits=True, actor="x")], [("REWRITTEN", 300, 511)]),
    "written anew in the first block": ([lambda log: log.change(5, fits=True, actor="x")], [("REWRITTEN", 0, 255)]),
    "written anew at the end of a block": (
        [lambda log: log.change(511, fits=True, actor="x")],
        [("REWRITTEN", 300, 511)],
    ),
    "written anew with its blocks": (
        [lambda log: log.change(5, fits=True, actor="x"), forget_blocks],
        [("REWRITTEN", 0, 299)],
    ),
    "a block": ([edit_block], [("REWRITTEN", 256, 511)]),
    "a head": ([edit_head], [("HEAD", 300, 300)]),
    "a head of another root": ([mislabel_head], [("HEAD", 300, 300)]),
}


@pytest.mark.parametrize(("changes", "expected"), CASES.values(), ids=CASES)
async def test_what_was_done_to_a_log_is_named_with_its_place(changes, expected):
    log = await a_log(FIRST, LAST)
    for change in changes:
        change(log)
    assert await wrong(log) == expected


async def test_events_behind_the_last_head_are_held_against_their_hashes_alone():
    log = await a_log(FIRST)
    log.add(audit_row(Happening(kind="login", at=NOW, actor="ann", subject="console")))
    log.change(300, actor="bob")
    assert await wrong(log) == [("CHANGED", 300, 300)]


async def test_a_log_written_anew_with_its_heads_is_found_by_one_that_was_published():
    log = await a_log(FIRST, LAST)
    kept = log.signed[0].note
    other = await a_log(LAST)
    other.change(5, fits=True, actor="x")
    other.blocks.clear()
    other.signed.clear()
    await seal(other, [SIGNER], now=NOW)
    assert await wrong(other) == []
    assert await wrong(other, beside=[kept]) == [("REWRITTEN", 0, 299)]


async def test_a_tail_cut_with_its_heads_is_found_by_one_that_was_published():
    log = await a_log(FIRST, LAST)
    kept = [one.note for one in log.signed]
    remove(log, *range(FIRST, LAST))
    log.signed.clear()
    assert await wrong(log) == []
    assert await wrong(log, beside=kept) == [("CUT", 300, 699)]


async def test_heads_of_a_stranger_or_another_tenant_are_told():
    log = await a_log(FIRST, LAST)
    stranger = signer_of("log", bytes(32))
    assert await wrong(log, signer=stranger) == [("HEAD", 300, 300), ("HEAD", 700, 700)]
    other = await a_log(FIRST)
    other.tenant = "south"
    other.signed.clear()
    await seal(other, [SIGNER], now=NOW)
    assert await wrong(log, beside=[other.signed[0].note, "hello"]) == [("HEAD", 0, 0), ("HEAD", 300, 300)]


# ---- pruned ----------------------------------------------------------------------------------------------------------


def prune(log, *, first, last, by):
    for seq in range(first, last + 1):
        log.rows[seq] = replace(log.rows[seq], row=replace(log.rows[seq].row, body=b"", actor=""), pruned_by=by)


async def a_pruned_log(places="3-5"):
    log = await a_log(FIRST)
    details = (("places", places), ("law", "45 CFR 164.316"))
    log.add(audit_row(Happening(kind="prune", at=NOW, actor="ann", subject="audit log", details=details)))
    await seal(log, [SIGNER], now=NOW)
    return log


async def test_what_was_pruned_is_still_proven_by_its_hashes():
    log = await a_pruned_log()
    prune(log, first=3, last=5, by=300)
    found = await check_log(log, [SIGNER.verifier])
    assert (found.wrong, found.pruned, found.proven) == ([], 3, 2)


@pytest.mark.parametrize("place", [2, 6])
async def test_a_body_that_went_without_a_prune_was_removed(place):
    log = await a_pruned_log()
    prune(log, first=3, last=5, by=300)
    prune(log, first=place, last=place, by=300)
    assert await wrong(log) == [("REMOVED", place, place)]
    other = await a_log(FIRST)
    prune(other, first=7, last=7, by=12)
    assert await wrong(other) == [("REMOVED", 7, 7)]


@pytest.mark.parametrize("body", [b"[]", b'{"entity":[1,{"detail":[2,{"type":"law","valueString":"1-2"}]}]}', b"{}"])
def test_a_body_that_tells_of_no_places_took_none(body):
    assert pruned_places(body) == set()


# ---- in words --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "last", "sentence"),
    [
        (Tampering.CHANGED, 5, "Event 5 is not what was logged there: a column or a byte of it was changed."),
        (Tampering.REMOVED, 5, "Event 5 is gone: it was removed after it was logged."),
        (Tampering.SWAPPED, 7, "Events 5 and 7 stand in each other's places."),
        (
            Tampering.CUT,
            7,
            "Each of events 5 to 7, or some of them, is gone: the end of the log was cut off.",
        ),
        (
            Tampering.REWRITTEN,
            5,
            "Event 5 is not what the signed head stands for: that part of the log was written anew.",
        ),
        (Tampering.HEAD, 5, "5 is the size of a head that no key of this log has signed as it is."),
    ],
    ids=str,
)
def test_what_is_wrong_is_a_sentence_with_its_place(what, last, sentence):
    assert Wrong(what=what, first=5, last=last).sentence == sentence
