"""Signs the heads of the log with keys of ours, and publishes them where the deployer says."""

import asyncio
import json
import os
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from coordinator.audit import Signer, StoredHead, Verifier, read_verifier, seal, signer_of
from coordinator.bootstrap.publishing import publish
from coordinator.clock import Clock
from coordinator.errors import ConfigurationError, InvalidInput
from coordinator.settings import Settings
from coordinator.sync.ports import Store

HEAD_SECONDS: Final = 60
_ORIGIN = "coordinator.example/audit/"
_ENDING = ".head-key.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadKey:
    """A key that signs heads, or did: `verifier` is its public half, `seed` is None once it is retired."""

    file: Path
    verifier: Verifier
    created: str
    seed: bytes | None

    @property
    def id(self) -> str:
        """Return the id by which heads name it."""
        return self.verifier.key_id.hex()


class HeadKeys:
    """The keys that sign the heads of a tenant's log; a file each, readable by us alone. Retired ones still check."""

    def __init__(self, folder: Path, tenant: str) -> None:
        self._folder = folder
        self._tenant = tenant

    def all(self) -> list[HeadKey]:
        """Return the keys, oldest first. Raises ConfigurationError for one that can't be read."""
        files = self._folder.glob(f"{self._tenant}.*{_ENDING}") if self._folder.is_dir() else ()
        numbered = {self._number(file): file for file in files if self._number(file)}
        return [_read(file) for _, file in sorted(numbered.items())]

    def signers(self, *, now: datetime) -> list[Signer]:
        """Return the keys that sign; the first one is made where there is none."""
        held = self.all()
        if not held:
            self.add(now=now)
            held = self.all()
        return [signer_of(one.verifier.name, one.seed) for one in held if one.seed is not None]

    def verifiers(self) -> list[Verifier]:
        """Return the public halves of all keys that sign or did."""
        return [one.verifier for one in self.all()]

    def add(self, *, now: datetime) -> HeadKey:
        """Make a key; from then on heads carry its signature beside those of the others."""
        number = max((self._number(one.file) for one in self.all()), default=0) + 1
        seed = Ed25519PrivateKey.generate().private_bytes_raw()
        told = {
            "verifier": signer_of(f"{_ORIGIN}{self._tenant}", seed).verifier.text,
            "created": now.isoformat(),
            "seed": b64encode(seed).decode(),
        }
        file = self._folder / f"{self._tenant}.{number}{_ENDING}"
        _write(file, told)
        return _read(file)

    def retire(self, key_id: str) -> None:
        """Forget the private half of a key; heads that it signed are still checked by its public half.

        Raises InvalidInput where there is no such key, or it is the only one that signs.
        """
        signing = [one for one in self.all() if one.seed is not None]
        chosen = next((one for one in signing if one.id == key_id), None)
        if chosen is None or len(signing) == 1:
            raise InvalidInput(
                f"{key_id} is no key that could be retired." if chosen is None else f"{key_id} alone signs heads.",
                operation="retire audit key",
                hint="`coordinator audit key list` shows the keys; `audit key rotate` makes the next one.",
            )
        _write(chosen.file, {"verifier": chosen.verifier.text, "created": chosen.created})

    def _number(self, file: Path) -> int:
        text = file.name.removeprefix(f"{self._tenant}.").removesuffix(_ENDING)
        return int(text) if text.isdecimal() else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadDesk:
    """What signing a head needs: the log, the time, the keys, and where heads are published."""

    store: Store
    clock: Clock
    keys: HeadKeys
    places: Sequence[str] = ()
    smtp: str = ""

    async def sign(self, *, at_most_each: int = 0) -> StoredHead | None:
        """Sign, keep and publish a head where anything has come since the last one, if that is so many seconds old.

        Where the clock was set back since, the last one counts as old.
        """
        now = self.clock.now()
        async with self.store.transaction() as tx:
            last = await tx.audit.last_head()
            if last is not None and last.at <= now < last.at + timedelta(seconds=at_most_each):
                return None
            if last is None and not await tx.audit.size():
                return None
            head = await seal(tx.audit, self.keys.signers(now=now), now=now)
        if head is not None:
            for place in self.places:
                await asyncio.to_thread(publish, place, head, tenant=_tenant_of(head), smtp=self.smtp)
        return head


def head_keys_of(settings: Settings) -> HeadKeys:
    """Return the keys that sign the heads of the tenant's log."""
    return HeadKeys(settings.home / "keys" / "audit", settings.tenant)


def head_desk_of(settings: Settings, store: Store, clock: Clock) -> HeadDesk:
    """Return what signs the heads of the tenant's log."""
    keys = head_keys_of(settings)
    return HeadDesk(store=store, clock=clock, keys=keys, places=settings.audit_heads, smtp=settings.smtp)


def _tenant_of(head: StoredHead) -> str:
    return head.note.partition("\n")[0].removeprefix(_ORIGIN)


def _read(file: Path) -> HeadKey:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        seed = b64decode(told["seed"], validate=True) if "seed" in told else None
        verifier = read_verifier(told["verifier"])
        if seed is not None:
            verifier = signer_of(verifier.name, seed).verifier
        return HeadKey(file=file, verifier=verifier, created=str(told["created"]), seed=seed)
    except (OSError, ValueError, KeyError, TypeError):
        raise ConfigurationError(
            f"The key file {file.name} can't be read.",
            operation="sign head",
            hint="Restore it from a backup: without it nobody can check the heads that it signed.",
        ) from None


def _write(file: Path, told: dict[str, str]) -> None:
    """Write a file whole, in the place of what was there; it is readable by us alone from its first moment."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.new")
    beside.unlink(missing_ok=True)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        json.dump(told, out)
    beside.replace(file)
