"""Keys for SMART Backend Services: private keys in a folder of ours, public ones as a JWKS to publish.

    signs ──rotate──► signs, with a next one in the JWKS ──overlap over──► old: its next one signs ──retire──► gone

A connection names the key with which it began. The next one is published at once and signs when the overlap is over,
so that each EHR has fetched it by then; the old one stays published until it is retired, for what it signed last.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeyParameters, RSAKey

from coordinator.errors import ConfigurationError, InvalidInput
from coordinator.fhir import Json

RSA_BITS = 3072
ALGORITHMS = ("RS384", "ES384")
OVERLAP = timedelta(days=1)  # EHRs were seen to keep a JWKS for hours, and to take a day to see a change
_ENDING = ".jwk.json"
_SECRET_ENDING = ".secret"  # noqa: S105 - no secret but the name of its file
_OURS = "coordinator"  # the member of a key file that holds what we know of the key

Key = RSAKey | ECKey


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyName:
    """A key by its id, the algorithm it signs with, and its life. `next` signs in its place from `signs_until` on."""

    key_id: str
    algorithm: str
    created: datetime | None = None
    next: str = ""
    signs_until: datetime | None = None

    def signs(self, now: datetime) -> bool:
        """Say whether this key signs, as far as it is asked to."""
        return self.signs_until is None or now < self.signs_until


class KeyFolder:
    """The private keys of this installation; a file each, readable by us alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[KeyName]:
        """Return the keys that are there, in order of id. Raises ConfigurationError for one that can't be read."""
        files = sorted(self._folder.glob(f"*{_ENDING}")) if self._folder.is_dir() else []
        return [name for file in files if (name := _named(file)) is not None]

    def known(self) -> list[str]:
        """Return the ids by which a connection can name a key: those that are there, and the retired ones before them.

        Raises ConfigurationError for a file that can't be read.
        """
        files = sorted(self._folder.glob(f"*{_ENDING}")) if self._folder.is_dir() else []
        names = {file.name.removesuffix(_ENDING): _life(_tree(file)) for file in files}
        return [name for name, told in names.items() if not told.get("retired") or told.get("next") in names]

    def private(self, key_id: str) -> Key:
        """Return a private key. Raises ConfigurationError where there is none or it can't be read."""
        file = self._found(key_id)
        tree = _tree(file)
        if _is_retired(tree):
            raise _absent(key_id)
        return _key(file, tree)

    def signing(self, key_id: str, now: datetime) -> tuple[str, Key]:
        """Return id and key that sign for whoever began with `key_id`. Raises ConfigurationError."""
        seen: set[str] = set()
        while key_id not in seen:
            seen.add(key_id)
            told = _life(_tree(self._found(key_id)))
            if not told.get("next") or (not told.get("retired") and now < _moment(told, "signs_until", now)):
                break
            key_id = str(told["next"])
        return key_id, self.private(key_id)

    def put(self, key_id: str, key: Key, *, now: datetime | None = None) -> None:
        """Keep a new private key. Raises InvalidInput where the id is taken or no plain name."""
        told: dict[str, Any] = dict(key.as_dict(private=True))
        if now is not None:
            told[_OURS] = {"created": now.isoformat()}
        self._new(self._file(key_id), json.dumps(told), f"There is a key {key_id!r} already.")

    def rotate(self, key_id: str, *, overlap: timedelta, now: datetime) -> KeyName:
        """Make the next one of a key, which signs once the overlap is over. Raises InvalidInput, ConfigurationError."""
        held = next((one for one in self.names() if one.key_id == key_id), None)
        if held is None:
            raise _absent(key_id)
        if held.next:
            raise InvalidInput(
                f"{key_id} has its next key already: {held.next}.",
                operation="rotate key",
                hint=f"Retire {key_id} once {held.next} signs, or rotate {held.next}.",
            )
        made = create_key(self._folder, self._free_after(key_id), held.algorithm, now=now)
        self._tell(key_id, next=made.key_id, signs_until=(now + overlap).isoformat())
        return made

    def retire(self, key_id: str, *, now: datetime) -> None:
        """Take a key out of the JWKS and forget its private half; what named it goes on with its next one.

        Raises InvalidInput where it still signs.
        """
        file = self._found(key_id)
        tree = _tree(file)
        if _is_retired(tree):
            raise _absent(key_id)
        told = _life(tree)
        if told.get("next") and now < _moment(told, "signs_until", now):
            raise InvalidInput(
                f"{key_id} still signs, until {told['signs_until']}.",
                operation="retire key",
                hint="Wait until then; an EHR that has not fetched the next key would refuse us.",
            )
        self._write(file, json.dumps({_OURS: {**told, "retired": now.isoformat()}}))

    def secret(self, name: str) -> str:
        """Return a secret that is kept here. Raises ConfigurationError where there is none."""
        try:
            return self._file(name).with_name(f"{name}{_SECRET_ENDING}").read_text(encoding="utf-8").strip()
        except (InvalidInput, OSError, UnicodeError):
            raise ConfigurationError(
                f"There is no secret {name!r}.", operation="sign in", hint="Put it in with `coordinator keys secret`."
            ) from None

    def put_secret(self, name: str, secret: str) -> None:
        """Keep a secret, in the place of one of that name."""
        file = self._file(name).with_name(f"{name}{_SECRET_ENDING}")
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._write(file, secret)

    def secrets(self) -> list[str]:
        """Return the names of the secrets that are here."""
        return sorted(one.name.removesuffix(_SECRET_ENDING) for one in self._folder.glob(f"*{_SECRET_ENDING}"))

    def _tell(self, key_id: str, **told: str) -> None:
        file = self._file(key_id)
        tree = _tree(file)
        self._write(file, json.dumps({**tree, _OURS: {**_life(tree), **told}}))

    def _free_after(self, key_id: str) -> str:
        stem, dash, number = key_id.rpartition("-")
        first = int(number) + 1 if dash and number.isdigit() and len(number) < 6 else 2
        stem = stem if first > 2 or (dash and number == "1") else key_id
        return next(name for count in range(first, 10**7) if not self._file(name := f"{stem}-{count}").exists())

    def _new(self, file: Path, text: str, taken: str) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise InvalidInput(taken, operation="create key") from None
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)

    def _write(self, file: Path, text: str) -> None:
        """Write a file whole, in the place of what was there; it is readable by us alone from its first moment."""
        beside = file.with_name(f".{file.name}.new")
        beside.unlink(missing_ok=True)
        self._new(beside, text, f"{beside.name} is in the way.")
        beside.replace(file)

    def _found(self, key_id: str) -> Path:
        try:
            file = self._file(key_id)
        except InvalidInput:
            raise _absent(key_id) from None
        if not file.is_file():
            raise _absent(key_id)
        return file

    def _file(self, key_id: str) -> Path:
        if not key_id or not all(one.isalnum() or one in "-_." for one in key_id) or key_id.startswith("."):
            raise InvalidInput(
                "A key id is made of letters, digits, '-', '_' and '.'.", operation="find key", subject="key id"
            )
        return self._folder / f"{key_id}{_ENDING}"


