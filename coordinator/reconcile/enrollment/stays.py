"""All stays of a person that had begun by a day."""

from collections.abc import Sequence
from datetime import date, timedelta

from coordinator.care.level_of_care.model import Role
from coordinator.reconcile.chart import Chart
from coordinator.reconcile.enrollment.contacts import services_of, stays_of_contacts
from coordinator.reconcile.enrollment.episodes import Linked, stays_of_episodes
from coordinator.reconcile.enrollment.model import Stay, in_order
from coordinator.reconcile.enrollment.same_stay import merged
from coordinator.reconcile.level_of_care.stated import Statement
from coordinator.reconcile.model import Policy
from coordinator.reconcile.rules import limit


def stays_of(chart: Chart, statements: Sequence[Statement], policy: Policy, *, as_of: date) -> tuple[Stay, ...]:
    """Return the stays that had begun by a day, in order of start, organization and key."""
    services = services_of(chart, policy.zone)
    provided: dict[str, list[Statement]] = {}
    for one in statements:
        if one.level.role is Role.PROVIDED and not one.billed:
            provided.setdefault(one.ref, []).append(one)
    found = stays_of_episodes(chart, Linked.of(chart, policy.zone), services, provided=provided, zone=policy.zone)
    found += stays_of_contacts(chart, services, provided=provided, zone=policy.zone)
    near, beside = (timedelta(days=int(limit(name, policy.options))) for name in ("same_stay_days", "told_start_days"))
    return in_order(one for one in merged(found, near=near, beside=beside) if one.start.first <= as_of)
