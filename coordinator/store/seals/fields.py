"""Fields sealed by AES-256-GCM: bound to tenant, column and row, equal where they are equal, of no use elsewhere.

A sealed field is

    01 | number of the key, 2 bytes | nonce, 12 bytes | ciphertext | tag, 16 bytes

The nonce is a keyed hash of the field and its place (as the synthetic nonces of RFC 5297): the same field at the same
place is the same bytes, so that rows are written only where content changed, and no nonce comes twice with two texts.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from coordinator.errors import StoreError

KEY_BYTES: Final = 32
_FORMAT: Final = b"\x01"
_NUMBER: Final = slice(1, 3)
_NONCE: Final = slice(3, 15)
_SEALED: Final = slice(15, None)
_LEAST: Final = 15 + 16


class SealBroken(StoreError):
    """A field in the database is not what we sealed there."""

    def __init__(self, column: str) -> None:
        super().__init__(
            "A field in the database was changed, moved or put there by somebody else.",
            operation="open seal",
            subject=column,
            hint="Restore the table from a backup; who has written to it stands in the log of the database.",
        )


class _Key:
    """What is derived from a key of a tenant: one key encrypts, another makes nonces."""

    __slots__ = ("cipher", "nonce")

    def __init__(self, secret: bytes) -> None:
        self.cipher = AESGCM(_derived(secret, "cipher"))
        self.nonce = _derived(secret, "nonce")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seals:
    """The keys of a tenant, by number: the highest seals, all of them open. `index` blinds what is looked up."""

    tenant: str
    secrets: Mapping[int, bytes] = field(repr=False)
    index: bytes = field(repr=False)
    _keys: Mapping[int, _Key] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_keys", {number: _Key(secret) for number, secret in self.secrets.items()})

    @property
    def current(self) -> int:
        """Return the number of the key that seals."""
        return max(self._keys)

    def seal(self, column: str, value: bytes, *place: str) -> bytes:
        """Return a field sealed for a column (`table.column`) of the row at a place, which its key columns name."""
        number = self.current
        key, bound = self._keys[number], self._bound(column, place)
        nonce = hmac.digest(key.nonce, len(bound).to_bytes(4) + bound + value, "sha256")[:12]
        return _FORMAT + number.to_bytes(2) + nonce + key.cipher.encrypt(nonce, value, bound)

    def open(self, column: str, sealed: bytes, *place: str) -> bytes:
        """Return the field that was sealed for this place. Raises SealBroken for anything else."""
        key = self._keys.get(int.from_bytes(sealed[_NUMBER]))
        if len(sealed) < _LEAST or sealed[:1] != _FORMAT or key is None:
            raise SealBroken(column)
        try:
            return key.cipher.decrypt(sealed[_NONCE], sealed[_SEALED], self._bound(column, place))
        except InvalidTag:
            raise SealBroken(column) from None

    def seal_text(self, column: str, value: str, *place: str) -> str:
        """Return a sealed text for a column that holds text."""
        return urlsafe_b64encode(self.seal(column, value.encode(), *place)).decode()

    def open_text(self, column: str, sealed: str, *place: str) -> str:
        """Return the text that was sealed for this place. Raises SealBroken for anything else."""
        try:
            raw = urlsafe_b64decode(sealed.encode())
        except ValueError:
            raise SealBroken(column) from None
        return self.open(column, raw, *place).decode()

    def blind(self, key: str) -> str:
        """Return the word under which something is looked up, which tells nothing without our key."""
        return hmac.digest(self.index, key.encode(), "sha256").hex()

    def _bound(self, column: str, place: tuple[str, ...]) -> bytes:
        parts = [part.encode() for part in (self.tenant, column, *place)]
        return b"".join(len(part).to_bytes(4) + part for part in parts)


def _derived(secret: bytes, use: str) -> bytes:
    """Return a key for one use: HKDF-Expand of one block (RFC 5869), as the secret is uniform already."""
    return hmac.digest(secret, f"coordinator seal {use}".encode() + b"\x01", hashlib.sha256)
