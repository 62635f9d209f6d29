"""The stays of a person: one per program stay, out of every EHR's records of it.

In come the chart and the levels that records state; out come stays, each with what its records tell of it. What follows
from stays (their ends, moves, collisions) is the timeline's.
"""

from coordinator.reconcile.enrollment.model import Pause, Service, Stay, Told, in_order

__all__ = ["Pause", "Service", "Stay", "Told", "in_order"]
