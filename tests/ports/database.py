"""One embedded PostgreSQL for a whole test session, shared by its workers; each test has a tenant of its own."""

import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from coordinator.store import Embedded, PostgresStore, open_store
from coordinator.store.embedded import using


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Embedded]:
    """Keep the server running for this session; it ends itself soon after the last worker is done with it."""
    base = tmp_path_factory.getbasetemp()
    place = Embedded(home=_shared(base, worker_id) / "home", idle_seconds=1.0)
    with using(place.home, idle_seconds=place.idle_seconds):
        yield place


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Return a folder that other users can enter, as they can't enter the folders of a test."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture
def tenant() -> str:
    return f"tenant-{uuid.uuid4()}"


@pytest.fixture
async def postgres_store(database: Embedded, tenant: str) -> AsyncIterator[PostgresStore]:
    async with open_store(database, tenant) as store:
        yield store


def _shared(base: Path, worker_id: str) -> Path:
    return base if worker_id == "master" else base.parent
