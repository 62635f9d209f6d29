"""The questions of `sync.ports`, answered by PostgreSQL: a module and a file of queries for each group of tables."""

from coordinator.store.tables.accounts import Accounts
from coordinator.store.tables.audit import Audit
from coordinator.store.tables.evidence import Evidence, Pulls
from coordinator.store.tables.outbox import Outbox
from coordinator.store.tables.people import People, Wakes
from coordinator.store.tables.registry import Consents, Registry
from coordinator.store.tables.runs import Runs
from coordinator.store.tables.work import Budgets, Jobs, Leases, Pauses, Troubles

__all__ = [
    "Accounts",
    "Audit",
    "Budgets",
    "Consents",
    "Evidence",
    "Jobs",
    "Leases",
    "Outbox",
    "Pauses",
    "People",
    "Pulls",
    "Registry",
    "Runs",
    "Troubles",
    "Wakes",
]
