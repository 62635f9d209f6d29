"""A signed head: size and root of a log at an instant, as a note that anybody can keep and check.

The form is that of transparency logs (C2SP tlog-checkpoint and signed-note): text, an empty line, signatures by
Ed25519. It is one small text, so that it goes by mail, file or HTTP as it is, and other people's tools read it.

    coordinator.example/audit/<tenant>
    <size>
    <root, base64>
    time <instant>

    — <name of the key> <base64 of 4 bytes of key id and the signature>
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ORIGIN = "coordinator.example/audit/"
_DASH = "\u2014 "
_ED25519 = b"\x01"
_ID_BYTES = 4
_RAW = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The log of a tenant as it stood at an instant: how many events, and the root over them."""

    tenant: str
    size: int
    root: bytes
    at: datetime

    @property
    def text(self) -> str:
        """Return what is signed."""
        root = base64.b64encode(self.root).decode()
        return f"{_ORIGIN}{self.tenant}\n{self.size}\n{root}\ntime {self.at.isoformat(timespec='milliseconds')}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """The public half of a key that signs heads."""

    name: str
    raw: bytes

    @property
    def key_id(self) -> bytes:
        """Return the id by which a signature names its key."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.raw).digest()[:_ID_BYTES]

    @property
    def text(self) -> str:
        """Return it as one word, such as `name+5f3a…+AQ…`, to hand on to whoever checks."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + self.raw).decode()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A key that signs heads."""

    name: str
    private: Ed25519PrivateKey

    @property
    def verifier(self) -> Verifier:
        """Return its public half."""
        return Verifier(name=self.name, raw=self.private.public_key().public_bytes_raw())


class BadHead(ValueError):
    """A text that is no signed head, or is signed by nobody whom we trust."""


def signer_of(name: str, seed: bytes) -> Signer:
    """Return the signer of 32 bytes that only we know."""
    return Signer(name=name, private=Ed25519PrivateKey.from_private_bytes(seed))


def read_verifier(text: str) -> Verifier:
    """Return a verifier from its word. Raises BadHead."""
    name, plus, rest = text.strip().partition("+")
    id_, _, key = rest.partition("+")
    raw = _decoded(key)
    found = Verifier(name=name, raw=raw[1:])
    if not plus or raw[:1] != _ED25519 or len(raw) != _RAW + 1 or id_ != found.key_id.hex():
        raise BadHead("this is no key of a log")
    return found


def signed(head: Head, signers: Sequence[Signer]) -> str:
    """Return a head as a note with a signature by each of the signers."""
    lines = []
    for one in signers:
        signature = one.verifier.key_id + one.private.sign(head.text.encode())
        lines.append(f"{_DASH}{one.name} {base64.b64encode(signature).decode()}\n")
    return f"{head.text}\n{''.join(lines)}"


def read_head(note: str, verifiers: Iterable[Verifier]) -> Head:
    """Return the head of a note that one of these keys signed. Raises BadHead."""
    text, gap, tail = note.partition("\n\n")
    text += "\n"
    known = {(one.name, one.key_id): one for one in verifiers}
    signers = [
        known[key] for key, signature in _signatures(tail) if key in known and _holds(known[key], text, signature)
    ]
    if not gap or not signers:
        raise BadHead("no key that is trusted here has signed this head")
    head = _parsed(text)
    if head.text != text:
        raise BadHead("this is no head of a log")
    return head


def signed_by(note: str) -> list[str]:
    """Return the names of the keys that a note says to be signed by."""
    return [name for (name, _), _ in _signatures(note.partition("\n\n")[2])]


def _parsed(text: str) -> Head:
    lines = text.split("\n")
    try:
        return Head(
            tenant=lines[0].removeprefix(_ORIGIN),
            size=int(lines[1]),
            root=base64.b64decode(lines[2], validate=True),
            at=datetime.fromisoformat(lines[3].removeprefix("time ")),
        )
    except (IndexError, ValueError):
        raise BadHead("this is no head of a log") from None


def _signatures(tail: str) -> list[tuple[tuple[str, bytes], bytes]]:
    found = []
    for line in tail.splitlines():
        name, _, value = line.removeprefix(_DASH).partition(" ")
        raw = _decoded(value)
        if line.startswith(_DASH):
            found.append(((name, raw[:_ID_BYTES]), raw[_ID_BYTES:]))
    return found


def _holds(verifier: Verifier, text: str, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(verifier.raw).verify(signature, text.encode())
    except InvalidSignature:
        return False
    return True


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
