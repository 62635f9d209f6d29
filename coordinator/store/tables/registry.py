"""Consents, connections to EHRs and the settings of a tenant."""

from dataclasses import asdict, dataclass

from coordinator.fhir import Json, canonical, parse
from coordinator.store.tables.connections import connection_bytes, read_connection
from coordinator.store.tables.session import Session
from coordinator.sync.records import EhrConnection, StoredConsent

_FILE = "registry"
_CONSENT = "consent.body"


@dataclass(frozen=True, slots=True)
class Consents:
    """The registry of consents."""

    session: Session

    async def consents(self) -> list[StoredConsent]:
        """Return all consents, in order of their ids."""
        opened = self.session.seals.open
        return [
            StoredConsent(consent_id=key, body=opened(_CONSENT, sealed, key), added_at=added_at, revoked_at=revoked_at)
            for key, sealed, added_at, revoked_at in await self.session.rows(_FILE, "consents")
        ]

    async def put_consent(self, consent: StoredConsent) -> bool:
        """Keep a consent (new, or its revocation); return whether anything changed."""
        body = self.session.seals.seal(_CONSENT, consent.body, consent.consent_id)
        is_news = await self.session.change(_FILE, "put_consent", **{**asdict(consent), "body": body}) > 0
        if is_news:
            await self.session.say("urgent", "on")
        return is_news


@dataclass(frozen=True, slots=True)
class Registry:
    """EHR connections and the tenant's settings."""

    session: Session

    async def ehrs(self) -> list[EhrConnection]:
        """Return the connections, in order of their names."""
        return [read_connection(body) for (body,) in await self.session.rows(_FILE, "ehrs")]

    async def put_ehr(self, connection: EhrConnection) -> None:
        """Keep a connection, in place of one of the same name."""
        await self.session.change(_FILE, "put_ehr", name=connection.name, body=connection_bytes(connection))

    async def remove_ehr(self, name: str) -> bool:
        """Forget a connection; return whether there was one. What it sent stays."""
        return await self.session.change(_FILE, "remove_ehr", name=name) > 0

    async def setting(self, key: str) -> Json:
        """Return a setting, None if there is none."""
        for (value,) in await self.session.rows(_FILE, "setting", key=key):
            return parse(value)
        return None

    async def put_setting(self, key: str, value: Json) -> None:
        """Keep a setting."""
        await self.session.change(_FILE, "put_setting", key=key, value=canonical(value))
