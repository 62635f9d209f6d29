"""What calls of EHRs lead to: a pull by the workers, or where there are none a run for the EHR that called."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from coordinator.clock import Clock
from coordinator.sync.ports import Ehrs, Store, Transaction
from coordinator.sync.run import RunReport, run
from coordinator.sync.subscriptions import is_call
from coordinator.sync.work.records import Job, Work


@dataclass(slots=True, kw_only=True)
class Calls:
    """Takes calls for one tenant, and runs for those who called where no worker serves it; `told` is told of a run."""

    tenant: str
    store: Store
    ehrs: Ehrs
    clock: Clock
    told: Callable[[str, RunReport], None] = lambda _ehr, _report: None
    waiting: set[str] = field(default_factory=set)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def wake(self, tenant: str, ehr: str, secret: str) -> bool:
        """Return whether the call was one of this EHR's subscriptions, whose pull is asked for then."""
        if tenant != self.tenant:
            return False
        async with self.store.transaction() as tx:
            is_known = await is_call(tx, ehr, secret, now=self.clock.now())
            is_workers = is_known and await _asked_of_workers(tx, ehr)
        if is_known and not is_workers:
            self.waiting.add(ehr)
            self.came.set()
        return is_known

    async def work(self) -> None:
        """Run for whoever called, until cancelled. What comes during a run makes another one after it."""
        while True:
            await self.came.wait()
            self.came.clear()
            for ehr in sorted(self.waiting):
                self.waiting.discard(ehr)
                self.told(ehr, await run(self.store, self.ehrs, self.clock, only=[ehr]))


async def _asked_of_workers(tx: Transaction, ehr: str) -> bool:
    """Ask workers for a pull, in the transaction that believed the call; return whether there are any to do it."""
    job = Job(work=Work.PULL, key=ehr)
    await tx.jobs.put([job])
    return any(one.job == job for one in await tx.jobs.waiting())
