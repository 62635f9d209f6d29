"""Wiring: the budgets of requests, kept in the store that all processes share."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from coordinator.clock import Clock
from coordinator.sync.ports import Store
from coordinator.sync.records import EhrConnection
from coordinator.sync.tenant import Tenant
from coordinator.sync.work.budget import Allowance, read_budget


def allowances(store: Store, tenant: Tenant, clock: Clock) -> Callable[[EhrConnection], Allowance | None]:
    """Return what gives each connection its allowance: the same one for every time that it is opened here."""
    known: dict[tuple[str, str], Allowance] = {}

    def of(connection: EhrConnection) -> Allowance | None:
        told = connection.options.get("budget")
        budget = read_budget(told)
        if budget is None:
            return None
        place = (connection.name, str(told))
        if place not in known:
            known[place] = Allowance(store, connection.name, budget, clock=clock, zone=ZoneInfo(tenant.zone))
        return known[place]

    return of
