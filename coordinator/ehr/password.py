"""A name and password, or one lasting token, for EHRs without SMART: test servers, and facades in a closed network."""

import base64
from dataclasses import replace

from coordinator.ehr.exchange import Asked, Base, Reply, Wire
from coordinator.ehr.keys import KeyFolder
from coordinator.fhir import Json
from coordinator.sync.records import EhrConnection


class PasswordWire:
    """A wire that says with each request to one EHR who we are."""

    def __init__(self, wire: Wire, base: Base, header: str) -> None:
        self._wire = wire
        self._base = base
        self._header = header

    async def __call__(self, asked: Asked) -> Reply:
        """Carry a request, with who we are where it is one to this EHR."""
        return await self._wire(await self.signed(asked))

    async def signed(self, asked: Asked) -> Asked:
        """Return a request as it goes out."""
        if not self._base.holds(asked.url):
            return asked
        return replace(asked, headers={**asked.headers, "authorization": self._header})


def with_password(wire: Wire, base: Base, connection: EhrConnection, *, keys: KeyFolder) -> PasswordWire | None:
    """Return a wire that brings what a connection's options tell; None where they tell nothing, or it has SMART.

    `options["sign_in"]` is {"kind": "basic" or "bearer", "user", "secret"}; `secret` names one that is kept beside the
    keys. Raises ConfigurationError where it is not there.
    """
    told: Json = connection.options.get("sign_in")
    if not isinstance(told, dict) or connection.smart is not None:
        return None
    secret = keys.secret(str(told.get("secret", "")))
    if told.get("kind") == "bearer":
        return PasswordWire(wire, base, f"Bearer {secret}")
    pair = f"{told.get('user', '')}:{secret}".encode()
    return PasswordWire(wire, base, f"Basic {base64.b64encode(pair).decode()}")
