"""A bundle is checked by the one file inside it; whoever changed it is found out."""

import runpy
import sys
import zipfile

import pytest

from coordinator.audit import BadHead, bundle, prove_consistency, prove_inclusion, root_at, seal
from coordinator.audit import offline_verifier as verifier
from coordinator.audit.tree import is_consistent, is_included
from coordinator.errors import StoreError
from tests.builders import NOW
from tests.unit.audit.listed_log import SIGNER, ListedLog, a_log
from tests.unit.audit.tampered_bundle import (
    changed_with_its_hash,
    claimed,
    doubled,
    lines,
    proofs_of,
    removed,
    resigned,
    swapped,
    with_a_head_of_one_more,
    written,
)
from tests.unit.audit.test_check import a_pruned_log, prune


async def test_roots_and_proofs_stand_on_stored_blocks():
    log = await a_log(70_000)
    leaf = log.rows[66_000].leaf
    proof = await prove_inclusion(log, 66_000, 70_000)
    root = await root_at(log, 70_000)
    assert is_included(leaf, 66_000, 70_000, proof=proof, root=root)
    old = (65_536, await root_at(log, 65_536))
    assert is_consistent(old, (70_000, root), proof=await prove_consistency(log, 65_536, 70_000))
    assert (await log.closed()) == (273, 1, 0)


async def test_nothing_is_signed_twice_or_over_nothing_or_over_a_hole():
    log = ListedLog()
    assert await seal(log, [SIGNER], now=NOW) is None
    log = await a_log(300)
    assert await seal(log, [SIGNER], now=NOW) is None
    log = await a_log(300, 301)
    del log.rows[298], log.signed[1]
    with pytest.raises(StoreError, match="lacks events"):
        await seal(log, [SIGNER], now=NOW)


async def bundled(log, *, places=None, earlier=()):
    events = [one for seq, one in log.rows.items() if places is None or seq in places]
    return await bundle(log, events, await log.last_head(), verifiers=[SIGNER.verifier], earlier=earlier)


@pytest.fixture
def judged(tmp_path, capsys):
    """Return what checks files as their reader does, and says the code and the words."""

    def judge(files, *more):
        file = tmp_path / "bundle.zip"
        with zipfile.ZipFile(file, "w") as out:
            for name, content in files.items():
                out.writestr(name, content)
        capsys.readouterr()
        return verifier.main([str(file), *map(str, more)]), capsys.readouterr().out

    return judge


@pytest.mark.parametrize("places", [None, range(300), (0, 5, 255, 256, 299)], ids=["whole", "as a range", "some"])
@pytest.mark.parametrize("old", [1, 8, 255, 256, 257, 299, 300])
async def test_a_bundle_is_proven_with_the_head_before_it(places, old, judged, tmp_path):
    log = await a_log(old, 300)
    head = tmp_path / "first.head"
    head.write_text(log.signed[0].note)
    files = await bundled(log, places=places, earlier=[log.signed[0].note])
    code, said = judged(files, "--key", SIGNER.verifier.text, "--head", head)
    assert (code, "compare them" in said) == (0, False)
    assert ("All 300 events" in said) == (places != (0, 5, 255, 256, 299))
    assert "compare them" in judged(files)[1]


async def test_a_whole_log_proves_an_earlier_head_without_being_asked_to(judged, tmp_path):
    log = await a_log(100, 300)
    head = tmp_path / "first.head"
    head.write_text(log.signed[0].note)
    assert judged(await bundled(log), "--head", head)[0] == 0
    code, said = judged(await bundled(log, places=(3, 5)), "--head", head)
    assert (code, "made with --from-head" in said) == (1, True)


async def test_a_bundle_says_how_much_was_pruned(judged):
    log = await a_pruned_log()
    prune(log, first=3, last=5, by=300)
    assert "of 3 that were pruned" in judged(await bundled(log))[1]
    assert judged(await bundled(log, places=(4, 9)))[0] == 0


def changed(files):
    first, *others = lines(files)
    return written(files, [{**first, "actor": "nobody"}, *others])


def turned(files):
    return written(files, lines(files)[::-1])


def moved(files):
    first, *others = lines(files)
    return written(files, [{**first, "seq": 300}, *others])


def resized(files):
    return with_a_head_of_one_more(files, 300)


