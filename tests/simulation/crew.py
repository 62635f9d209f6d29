"""Workers of the simulated world: the shipped worker, its turns, its sweep and its open EHRs, one process each."""

import asyncio
from contextlib import suppress
from typing import Any

from coordinator.fhir import parse
from coordinator.worker import EventLog, OpenEhrs, Worker, until_idle
from tests.simulation.hints import RESCUED_DEAD, RESCUED_STALE, Hints, SimulatedFleet
from tests.simulation.process import Process
from tests.simulation.world import SimulatedWorld

NEVER = 7200.0  # seconds of a calm world after which nothing can be left to do
UNEXPECTED = "This program did not expect it"


class Crew:
    """One worker process: what it is made of, what it came to, and what it said that no worker may ever say."""

    def __init__(self, world: SimulatedWorld, hints: Hints, process: Process) -> None:
        self._world, self._hints, self._process = world, hints, process
        self.changed = self.failed = 0
        self.broken: list[str] = []
        log = EventLog(self._said, world.clock)
        self.ehrs = OpenEhrs(world.room)
        self.worker = Worker(tenant=1, store=process.store, ehrs=self.ehrs, clock=world.clock, log=log)  # type: ignore[arg-type]
        self.fleet = SimulatedFleet(hints, process, self.worker.do)
        process.freezes_whole = True
        process.on_death = lambda dead: hints.rescue(dead, after=RESCUED_DEAD)
        process.on_freeze = lambda frozen: hints.rescue(frozen, after=RESCUED_STALE)

    async def serve(self, seconds: float) -> None:
        """Work for so long, then stop gracefully; end earlier where the process dies or is taken for dead."""
        stop = asyncio.Event()
        working = self._process.start(self.fleet.run(stop))
        sweeping = self._process.start(self.worker.keep_sweeping(stop))
        await asyncio.wait([working], timeout=seconds)
        stop.set()
        await self._end(working, sweeping)

    async def until_idle(self) -> bool:
        """Work until nothing is left to do; tell whether that changed nothing."""
        stop = asyncio.Event()
        working = self._process.start(self.fleet.run(stop))
        waiting = self._process.start(until_idle(self.worker, self.fleet, stop))
        await asyncio.wait([waiting], timeout=NEVER)
        if not stop.is_set():
            self.broken.append(f"a worker finds something to do for {NEVER:g} s and does not come to rest")
            stop.set()
        await self._end(working, waiting)
        return not self.changed and not self.failed

    async def _end(self, *tasks: asyncio.Task[None]) -> None:
        await asyncio.wait(tasks)
        await self.ehrs.close()  # of a process that died, too: what it had open is of this world
        if not self._process.is_dead:
            self._process.inner.close()
            for left in [one for one in self._process.tasks if not one.done()]:
                left.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        self.broken += [f"{type(one).__name__}: {one}" for one in self.fleet.problems]

    def _said(self, line: bytes) -> None:
        told: Any = parse(line)
        about = [told[key] for key in ("work", "ehr", "reason", "cause", "changed", "jobs") if key in told]
        self._world.trace.tell(self._world.loop.time(), self._process.name, told["id"], *about)
        match told["id"]:
            case "J001":
                self.changed += told["changed"]
            case "J002":
                self._world.trace.reach(f"worker: {told['reason']}")
            case "J003" | "J004" | "J005" | "S002":
                self.failed += 1
                self._world.trace.reach(f"worker: {told['event']}")
                if str(told["cause"]).startswith(UNEXPECTED):
                    self.broken.append(f"a worker said {told['cause']}")
