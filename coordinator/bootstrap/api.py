"""Wiring: what the HTTP door of a worker tells, asked of its store."""

from collections.abc import Sequence

from coordinator.api import Check, Sample
from coordinator.errors import CoordinatorError
from coordinator.store import PostgresStore
from coordinator.store.queue import Fleet
from coordinator.sync.work.stops import is_paused


class WorkerState:
    """The store and fleet of a worker as they are now; None while the database is away."""

    def __init__(self) -> None:
        self.store: PostgresStore | None = None
        self.fleet: Fleet | None = None
        self.tenant = 0

    async def checks(self) -> Sequence[Check]:
        """Return whether the database answers, is of this program's schema, and jobs are fetched."""
        try:
            steps = await self.store.missing_steps() if self.store is not None else None
        except CoordinatorError as problem:
            steps, told = None, problem.sentence
        else:
            told = "" if steps is not None else "The database can't be reached, or this worker is starting."
        is_current = steps == 0
        is_fetching = self.fleet is not None and self.fleet.is_open
        return [
            Check(name="database", is_good=steps is not None, told=told),
            Check(
                name="schema",
                is_good=is_current,
                told="" if is_current else "Its schema is not this program's: start the newer of the two.",
            ),
            Check(name="queue", is_good=is_fetching, told="" if is_fetching else "No jobs are fetched now."),
        ]

    async def samples(self) -> Sequence[Sample]:
        """Return the figures as they are now. Raises StoreError."""
        if self.store is None:
            return []
        async with self.store.transaction() as tx:
            ehrs, pauses = await tx.registry.ehrs(), await tx.pauses.pauses()
            shut = {one.job.key for one in await tx.troubles.troubles() if one.is_outage}
        found = [
            Sample(metric=metric, value=value, labels={**labels, "tenant": str(self.tenant)})
            for metric, value, labels in await self.store.figures()
        ]
        for one in ehrs:
            is_open = not is_paused(pauses, one.name) and one.name not in shut
            labels = {"tenant": str(self.tenant), "ehr": one.name}
            found.append(Sample(metric="coordinator_ehr_open", value=float(is_open), labels=labels))
        return found
