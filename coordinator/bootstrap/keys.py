"""The public keys of an installation, for whoever serves them."""

from pathlib import Path

from coordinator.ehr import public_keys
from coordinator.fhir import Json


class KeysOfFolder:
    """The public halves of the keys in a folder, read anew each time: a rotation shows without a restart."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def jwks(self) -> dict[str, Json]:
        """Return them as a JWKS. Raises ConfigurationError for a key file that can't be read."""
        return public_keys(self._folder)
