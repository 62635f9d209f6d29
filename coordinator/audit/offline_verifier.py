"""Checks a bundle of audit events without the program, the database or the network that it came from.

    python verify.py BUNDLE.zip [--key WORD] [--head FILE ...]

A single file that needs Python and `cryptography`, and nothing else: whoever is handed a bundle reads it before they
run it. It says which events are proven, by which signed head, and what does not fit; it ends with 0 where all fits,
with 1 where something does not, and with 2 where it can't tell.

`--key` is the word of the key that the log is known by, told by another way than the bundle (`coordinator audit key
list`); without it the keys of the bundle are believed. `--head` is a head that was published earlier: the log of the
bundle must have that one as its beginning.
"""

import argparse
import base64
import binascii
import hashlib
import json
import struct
import zipfile
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORM = "coordinator-audit-1"
ORIGIN = "coordinator.example/audit/"
PRUNED = {"seq", "pruned_by", "leaf"}  # all that is left of an event that was pruned: nothing can be claimed beside it
COLUMNS = ("kind", "at", "actor", "person", "ehr", "consent", "purpose", "outcome", "subject", "body")


class Unfit(Exception):
    """What does not fit, in words."""


# ---- the tree, RFC 9162 ----------------------------------------------------------------------------------------------


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaves: list[bytes]) -> bytes:
    """Return the root over all leaves (2.1.1)."""
    level = leaves or [hashlib.sha256(b"").digest()]
    while len(level) > 1:
        pairs = [node_hash(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
        level = pairs + (level[-1:] if len(level) % 2 else [])
    return level[0]


def root_by_inclusion(leaf: bytes, index: int, size: int, *, proof: list[bytes]) -> bytes:
    """Return the root to which a proof of inclusion leads (2.1.3.2)."""
    place, last, found = index, size - 1, leaf
    for one in proof:
        if last == 0:
            raise Unfit("the proof is too long")
        if place % 2 or place == last:
            found = node_hash(one, found)
            while not place % 2 and place:
                place, last = place // 2, last // 2
        else:
            found = node_hash(found, one)
        place, last = place // 2, last // 2
    if last:
        raise Unfit("the proof is too short")
    return found


def roots_by_consistency(old: int, new: int, *, old_root: bytes, proof: list[bytes]) -> tuple[bytes, bytes]:
    """Return the roots of both trees to which a proof of consistency leads (2.1.4.2)."""
    if old == new:
        return old_root, old_root
    hashes = proof if old & (old - 1) else [old_root, *proof]
    place, last = old - 1, new - 1
    while place % 2:
        place, last = place // 2, last // 2
    if not hashes or not 0 < old < new:
        raise Unfit("there is no proof")
    before = after = hashes[0]
    for one in hashes[1:]:
        if last == 0:
            raise Unfit("the proof is too long")
        if place % 2 or place == last:
            before, after = node_hash(one, before), node_hash(one, after)
            while not place % 2 and place:
                place, last = place // 2, last // 2
        else:
            after = node_hash(after, one)
        place, last = place // 2, last // 2
    if last:
        raise Unfit("the proof is too short")
    return before, after


# ---- events and heads ------------------------------------------------------------------------------------------------


def leaf_of(tenant: str, event: dict[str, Any]) -> bytes:
    """Return the hash of an event: of tenant, place, all columns and bytes, each with its length before it."""
    if set(event) == PRUNED:
        return bytes.fromhex(event["leaf"])
    values = [FORM, tenant, str(event["seq"]), *(event[name] for name in COLUMNS)]
    fields = [None if one is None else str(one).encode() for one in values]
    return leaf_hash(b"".join(b"\xff" * 4 if one is None else struct.pack(">I", len(one)) + one for one in fields))


def key_of(word: str) -> tuple[str, bytes, bytes]:
    """Return name, id and public half of a key."""
    name, _, rest = word.strip().partition("+")
    raw = base64.b64decode(rest.partition("+")[2], validate=True)
    if raw[:1] != b"\x01" or len(raw) != 33:
        raise Unfit("a key is no Ed25519 key")
    return name, hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4], raw[1:]


def head_of(note: str, keys: list[tuple[str, bytes, bytes]]) -> tuple[str, int, bytes, str]:
    """Return tenant, size, root and time of a head that one of the keys signed."""
    text, _, tail = note.partition("\n\n")
    text += "\n"
    for line in tail.splitlines():
        name, _, value = line.removeprefix("\u2014 ").partition(" ")
        signature = base64.b64decode(value)
        for known, key_id, raw in keys:
            if (known, key_id) == (name, signature[:4]) and is_signed(raw, signature[4:], text):
                lines = text.split("\n")
                root = base64.b64decode(lines[2], validate=True)
                return lines[0].removeprefix(ORIGIN), int(lines[1]), root, lines[3].removeprefix("time ")
    raise Unfit("a head is not signed by a key that is believed")


def is_signed(raw: bytes, signature: bytes, text: str) -> bool:
    """Say whether a signature over a text is one of this key."""
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, text.encode())
    except InvalidSignature:
        return False
    return True


# ---- a bundle --------------------------------------------------------------------------------------------------------