def create_key(folder: Path, key_id: str, algorithm: str = "RS384", *, now: datetime | None = None) -> KeyName:
    """Make a key and keep it. Raises InvalidInput for an unknown algorithm or a taken id."""
    parameters: KeyParameters = {"kid": key_id, "alg": algorithm, "use": "sig"}
    makers: dict[str, Callable[[], Key]] = {
        "RS384": lambda: RSAKey.generate_key(RSA_BITS, parameters=parameters),
        "ES384": lambda: ECKey.generate_key("P-384", parameters=parameters),
    }
    if algorithm not in makers:
        raise InvalidInput(f"{algorithm} is none of {', '.join(ALGORITHMS)}.", operation="create key")
    KeyFolder(folder).put(key_id, makers[algorithm](), now=now)
    return KeyName(key_id=key_id, algorithm=algorithm, created=now)


def public_keys(folder: Path) -> dict[str, Json]:
    """Return the public keys as a JWKS, the form in which EHRs fetch them."""
    held = KeyFolder(folder)
    keys: list[Json] = []
    for name in held.names():
        public = held.private(name.key_id).as_dict(private=False)
        keys.append({key: str(value) for key, value in public.items() if isinstance(value, str)})
    return {"keys": keys}


def algorithm_of(key: Key) -> str:
    """Return the algorithm that a key signs with."""
    return "ES384" if isinstance(key, ECKey) else "RS384"


# --- a key file -----------------------------------------------------------------------------------------------------


def _named(file: Path) -> KeyName | None:
    """Return the key in a file, None where it was retired."""
    tree = _tree(file)
    if _is_retired(tree):
        return None
    told = _life(tree)
    return KeyName(
        key_id=file.name.removesuffix(_ENDING),
        algorithm=algorithm_of(_key(file, tree)),
        created=_moment(told, "created", None),
        next=str(told.get("next", "")),
        signs_until=_moment(told, "signs_until", None),
    )


def _tree(file: Path) -> dict[str, Any]:
    try:
        tree = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise _useless(file, "can't be read") from None
    if not isinstance(tree, dict):
        raise _useless(file, "can't be read")
    return tree


def _life(tree: dict[str, Any]) -> dict[str, Any]:
    told = tree.get(_OURS)
    return told if isinstance(told, dict) else {}


def _is_retired(tree: dict[str, Any]) -> bool:
    return bool(_life(tree).get("retired"))


def _moment(told: dict[str, Any], name: str, default: Any) -> Any:  # noqa: ANN401 - the default's type
    try:
        return datetime.fromisoformat(told[name])
    except (KeyError, TypeError, ValueError):
        return default


def _key(file: Path, tree: dict[str, Any]) -> Key:
    told = {name: value for name, value in tree.items() if name != _OURS}
    try:
        key = ECKey.import_key(told) if told.get("kty") == "EC" else RSAKey.import_key(told)
    except (ValueError, JoseError, AttributeError, TypeError):
        raise _useless(file, "can't be read") from None
    if not key.is_private:
        raise _useless(file, "holds no private key")
    if isinstance(key, ECKey) and key.curve_name != "P-384":
        raise _useless(file, "holds a key on another curve than P-384, with which nobody can sign ES384")
    return key


def _absent(key_id: str) -> ConfigurationError:
    return ConfigurationError(
        f"There is no key {key_id!r}.",
        operation="sign",
        hint="`coordinator keys list` shows what there is, `keys create` makes one.",
    )


def _useless(file: Path, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"The key file {file.name} {what}.", operation="read key", hint="Restore it, or make a new key."
    )
