"""Keys for SMART Backend Services: private keys in a folder of ours, public ones as a JWKS to publish."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeyParameters, RSAKey

from coordinator.errors import ConfigurationError, InvalidInput
from coordinator.fhir import Json

RSA_BITS = 3072
ALGORITHMS = ("RS384", "ES384")
_ENDING = ".jwk.json"

Key = RSAKey | ECKey


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyName:
    """A key by its id, and the algorithm it signs with."""

    key_id: str
    algorithm: str


class KeyFolder:
    """The private keys of this installation; a file each, readable by us alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[KeyName]:
        """Return the keys that are there, in order of id. Raises ConfigurationError for one that can't be read."""
        files = sorted(self._folder.glob(f"*{_ENDING}")) if self._folder.is_dir() else []
        return [KeyName(key_id=file.name.removesuffix(_ENDING), algorithm=algorithm_of(_read(file))) for file in files]

    def private(self, key_id: str) -> Key:
        """Return a private key. Raises ConfigurationError where there is none or it can't be read."""
        try:
            file = self._file(key_id)
        except InvalidInput:
            file = None
        if file is None or not file.is_file():
            raise ConfigurationError(
                f"There is no key {key_id!r}.", operation="sign", hint="Make it with `coordinator keys create`."
            )
        return _read(file)

    def put(self, key_id: str, key: Key) -> None:
        """Keep a new private key. Raises InvalidInput where the id is taken or no plain name."""
        file = self._file(key_id)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise InvalidInput(f"There is a key {key_id!r} already.", operation="create key") from None
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(key.as_dict(private=True), out)

    def _file(self, key_id: str) -> Path:
        if not key_id or not all(one.isalnum() or one in "-_." for one in key_id) or key_id.startswith("."):
            raise InvalidInput(
                "A key id is made of letters, digits, '-', '_' and '.'.", operation="find key", subject="key id"
            )
        return self._folder / f"{key_id}{_ENDING}"


def create_key(folder: Path, key_id: str, algorithm: str = "RS384") -> KeyName:
    """Make a key and keep it. Raises InvalidInput for an unknown algorithm or a taken id."""
    parameters: KeyParameters = {"kid": key_id, "alg": algorithm, "use": "sig"}
    match algorithm:
        case "RS384":
            key: Key = RSAKey.generate_key(RSA_BITS, parameters=parameters)
        case "ES384":
            key = ECKey.generate_key("P-384", parameters=parameters)
        case _:
            raise InvalidInput(f"{algorithm} is none of {', '.join(ALGORITHMS)}.", operation="create key")
    KeyFolder(folder).put(key_id, key)
    return KeyName(key_id=key_id, algorithm=algorithm)


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


def _read(file: Path) -> Key:
    try:
        tree = json.loads(file.read_text(encoding="utf-8"))
        key = ECKey.import_key(tree) if tree.get("kty") == "EC" else RSAKey.import_key(tree)
    except (OSError, ValueError, JoseError, AttributeError):
        raise _useless(file, "can't be read") from None
    if not key.is_private:
        raise _useless(file, "holds no private key")
    if isinstance(key, ECKey) and key.curve_name != "P-384":
        raise _useless(file, "holds a key on another curve than P-384, with which nobody can sign ES384")
    return key


def _useless(file: Path, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"The key file {file.name} {what}.", operation="read key", hint="Restore it, or make a new key."
    )