def check(files: dict[str, bytes], words: list[str], published: list[str]) -> tuple[list[str], list[str]]:
    """Return what is proven and what does not fit."""
    keys = [key_of(word) for word in words or files["keys.txt"].decode().split()]
    tenant, size, root, at = head_of(files["head.txt"].decode(), keys)
    proofs = json.loads(files["proofs.json"])
    events = [json.loads(line) for line in files["events.ndjson"].splitlines()]
    proven = [f"The log of {tenant} had {size} events at {at}; the head is signed."]
    pruned = sum(set(event) == PRUNED for event in events)
    unfit: list[str] = []
    leaves = [leaf_of(tenant, event) for event in events] if proofs["is_whole"] else None
    if leaves is not None:
        unfit += whole(events, leaves, size=size, root=root)
        proven.append(f"All {size} events of it are here; of {pruned} that were pruned the hash alone.")
    else:
        unfit += included(events, proofs["inclusion"], tenant=tenant, size=size, root=root)
        proven.append(f"{len(events)} of its events are here, each proven to be in it. That there are no more which")
        proven.append("match is not proven by them: only the whole log can show that.")
    notes = [one["head"] for one in proofs["consistency"]]
    for one in [*notes, *(note for note in published if note not in notes)]:
        unfit += continued(head_of(one, keys), (tenant, size, root), leaves=leaves, proof=given_for(one, proofs))
    return proven, unfit


def whole(events: list[dict[str, Any]], leaves: list[bytes], *, size: int, root: bytes) -> list[str]:
    """Say what keeps the events from being the whole log of the head."""
    places = [event["seq"] for event in events]
    missing = sorted(set(range(size)) - set(places))
    if missing:
        return [f"Event {place} is missing." for place in missing[:20]]
    if places != list(range(size)):
        return ["Events stand in another order, or there are more than the head was signed over."]
    held = zip(events, leaves, strict=True)
    unlike = [event["seq"] for event, leaf in held if event.get("stored") not in {None, leaf.hex()}]
    found = [f"Event {seq} is not what was logged there." for seq in unlike]
    if not found and root_of(leaves) != root:
        return [
            "The events are not those that the head was signed over: something was changed, swapped or written anew."
        ]
    return found


def included(
    events: list[dict[str, Any]], proofs: dict[str, list[str]], *, tenant: str, size: int, root: bytes
) -> list[str]:
    """Say which events are not proven to be in the log of the head."""
    found = []
    if len({event["seq"] for event in events}) != len(events) or {str(event["seq"]) for event in events} != set(proofs):
        found.append("There are not as many events as proofs: one was removed or added.")
    for event in events:
        seq = event["seq"]
        try:
            proof = [bytes.fromhex(one) for one in proofs.get(str(seq), [])]
            if not 0 <= seq < size or root_by_inclusion(leaf_of(tenant, event), seq, size, proof=proof) != root:
                found.append(f"Event {seq} is not what was logged there.")
        except Unfit as problem:
            found.append(f"Event {seq}: {problem}.")
    return found


def given_for(note: str, proofs: dict[str, Any]) -> list[str] | None:
    """Return the proof that a bundle gives for an earlier head."""
    return next((one["proof"] for one in proofs["consistency"] if one["head"] == note), None)


def continued(
    earlier: tuple[str, int, bytes, str],
    now: tuple[str, int, bytes],
    *,
    leaves: list[bytes] | None,
    proof: list[str] | None,
) -> list[str]:
    """Say what keeps the log from having that of an earlier head as its beginning; `leaves` are all of a whole log."""
    (old_tenant, old, old_root, at), (tenant, size, root) = earlier, now
    if old_tenant != tenant or not 0 < old <= size:
        return [f"The log had {old} events at {at}: it is of another tenant, or its end was cut off."]
    if leaves is None and proof is None:
        return [f"There is no proof for the head of {at}: ask for a bundle made with --from-head."]
    try:
        if leaves is not None:
            roots = root_of(leaves[:old]), root
        else:
            given = [bytes.fromhex(one) for one in proof or ()]
            roots = roots_by_consistency(old, size, old_root=old_root, proof=given)
    except Unfit as problem:
        return [f"The head of {at}: {problem}."]
    if roots != (old_root, root):
        return [f"The log is not the one of {at}: what had been logged by then was changed afterwards."]
    return []


def main(arguments: list[str] | None = None) -> int:
    """Check a bundle and say what came of it."""
    parser = argparse.ArgumentParser(description="Check a bundle of audit events.")
    parser.add_argument("bundle", help="the file that `coordinator audit export --proof` wrote")
    parser.add_argument("--key", action="append", default=[], help="a key that the log is known by")
    parser.add_argument("--head", action="append", default=[], help="a file with a head that was published earlier")
    given = parser.parse_args(arguments)
    try:
        with zipfile.ZipFile(given.bundle) as bundle:
            files = {name: bundle.read(name) for name in bundle.namelist()}
        published = []
        for name in given.head:
            with open(name, encoding="utf-8") as file:  # noqa: PTH123 - one file, as few imports as can be
                published.append(file.read())
        proven, unfit = check(files, given.key, published)
    except Unfit as problem:
        proven, unfit = [], [f"Nothing is proven: {problem}."]
    except (OSError, KeyError, ValueError, TypeError, IndexError, binascii.Error, zipfile.BadZipFile, struct.error):
        print("This is no bundle that could be read.")  # noqa: T201 - a program by itself
        return 2
    for line in unfit or proven:
        print(line)  # noqa: T201 - a program by itself
    if not given.key and not unfit:
        print("The keys are those of the bundle itself: compare them with what the log is known by, or give --key.")  # noqa: T201
    return 1 if unfit else 0


if __name__ == "__main__":
    raise SystemExit(main())
