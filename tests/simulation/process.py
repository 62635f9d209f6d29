"""A process of the product in the simulated world: it takes steps, and may die at any of them.

A step is an await of the shipped code that reaches a port: a question to the store, the beginning and the end of a
transaction, a request and its answer. At a crash all tasks of the process end there and then. What they do while they
are thrown away reaches nothing: the store and the network take nothing from a dead process.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from random import Random
from types import MappingProxyType
from typing import Any

from coordinator.errors import StoreError
from coordinator.sandbox.memory_store import MemoryDatabase
from coordinator.sync.work.leased import LEASE_SECONDS
from tests.simulation.trace import Trace

FROZEN = 2 * LEASE_SECONDS
IDLE_SECONDS = 600.0  # of a transaction in which nothing happens: `store/opening.sql`
CURRENT: ContextVar["Process | None"] = ContextVar("process", default=None)
# The leases that the work under way was given: by EHR and kind of work, its fence.
LEASES: ContextVar[Mapping[tuple[str, str], int]] = ContextVar("leases", default=MappingProxyType({}))


class Process:
    """One process: its store, its tasks, and the step at which it dies (None: it lives)."""

    def __init__(self, name: str, database: MemoryDatabase, *, chance: Random, trace: Trace) -> None:
        self.name = name
        self.is_dead = False
        self.steps = 0
        self.dies_at: int | None = None
        self.dies_after: tuple[str, int] | None = None  # so many steps after one of this name
        self.disk_is_full: Callable[[], bool] = lambda: False
        self.freezes_at: str | None = None  # for longer than a lease lasts
        self.freezes_whole = False  # all that it is at, not only the task that came to that step
        self.frozen_until = 0.0
        self.was_frozen = False
        self.on_death: Callable[[Process], None] = lambda _process: None
        self.on_freeze: Callable[[Process], None] = lambda _process: None
        self.on_question: Callable[[Process, str, tuple[Any, ...]], None] = lambda _process, _what, _given: None
        self.on_step: Callable[[str], None] = lambda _what: None
        self.inner = database.open()
        self.store = ProcessStore(self)
        self.tasks: set[asyncio.Task[Any]] = set()
        self.chance = chance
        self.trace = trace

    def start(self, work: Any) -> asyncio.Task[Any]:
        """Run work as this process."""
        token = CURRENT.set(self)
        try:
            return asyncio.get_running_loop().create_task(work, name=self.name)
        finally:
            CURRENT.reset(token)

    async def step(self, what: str) -> None:
        """Go on, give way to others, or die here."""
        if self.is_dead:
            raise asyncio.CancelledError
        self.steps += 1
        self.on_step(what)
        if self.dies_after is not None and what.startswith(self.dies_after[0]) and self.chance.random() < 0.3:
            self.dies_at, self.dies_after = self.steps + self.dies_after[1], None
        if self.steps == self.dies_at:
            self.die(what)
            raise asyncio.CancelledError
        if self.freezes_at is not None and what.startswith(self.freezes_at):
            self.freezes_at = None
            self.trace.tell(asyncio.get_running_loop().time(), self.name, "is frozen at", what)
            self.trace.reach("fault: frozen for longer than its lease")
            if self.freezes_whole:
                self.frozen_until = asyncio.get_running_loop().time() + self.chance.choice((FROZEN, 2 * FROZEN))
                self.was_frozen = True
                self.on_freeze(self)
            else:
                await asyncio.sleep(FROZEN)
        if self.is_frozen:
            await self._lie_frozen(what)
        elif self.chance.random() < 0.1:
            await asyncio.sleep(self.chance.choice((0.0, 0.0, 0.001, 0.01, 0.2)))
        if self.is_dead:
            raise asyncio.CancelledError

    @property
    def is_frozen(self) -> bool:
        """Say whether nothing of it goes on now."""
        return self.frozen_until > asyncio.get_running_loop().time()

    async def _lie_frozen(self, what: str) -> None:
        """Wait until it goes on; a transaction that is open meanwhile is ended by the database."""
        left = self.frozen_until - asyncio.get_running_loop().time()
        is_within = what == "commit" or "." in what.partition(" ")[0]
        await asyncio.sleep(min(left, IDLE_SECONDS) if is_within else left)
        if is_within and left > IDLE_SECONDS:
            self.trace.reach("fault: a transaction ended by the database, as its program was frozen")
            raise StoreError("The database ended it.", operation="wait", subject="database", hint="Run it again.")

    def die(self, where: str) -> None:
        """End here: nothing more of this process happens."""
        self.is_dead = True
        self.trace.tell(asyncio.get_running_loop().time(), self.name, "killed at", where)
        self.trace.reach("crash: " + where.partition(" ")[0].partition(".")[0])
        self.inner.close()
        for task in self.tasks:
            task.cancel()
        self.on_death(self)


def task_factory(loop: asyncio.AbstractEventLoop, work: Any, **more: Any) -> asyncio.Task[Any]:
    """Return a task that belongs to the process that makes it."""
    task = asyncio.Task(work, loop=loop, **more)
    process = CURRENT.get()
    if process is not None:
        process.tasks.add(task)
        task.add_done_callback(process.tasks.discard)
        if process.is_dead:
            task.cancel()
    return task


class ProcessStore:
    """The store as one process has it."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["Stepping"]:
        process = self._process
        await process.step("begin")
        async with process.inner.transaction() as tx:
            yield Stepping(tx, process)
            await process.step("commit")
            if process.disk_is_full():
                process.trace.tell(asyncio.get_running_loop().time(), process.name, "disk full")
                process.trace.reach("fault: disk full")
                raise StoreError("No space is left.", operation="commit", subject="database", hint="Make room.")
        await process.step("committed")


class Stepping:
    """A transaction whose every question is a step."""

    def __init__(self, tx: Any, process: Process) -> None:
        for name, group in vars(tx).items():
            setattr(self, name, _SteppingGroup(name, group, process))


class _SteppingGroup:
    def __init__(self, name: str, inner: Any, process: Process) -> None:
        self._name, self._inner, self._process = name, inner, process

    def __getattr__(self, name: str) -> Any:
        method, process, what = getattr(self._inner, name), self._process, f"{self._name}.{name}"

        async def stepping(*given: Any, **more: Any) -> Any:
            await process.step(what)
            process.on_question(process, what, given)
            answer = await method(*given, **more)
            if what == "leases.take" and answer is not None:
                LEASES.set({**LEASES.get(), (answer.ehr, answer.work.value): answer.fence})
            return answer

        setattr(self, name, stepping)
        return stepping
