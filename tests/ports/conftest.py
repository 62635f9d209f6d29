"""The stores that one suite judges: in memory and in PostgreSQL."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from coordinator.sandbox.memory_store import MemoryDatabase
from coordinator.store import open_store
from coordinator.sync.ports import Store


class Stores:
    """Opens stores of one tenant, as several programs would, and ends them."""

    def __init__(self, opened: Callable[[str], Awaitable[tuple[Store, Callable[[], Awaitable[None]]]]]) -> None:
        self._opened = opened
        self._ends: dict[int, Callable[[], Awaitable[None]]] = {}

    async def open(self, tenant: str = "") -> Store:
        """Return a store as a program of its own has it."""
        store, end = await self._opened(tenant)
        self._ends[id(store)] = end
        return store

    async def end(self, store: Store) -> None:
        """End the program that has this store."""
        await self._ends.pop(id(store))()

    async def end_all(self) -> None:
        """End all that still run."""
        for end in self._ends.values():
            await end()


@pytest.fixture(params=["memory", "postgres"])
async def stores(request: pytest.FixtureRequest, tenant: str) -> AsyncIterator[Stores]:
    """Return what opens stores of one kind; two opened with the same tenant share what is in them."""
    memory = MemoryDatabase()

    async def in_memory(other: str) -> tuple[Store, Callable[[], Awaitable[None]]]:
        store = memory.open(other or tenant)

        async def end() -> None:
            store.close()

        return store, end

    async def in_postgres(other: str) -> tuple[Store, Callable[[], Awaitable[None]]]:
        held = AsyncExitStack()
        place = request.getfixturevalue("database")
        return await held.enter_async_context(open_store(place, other or tenant)), held.aclose

    found = Stores(in_memory if request.param == "memory" else in_postgres)
    yield found
    await found.end_all()


@pytest.fixture
async def store(stores: Stores) -> Store:
    return await stores.open()
