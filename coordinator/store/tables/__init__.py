"""The questions of `sync.ports`, answered by PostgreSQL: a module and a file of queries for each group of tables."""

from coordinator.store.tables.accounts import Accounts
from coordinator.store.tables.evidence import Evidence, Pulls
from coordinator.store.tables.outbox import Outbox
from coordinator.store.tables.people import People, Wakes
from coordinator.store.tables.registry import Audit, Consents, Registry

__all__ = ["Accounts", "Audit", "Consents", "Evidence", "Outbox", "People", "Pulls", "Registry", "Wakes"]
