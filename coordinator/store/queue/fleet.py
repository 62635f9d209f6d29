"""A fleet of workers of one process for one tenant, on Procrastinate: fetch, hand over, close; and see to the dead.

Of the library we use fetching, listening and a graceful stop. Never its retry: a job that is put back under its own
number while another waits stays running for ever, or is closed by a worker that was thought dead.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import procrastinate
from procrastinate.worker import Worker
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from coordinator.errors import StoreError
from coordinator.store.failures import spoken
from coordinator.store.opening import PostgresStore
from coordinator.store.queries import query
from coordinator.store.tables.session import RUNNER_LOCK
from coordinator.sync.work.records import Job, Work

_FILE: Final = "queue/fleet"
_BEAT_SECONDS: Final = 1.0
_STALE_SECONDS: Final = 10.0  # a program that was frozen for longer is taken for dead; one that was killed, at once
_STOP_SECONDS: Final = 25.0
_STOP_AGAIN_SECONDS: Final = 0.1
_POLL_SECONDS: Final = 1.0  # a job whose time comes is not announced by anybody
_ANALYZE_FROM: Final = 1000

Do = Callable[[Job, int], Awaitable[None]]


class FleetLost(StoreError):
    """The fleet has lost its place in the database, and must be opened anew; others do its work meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """How many jobs at once: `people` need no EHR and never wait behind one, `ehrs` mostly wait for answers."""

    people: int = 2
    ehrs: int = 4


class Fleet:
    """Fetches the jobs of a store's tenant and hands each to `do`, which must not raise."""

    def __init__(self, store: PostgresStore, *, slots: Slots, do: Do) -> None:
        # The library's own words hold the arguments of jobs, and so ids of people.
        logging.getLogger("procrastinate").setLevel(logging.CRITICAL + 1)
        self._store, self._slots = store, slots
        self._connector = procrastinate.PsycopgConnector(
            conninfo=store.conninfo, configure=self._configure, min_size=1, max_size=4
        )
        self._app = procrastinate.App(connector=self._connector)
        self._workers: list[Worker] = []
        self._queues: list[str] = []
        self._unheard: set[int] = set()
        self._analyzed_at = 0

        @self._app.task(name="work", pass_context=True)
        async def work(context: procrastinate.JobContext, /, **places: str) -> None:
            await do(Job(work=Work(places["work"]), key=places["key"]), context.job.priority)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop, then let running jobs end for 25 s. Raises FleetLost, StoreError."""
        try:
            async with self._app.open_async():
                self._queues = list((await self._rows("queues", tenant=self._store.tenant))[0])
                async with self._working() as workers:
                    await self._watch(stop, workers)
        except procrastinate.exceptions.ConnectorException:
            raise FleetLost("The database can't be reached.", operation="work", subject="queue") from None

    async def is_idle(self) -> bool:
        """Say whether nothing runs, and nothing waits that might begin now."""
        return not (await self._rows("is_busy", queues=self._queues))[0][0]

    @property
    def is_open(self) -> bool:
        """Say whether jobs are fetched."""
        return bool(self._workers) and all(worker.worker_id is not None for worker in self._workers)

    @asynccontextmanager
    async def _working(self) -> AsyncIterator[set[asyncio.Task[None]]]:
        self._workers = [
            self._worker(self._queues[0], self._slots.people),
            self._worker(self._queues[1], self._slots.ehrs),
        ]
        tasks = {asyncio.create_task(_run(worker)) for worker in self._workers}
        try:
            yield tasks
        finally:
            while pending := [task for task in tasks if not task.done()]:
                for worker in self._workers:  # again and again: one that is only beginning forgets that it was told
                    worker.stop()  # type: ignore[no-untyped-call]  # the library types its surface, not this
                await asyncio.wait(pending, timeout=_STOP_AGAIN_SECONDS)
            await asyncio.gather(*tasks, return_exceptions=True)
            self._workers = []

    def _worker(self, queue: str, slots: int) -> Worker:
        return Worker(
            self._app,
            queues=[queue],
            concurrency=slots,
            fetch_job_polling_interval=_POLL_SECONDS,
            shutdown_graceful_timeout=_STOP_SECONDS,
            delete_jobs="always",
            install_signal_handlers=False,
            update_heartbeat_interval=_STALE_SECONDS,  # ours comes each second, and notices that it is not heard
            stalled_worker_timeout=6 * _STALE_SECONDS,
        )

    async def _watch(self, stop: asyncio.Event, workers: Collection[asyncio.Task[None]]) -> None:
        """See each second that we are heard, and to the jobs of those who are not. Raises FleetLost, StoreError."""
        while not stop.is_set():
            if any(task.done() for task in workers):
                raise FleetLost("A worker has ended before it was told to.", operation="work", subject="queue")
            await self._beat()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _BEAT_SECONDS)

    async def _beat(self) -> None:
        ids = [worker.worker_id for worker in self._workers if worker.worker_id is not None]
        async with self._connection() as connection:
            for worker in ids:
                await connection.execute(query(_FILE, "belong"), {"worker": worker, "runner": self._store.runner})
            beat = await connection.execute(query(_FILE, "beat"), {"workers": ids})
            values = {"lock": RUNNER_LOCK, "runner": self._store.runner}
            living = await (await connection.execute(query(_FILE, "is_living"), values)).fetchone()
            if beat.rowcount < len(ids) or not living or not living[0]:
                raise FleetLost("The database takes this worker for dead.", operation="work", subject="queue")
            await self._close_unheard(connection, ids)
            await connection.execute(query(_FILE, "rescue"), {"stale": _STALE_SECONDS, "lock": RUNNER_LOCK})
            await self._analyze(connection)

    async def _close_unheard(self, connection: AsyncConnection[TupleRow], workers: Collection[int]) -> None:
        """Ask anew for jobs that we ended while the database was away: to it they still run, and would for ever."""
        found = await connection.execute(query(_FILE, "doing"), {"workers": list(workers)})
        doing = {row[0] for row in await found.fetchall()}
        running = {context.job.id for worker in self._workers for context in worker._running_jobs.values()}  # noqa: SLF001
        unheard = doing - running
        lost = sorted(unheard & self._unheard)  # twice in a row: one that has just ended may be on its way to be closed
        self._unheard = unheard - set(lost)
        if lost:
            await connection.execute(query(_FILE, "abandon"), {"jobs": lost})

    async def _analyze(self, connection: AsyncConnection[TupleRow]) -> None:
        row = await (await connection.execute(query(_FILE, "backlog"))).fetchone()
        backlog = int(row[0]) if row else 0
        if backlog >= _ANALYZE_FROM and not self._analyzed_at / 2 < backlog < self._analyzed_at * 2:
            await connection.execute(query(_FILE, "analyze"))
            self._analyzed_at = backlog

    async def _rows(self, name: str, **values: object) -> list[TupleRow]:
        async with self._connection() as connection:
            return await (await connection.execute(query(_FILE, name), values)).fetchall()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection[TupleRow]]:
        with spoken("queue"):
            async with self._connector.pool.connection() as connection:
                yield connection

    async def _configure(self, connection: AsyncConnection[Any]) -> None:
        await connection.execute(query(_FILE, "prepare"), {"tenant": self._store.tenant})
        await connection.commit()


async def _run(worker: Worker) -> None:
    await worker.run()  # type: ignore[no-untyped-call]  # as above
