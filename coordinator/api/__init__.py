"""The HTTP door: how this service is, in routes that a load balancer, an orchestrator and a metrics collector ask.

In come small ports (is the service ready, which figures are there); out comes an application made of routers, and a
server for it. No route tells who anybody is: no name, no id, no content of a record; and what goes wrong is an
OperationOutcome, never a trace.
"""

from coordinator.api.app import create_app
from coordinator.api.health import health_routes
from coordinator.api.hooks import hook_routes
from coordinator.api.metrics import LABELS, METRICS, metrics_routes
from coordinator.api.ports import Check, Figures, Health, PublicKeys, Sample, Waking
from coordinator.api.public_keys import key_routes
from coordinator.api.serving import Listening, listening, until_stopped

__all__ = [
    "LABELS",
    "METRICS",
    "Check",
    "Figures",
    "Health",
    "Listening",
    "PublicKeys",
    "Sample",
    "Waking",
    "create_app",
    "health_routes",
    "hook_routes",
    "key_routes",
    "listening",
    "metrics_routes",
    "until_stopped",
]