CHANGES = {
    changed: "not what was logged",
    changed_with_its_hash: "",
    claimed: "not what was logged",
    removed: "",
    doubled: "",
    swapped: "not what was logged",
    moved: "",
    resigned: "not signed by a key that is believed",
    resized: "not signed by a key that is believed",
}


@pytest.mark.parametrize(("change", "words"), CHANGES.items(), ids=lambda one: getattr(one, "__name__", ""))
@pytest.mark.parametrize("places", [None, (3, 5, 200)], ids=["whole", "some"])
async def test_a_bundle_that_was_changed_is_refused(change, words, places, judged):
    code, said = judged(change(await bundled(await a_log(300), places=places)))
    assert (code, words in said) == (1, True)


async def test_each_event_that_is_missing_from_a_whole_log_is_named(judged):
    code, said = judged(removed(await bundled(await a_log(300))))
    assert (code, said) == (1, "Event 0 is missing.\n")
    assert "another order" in judged(turned(await bundled(await a_log(300))))[1]
    assert "changed, swapped or written anew" in judged(changed_with_its_hash(await bundled(await a_log(300))))[1]
    some = await bundled(await a_log(300), places=(3, 5))
    assert "as many events as proofs" in judged(doubled(some))[1]
    assert "as many events as proofs" in judged(removed(some))[1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda proof: proof[:-1], "too short"),
        (lambda proof: [*proof, "00" * 32], "too long"),
        (lambda proof: [*proof[:-1], "00" * 32], "changed afterwards"),
        (lambda proof: [], "there is no proof"),
    ],
    ids=["short", "long", "other", "none"],
)
async def test_proofs_of_another_length_or_content_prove_nothing(change, words, judged):
    log = await a_log(100, 300)
    files = proofs_of(await bundled(log, places=(3, 200), earlier=[log.signed[0].note]), change)
    code, said = judged(files)
    assert (code, words in said) == (1, True)


async def test_a_log_that_is_not_the_one_of_a_head_is_refused(judged, tmp_path):
    log = await a_log(100, 300)
    head = tmp_path / "first.head"
    head.write_text(log.signed[0].note)
    other = await a_log(300)
    other.change(5, fits=True, actor="x")
    other.blocks.clear()
    other.signed.clear()
    await seal(other, [SIGNER], now=NOW)
    for places in (None, (3, 5)):
        files = await bundled(other, places=places, earlier=[log.signed[0].note])
        code, said = judged(files, "--head", head)
        assert (code, "changed afterwards" in said) == (1, True)


async def test_a_log_that_is_shorter_or_another_than_that_of_a_head_is_refused(judged):
    log, long = await a_log(300), await a_log(301)
    code, said = judged(await bundled(log, earlier=[long.signed[0].note]))
    assert (code, "cut off" in said) == (1, True)


async def test_a_head_that_is_none_is_not_taken_into_a_bundle():
    with pytest.raises(BadHead):
        await bundled(await a_log(3), earlier=["hello"])


async def test_what_is_no_bundle_is_said_to_be_none(judged, tmp_path):
    assert verifier.main([str(tmp_path / "nothing.zip")]) == 2
    code, said = judged({"README.txt": b""})
    assert (code, said) == (2, "This is no bundle that could be read.\n")
    assert judged({"keys.txt": b"x+y+AAAA", "head.txt": b""})[1] == "Nothing is proven: a key is no Ed25519 key.\n"


def test_the_tree_of_nothing_is_that_of_the_standard():
    assert verifier.root_of([]).hex().startswith("e3b0c442")


@pytest.fixture
def typed(tmp_path):
    """Stand in for a terminal where the verifier was called with the bundle of this test."""
    words, sys.argv = sys.argv, ["verify.py", str(tmp_path / "bundle.zip")]
    yield
    sys.argv = words


async def test_the_verifier_is_a_program_by_itself(judged, typed):
    judged(await bundled(await a_log(3)))
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(verifier.__file__, run_name="__main__")
    assert ended.value.code == 0


async def test_a_key_with_a_stray_character_is_none(judged):
    files = await bundled(await a_log(3))
    assert judged({**files, "keys.txt": SIGNER.verifier.text.replace("+A", "+!A").encode()})[0] == 2
