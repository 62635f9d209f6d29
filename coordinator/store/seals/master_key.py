"""The master key: what wraps the keys of tenants, kept outside of the database, in a file or by a key service."""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from coordinator.errors import ConfigurationError
from coordinator.store.seals.fields import KEY_BYTES

_NONCE_BYTES: Final = 12
_OTHERS: Final = 0o077


class MasterKey(Protocol):
    """Wraps and unwraps keys. A key management service fits here: it never shows us its own key."""

    def wrap(self, key: bytes, about: str) -> bytes:
        """Return a key wrapped for what it is about. Raises ConfigurationError."""
        ...

    def unwrap(self, wrapped: bytes, about: str) -> bytes:
        """Return a key that was wrapped for just this. Raises ConfigurationError."""
        ...


class MasterKeyFile:
    """A master key in a file, which only its owner may read; made at first use where `may_make` says so."""

    def __init__(self, path: Path, *, may_make: bool = False) -> None:
        self._path, self._may_make = path, may_make
        self._cipher: AESGCM | None = None

    def wrap(self, key: bytes, about: str) -> bytes:
        """Return a key wrapped for what it is about. Raises ConfigurationError."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._opened().encrypt(nonce, key, about.encode())

    def unwrap(self, wrapped: bytes, about: str) -> bytes:
        """Return a key that was wrapped for just this. Raises ConfigurationError."""
        try:
            return self._opened().decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], about.encode())
        except InvalidTag:
            raise _unusable(
                "The database was sealed under another master key than the one in this file.",
                hint="Name the right one by COORDINATOR_MASTER_KEY_FILE; without it the records can't be read.",
            ) from None

    def _opened(self) -> AESGCM:
        if self._cipher is None:
            if self._may_make and not self._path.exists():
                new_master_key(self._path)
            self._cipher = AESGCM(_read(self._path))
        return self._cipher


def new_master_key(path: Path) -> None:
    """Make a master key where there is none yet; one that is there stays. Raises ConfigurationError."""
    text = urlsafe_b64encode(os.urandom(KEY_BYTES)) + b"\n"
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_private(beside, text)
        try:
            os.link(beside, path)  # whole or not at all, and never over one that another program has just made
        except FileExistsError:
            return
        finally:
            beside.unlink()
    except OSError as cause:
        raise _unusable(
            f"The master key can't be made ({cause.strerror}).", hint="Choose a folder that this user can write to."
        ) from None


def _write_private(path: Path, text: bytes) -> None:
    """Write a new file that only this user may read, and see it on the disk."""
    path.touch(mode=0o600, exist_ok=False)
    with path.open("wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        key = urlsafe_b64decode(path.read_bytes().strip())
    except (OSError, ValueError):
        raise _unusable(
            "The master key can't be read.",
            hint="COORDINATOR_MASTER_KEY_FILE names it; `coordinator seal new-master-key FILE` makes one.",
        ) from None
    if mode & _OTHERS:
        raise _unusable("Others may read the file of the master key.", hint="Take that from them: chmod 600.")
    if len(key) != KEY_BYTES:
        raise _unusable("This is no master key: it must be 32 bytes in base64.", hint="Is it the right file?")
    return key


def _unusable(sentence: str, *, hint: str) -> ConfigurationError:
    return ConfigurationError(sentence, operation="open", subject="master key", hint=hint)
