"""What people's decisions need of the store, within one transaction."""

from collections.abc import Collection, Sequence
from typing import Protocol

from coordinator.access.registry import StoredConsent
from coordinator.audit import AuditRow
from coordinator.matching.links import IdentityLink
from coordinator.outbox import Entry
from coordinator.reconcile import Decision, Finding
from coordinator.reconcile.finding_life import FindingEvent


class Accounts(Protocol):
    """Findings and what was decided about them."""

    async def findings(self, person: str | None = None) -> list[tuple[str, Finding]]: ...

    async def add_decision(self, person: str, decision: Decision) -> None: ...

    async def finding_events(self, person: str | None = None) -> list[tuple[str, FindingEvent]]: ...

    async def add_finding_event(self, person: str, event: FindingEvent) -> None: ...


class People(Protocol):
    """Which EHR patient is whom."""

    async def links(self, person: str | None = None) -> list[IdentityLink]: ...

    async def link(self, link: IdentityLink) -> None: ...

    async def linked(self, patients: Collection[tuple[str, str]]) -> dict[tuple[str, str], IdentityLink]: ...

    async def with_keys(self, keys: Collection[str]) -> dict[str, list[tuple[str, str]]]: ...


class Wakes(Protocol):
    """Persons owed a reconciliation."""

    async def wake(self, persons: Collection[str]) -> None: ...


class Consents(Protocol):
    """The registry of consents."""

    async def consents(self) -> list[StoredConsent]: ...

    async def put_consent(self, consent: StoredConsent) -> bool: ...


class Audit(Protocol):
    """The log."""

    async def append(self, rows: Sequence[AuditRow]) -> None: ...

    async def query(self, kind: str, *, person: str | None = None) -> list[AuditRow]: ...


class Outbox(Protocol):
    """What is owed, and what became of it."""

    async def entries(self, *, person: str | None = None) -> list[Entry]: ...


class Transaction(Protocol):
    """One transaction of one tenant."""

    @property
    def accounts(self) -> Accounts: ...
    @property
    def people(self) -> People: ...
    @property
    def wakes(self) -> Wakes: ...
    @property
    def consents(self) -> Consents: ...
    @property
    def audit(self) -> Audit: ...
    @property
    def outbox(self) -> Outbox: ...
