"""A store whose transactions belong to work under way: its lease is held, its run noted, its wake-ups kept back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from coordinator.errors import Superseded
from coordinator.sync.ports import Store, Transaction
from coordinator.sync.work.records import Lease, Work
from coordinator.sync.work.stops import is_paused

LEASE_SECONDS = 300.0  # of a program that was frozen; one that has ended lets go at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """Opens transactions of a piece of work. One that has lost its lease raises Superseded, and writes nothing.

    So does the pull of an EHR that was paused meanwhile. What became of a write is kept in any case.
    """

    store: Store
    run: int | None = None
    lease: Lease | None = None
    is_hushed: bool = False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Yield a transaction that holds the lease until it ends."""
        async with self.store.transaction() as tx:
            if self.lease is not None:
                await tx.leases.hold(self.lease, seconds=LEASE_SECONDS)
                await self._refuse_paused(tx, self.lease)
            if self.run is not None:
                await tx.runs.within(self.run)
            if self.is_hushed:
                await tx.jobs.hush()
            yield tx

    async def _refuse_paused(self, tx: Transaction, lease: Lease) -> None:
        if lease.work is Work.PULL and is_paused(await tx.pauses.pauses(), lease.ehr):
            raise Superseded("Somebody has paused this EHR.", operation=lease.work.value, subject=lease.ehr)
