"""A signed head is one small text that anybody can keep, and that nobody else can write."""

import base64
from dataclasses import replace

import pytest

from coordinator.audit.head import BadHead, Head, read_head, read_verifier, signed, signed_by, signer_of
from coordinator.audit.tree import leaf_hash
from tests.builders import NOW

SIGNER = signer_of("north-1", bytes(range(32)))
NEXT = signer_of("north-2", bytes(range(1, 33)))
HEAD = Head(tenant="north", size=3, root=leaf_hash(b"x"), at=NOW)
NOTE = signed(HEAD, [SIGNER])


def test_a_head_comes_back_as_it_was_signed():
    assert read_head(NOTE, [SIGNER.verifier]) == HEAD
    assert NOTE.split("\n")[:3] == ["coordinator.example/audit/north", "3", base64.b64encode(HEAD.root).decode()]


def test_the_key_by_which_it_is_checked_is_one_word():
    word = SIGNER.verifier.text
    assert read_verifier(f" {word}\n") == SIGNER.verifier
    assert (word[:8], " " in word) == ("north-1+", False)


def test_a_head_around_a_rotation_is_signed_by_both_keys_and_either_is_enough():
    note = signed(HEAD, [SIGNER, NEXT])
    assert signed_by(note) == ["north-1", "north-2"]
    assert read_head(note, [SIGNER.verifier]) == read_head(note, [NEXT.verifier]) == HEAD


@pytest.mark.parametrize(
    "note",
    [
        NOTE.replace("\n3\n", "\n4\n"),
        NOTE.replace("audit/north", "audit/south"),
        NOTE.replace("north-1", "north-2"),
        NOTE.replace("\u2014", "-"),
        NOTE.partition("\n\n")[0],
        NOTE.partition("\n\n")[0] + "\n\n",
        f"{NOTE.rpartition(' ')[0]} !!!\n",
        f"{NOTE.rpartition(' ')[0]} AAAA\n",
        f"{NOTE.rpartition(' ')[0]} {base64.b64encode(SIGNER.verifier.key_id + bytes(64)).decode()}\n",
        "",
    ],
    ids=["size", "tenant", "name", "dash", "no signature", "no lines", "no base64", "short", "zeros", "empty"],
)
def test_a_head_that_was_changed_or_not_signed_is_refused(note):
    with pytest.raises(BadHead):
        read_head(note, [SIGNER.verifier])


def test_a_head_that_somebody_else_signed_is_refused():
    with pytest.raises(BadHead):
        read_head(NOTE, [NEXT.verifier])
    with pytest.raises(BadHead):
        read_head(NOTE, [])


class Note(Head):
    """Another text in the place of a head."""

    @property
    def text(self):
        return self.tenant


@pytest.mark.parametrize(
    "text",
    ["hello\n", "a\nx\ny\nz\n", f"{HEAD.text}more\n", HEAD.text.replace("\n3\n", "\n03\n"), "a\n1\nAA\ntime x\n"],
    ids=["a word", "no number", "more lines", "another spelling", "no root"],
)
def test_a_text_of_another_form_is_no_head_even_when_signed(text):
    note = signed(Note(tenant=text, size=0, root=b"", at=NOW), [SIGNER])
    with pytest.raises(BadHead, match="no head"):
        read_head(note, [SIGNER.verifier])


@pytest.mark.parametrize(
    "word",
    [
        "",
        "north-1",
        "north-1+00000000+AA==",
        f"north-1+00000000+{SIGNER.verifier.text.rpartition('+')[2]}",
        f"north-1+{SIGNER.verifier.key_id.hex()}+{base64.b64encode(bytes(33)).decode()}",
        SIGNER.verifier.text.replace("north-1", "north-2"),
        f"{SIGNER.verifier.text}!",
    ],
    ids=["empty", "a name", "short", "another id", "another kind", "another name", "no base64"],
)
def test_a_word_that_is_no_key_is_refused(word):
    with pytest.raises(BadHead):
        read_verifier(word)


def test_a_key_id_depends_on_name_and_key():
    assert len({SIGNER.verifier.key_id, NEXT.verifier.key_id, replace(SIGNER.verifier, name="x").key_id}) == 3
