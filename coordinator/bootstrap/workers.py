"""Wiring: the workers of one process, opened anew whenever the database has lost them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from coordinator.api import create_app, health_routes, key_routes, listening, metrics_routes
from coordinator.bootstrap.api import WorkerState
from coordinator.bootstrap.budgets import allowances
from coordinator.bootstrap.clocks import SystemClock, ticking_of
from coordinator.bootstrap.heads import HEAD_SECONDS, head_desk_of
from coordinator.bootstrap.keys import KeysOfFolder
from coordinator.bootstrap.product import keys_of, place_of, read_started
from coordinator.bootstrap.telemetry import telling_traces
from coordinator.ehr import EhrRoom, ExportPatience
from coordinator.errors import CoordinatorError, StoreError
from coordinator.settings import Settings
from coordinator.store import PostgresStore, open_store
from coordinator.store.queue import Fleet, Slots
from coordinator.sync.work.records import Job, Work
from coordinator.worker import EventLog, OpenEhrs, Tally, Worker, until_idle

# An export that is not done is looked at again by a later turn: its slot is for others meanwhile.
_PATIENCE: Final = ExportPatience(total=30.0)
_FIRST_WAIT: Final = 0.5
_LONGEST_WAIT: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How workers are to work: how many jobs at EHRs at once, and whether to end when nothing is left to do."""

    slots: Slots
    until_idle: bool = False
    listen: str = ""


@dataclass(slots=True, kw_only=True)
class Crew:
    """The workers of a process: what they do, and where they tell of it."""

    settings: Settings
    order: Order
    write: Callable[[bytes], None]
    stop: asyncio.Event
    tally: Tally = field(default_factory=Tally)
    is_ready: bool = False
    state: WorkerState = field(default_factory=WorkerState)

    @property
    def log(self) -> EventLog:
        """Return where events are written, by this machine's time."""
        return EventLog(self.write, SystemClock())


async def work(crew: Crew) -> Tally:
    """Work until told to stop, or until nothing is left to do; return what was done. Raises StoreError at the start.

    A database that goes away later is waited for: what was under way there is asked for again by whoever is back first.
    """
    async with AsyncExitStack() as held:
        held.enter_context(telling_traces(crew.settings, lambda cause: crew.log.tell("W007", cause=cause)))
        if crew.order.listen:
            app = create_app(
                health_routes(crew.state),
                metrics_routes(crew.state),
                key_routes(KeysOfFolder(keys_of(crew.settings))),
            )
            place = await held.enter_async_context(listening(app, crew.order.listen))
            crew.log.tell("W006", listen=f"{place.host}:{place.port}")
        await _keep_working(crew)
    crew.log.tell("W003", done=_total(crew.tally.done), failed=_total(crew.tally.failed))
    return crew.tally


async def _keep_working(crew: Crew) -> None:
    """Work, and open everything anew whenever the database has lost us. Raises StoreError at the start."""
    waits = 0.0
    while not crew.stop.is_set():
        try:
            async with _opened(crew) as (worker, fleet):
                waits = 0.0
                await _work(crew, worker, fleet)
        except StoreError as problem:
            if not crew.is_ready:
                raise
            waits = min(max(2 * waits, _FIRST_WAIT), _LONGEST_WAIT)
            crew.log.tell("W004", cause=problem.sentence, seconds=round(waits))
            with suppress(TimeoutError):
                await asyncio.wait_for(crew.stop.wait(), waits)


@asynccontextmanager
async def _opened(crew: Crew) -> AsyncIterator[tuple[Worker, Fleet]]:
    slots, settings = crew.order.slots, crew.settings
    async with open_store(place_of(settings), settings.tenant, connections=slots.people + slots.ehrs + 2) as store:
        async with store.transaction() as tx:
            tenant = await read_started(tx, settings)
            number = await tx.jobs.enlist()
        clock = ticking_of(tenant, settings)
        await clock.look()
        room = EhrRoom(clock=clock, keys=keys_of(settings), patience=_PATIENCE).keeping(
            allowances(store, tenant, clock)
        )
        ehrs = OpenEhrs(room)
        worker = Worker(tenant=number, store=store, ehrs=ehrs, clock=clock, log=crew.log, tally=crew.tally)
        try:
            if crew.order.until_idle and not crew.is_ready:
                await _ask_for_all(store)
            fleet = Fleet(store, slots=slots, do=worker.do)
            crew.state.store, crew.state.fleet, crew.state.tenant = store, fleet, number
            yield worker, fleet
        finally:
            crew.state.store = crew.state.fleet = None
            await ehrs.close()


async def _work(crew: Crew, worker: Worker, fleet: Fleet) -> None:
    """Fetch, sweep, and watch for the end, until told to stop. Raises StoreError where the database loses us."""
    slots = crew.order.slots
    crew.log.tell("W001", tenant=worker.tenant, slots_people=slots.people, slots_ehrs=slots.ehrs)
    crew.is_ready = True
    beside = [asyncio.create_task(worker.keep_sweeping(crew.stop)), asyncio.create_task(_keep_signing(crew, worker))]
    if crew.order.until_idle:
        beside.append(asyncio.create_task(until_idle(worker, fleet, crew.stop)))
    try:
        await fleet.run(crew.stop)
    finally:
        for one in beside:
            one.cancel()
        await asyncio.gather(*beside, return_exceptions=True)


async def _keep_signing(crew: Crew, worker: Worker) -> None:
    """Sign a head of the audit log each minute, until told to stop."""
    desk = head_desk_of(crew.settings, worker.store, worker.clock)
    while not crew.stop.is_set():
        try:
            await desk.sign(at_most_each=HEAD_SECONDS)
        except CoordinatorError as problem:
            crew.log.tell("W008", tenant=worker.tenant, cause=problem.sentence)
        with suppress(TimeoutError):
            await asyncio.wait_for(crew.stop.wait(), HEAD_SECONDS)


async def _ask_for_all(store: PostgresStore) -> None:
    """Ask for a pull from every EHR now, also where the next one would be later."""
    async with store.transaction() as tx:
        names = [one.name for one in await tx.registry.ehrs()]
        await tx.jobs.put([Job(work=Work.PULL, key=name) for name in names])


def _total(counter: Counter[str]) -> int:
    return sum(counter.values())
