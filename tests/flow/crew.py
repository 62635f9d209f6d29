"""Workers in a story: the shipped fleet and worker on PostgreSQL, in this process, until nothing is left to do."""

import asyncio
import json
from contextlib import asynccontextmanager, suppress

from coordinator.store import open_store
from coordinator.store.queue import Fleet, Slots
from coordinator.sync.work.records import Job, Work
from coordinator.worker import EventLog, OpenEhrs, Worker, until_idle


class StoryClock:
    """The clock of a story's world, which needs no looking at."""

    def __init__(self, story):
        self._clock = story.clock

    def now(self):
        return self._clock.now()

    async def look(self):
        return None


class Crew:
    """A worker with its fleet, and what it logged."""

    def __init__(self, story, store, *, ehrs=None, slots=Slots()):  # noqa: B008 - a frozen record
        self.lines = []
        self.store = store
        self.ehrs = OpenEhrs(ehrs or story.ehrs)
        clock = StoryClock(story)
        log = EventLog(lambda line: self.lines.append(json.loads(line)), clock)
        self.worker = Worker(tenant=1, store=store, ehrs=self.ehrs, clock=clock, log=log)
        self.fleet = Fleet(store, slots=slots, do=self.worker.do)
        self.stop = asyncio.Event()

    async def ask_for_all(self):
        """Have workers serve the tenant, and ask for a pull from every EHR now."""
        async with self.store.transaction() as tx:
            await tx.jobs.enlist()
            names = [one.name for one in await tx.registry.ehrs()]
            await tx.jobs.put([Job(work=Work.PULL, key=name) for name in names])

    @asynccontextmanager
    async def working(self):
        """Work while the block runs."""
        running = asyncio.create_task(self.fleet.run(self.stop))
        try:
            yield self
        finally:
            self.stop.set()
            await running
            await self.ehrs.close()

    async def until_idle(self):
        """Work until nothing is left to do; return what was done."""
        await self.ask_for_all()
        async with self.working():
            await until_idle(self.worker, self.fleet, self.stop)
        return self.worker.tally

    def told(self, *ids):
        """Return the log lines of these events."""
        return [line for line in self.lines if line["id"] in ids]


@asynccontextmanager
async def another_program(database, tenant):
    """Yield a store of the same tenant, as another process has it."""
    async with open_store(database, tenant) as store:
        yield store


async def eventually(is_so, *, seconds=20.0):
    """Wait until something is so; it is looked at again whenever other tasks have run."""
    async with asyncio.timeout(seconds):
        while not await is_so():
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), 0.02)
