"""`/metrics`: figures for a Prometheus collector, from a closed table of metrics and labels."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from coordinator.api.ports import Figures, Sample

# A label's values are few and none is a person: a tenant by its number, an EHR by its registered name.
LABELS: Final = ("tenant", "ehr", "stage", "outcome")

# metric -> (what it tells, its labels)
METRICS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "coordinator_jobs": ("Jobs of the queue by what they stand at.", ("tenant", "stage", "outcome")),
    "coordinator_oldest_job_seconds": ("Age of the oldest job that is due and waits.", ("tenant", "stage")),
    "coordinator_people_owed": ("People who are owed a reconciliation.", ("tenant",)),
    "coordinator_writes": ("Entries of the outbox by what became of them.", ("tenant", "ehr", "outcome")),
    "coordinator_runs": ("Runs that are kept, by how they ended.", ("tenant", "ehr", "stage", "outcome")),
    "coordinator_ehr_open": (
        "1 where an EHR is asked, 0 where its breaker is open or it is paused.",
        ("tenant", "ehr"),
    ),
}


def metrics_routes(figures: Figures) -> APIRouter:
    """Return the route that a collector asks."""
    routes = APIRouter()

    @routes.get("/metrics")
    async def metrics() -> Response:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Now(await figures.samples()))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return routes


class _Now(Collector):
    """The figures of one moment; a metric or label that is not in the table is left out."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._samples = samples

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of the table in its order."""
        for name, (told, labels) in METRICS.items():
            family = GaugeMetricFamily(name, told, labels=labels)
            for sample in self._samples:
                if sample.metric == name:
                    family.add_metric([sample.labels.get(label, "") for label in labels], sample.value)
            yield family
