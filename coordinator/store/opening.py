"""Opens a store: finds or starts the database, brings its schema up, and hands out transactions of one tenant."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from psycopg import AsyncConnection, Error
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import ProgrammingError
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from coordinator.errors import ConfigurationError
from coordinator.store.embedded import using
from coordinator.store.failures import spoken
from coordinator.store.figures import Figure, figures
from coordinator.store.migrations import migrate, migrations
from coordinator.store.queries import query
from coordinator.store.seals import MasterKey, MasterKeyFile, Seals
from coordinator.store.seals.keeping import unlocked
from coordinator.store.tables import (
    Accounts,
    Audit,
    Budgets,
    Consents,
    Evidence,
    Jobs,
    Leases,
    Outbox,
    Pauses,
    People,
    Pulls,
    Registry,
    Runs,
    Troubles,
    Wakes,
)
from coordinator.store.tables.session import RUNNER_LOCK, Session

_CONNECT_SECONDS = 10
_POOL_WAIT_SECONDS = 30.0
MASTER_KEY = "master.key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """The PostgreSQL that comes with us, in a home folder."""

    home: Path
    idle_seconds: float = 60.0
    master_key: Path | None = None

    @property
    def master(self) -> MasterKey:
        """Return the master key: the file that is named, else one of its own in the home folder."""
        return MasterKeyFile(self.master_key or self.home / MASTER_KEY, may_make=self.master_key is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class External:
    """Any other PostgreSQL, by its URL, and the master key under which it is sealed."""

    url: str
    master: MasterKey


Place = Embedded | External


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCount:
    """How many rows a table has, and the number of the last change to any of them."""

    rows: int
    last_change: int


class PostgresTransaction:
    """One transaction of one tenant, with all that can be asked of the store."""

    def __init__(self, session: Session) -> None:
        self.evidence = Evidence(session)
        self.pulls = Pulls(session)
        self.people = People(session)
        self.wakes = Wakes(session)
        self.accounts = Accounts(session)
        self.outbox = Outbox(session)
        self.consents = Consents(session)
        self.audit = Audit(session)
        self.registry = Registry(session)
        self.leases = Leases(session)
        self.jobs = Jobs(session)
        self.troubles = Troubles(session)
        self.pauses = Pauses(session)
        self.budgets = Budgets(session)
        self.runs = Runs(session)


class PostgresStore:
    """A store in PostgreSQL: hands out transactions of one tenant."""

    def __init__(
        self, pool: AsyncConnectionPool[AsyncConnection[TupleRow]], *, tenant: str, runner: int, seals: Seals
    ) -> None:
        self._pool = pool
        self._seals = seals
        self._tenant = tenant
        self._runner = runner

    @property
    def tenant(self) -> str:
        """Return the tenant whose rows this store shows."""
        return self._tenant

    @property
    def runner(self) -> int:
        """Return the number of this program, which is locked for as long as it lives."""
        return self._runner

    @property
    def conninfo(self) -> str:
        """Return how the database is reached."""
        return self._pool.conninfo if isinstance(self._pool.conninfo, str) else ""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresTransaction]:
        """Yield a transaction: committed when the block ends, rolled back when it raises."""
        async with self._session() as session:
            tx = PostgresTransaction(session)
            yield tx
            await tx.audit.flush()

    async def server_version(self) -> str:
        """Return the version of the server that answers, such as `18.1`."""
        async with self._session() as session:
            number = session.connection.info.server_version
        return f"{number // 10_000}.{number % 10_000}"

    async def row_counts(self) -> dict[str, RowCount]:
        """Return rows and last change of each table that a run without news leaves as it is."""
        async with self._session() as session:
            cursor = await session.connection.execute(query("opening", "row_counts"), {"tenant": self._tenant})
            return {name: RowCount(rows=rows, last_change=last) for name, rows, last in await cursor.fetchall()}

    async def figures(self) -> list[Figure]:
        """Return counts for a collector of metrics."""
        async with self._session() as session:
            return await figures(session.connection, self._tenant)

    async def missing_steps(self) -> int:
        """Return how many steps of the schema the database lacks that this program needs. Raises StoreError.

        A step that takes something away may wait for older programs; one more than this program knows harms nothing.
        """
        async with self._session() as session:
            rows = await (await session.connection.execute(query("migrations", "applied"))).fetchall()
        return len({step.number for step in migrations() if not step.is_post} - {row[0] for row in rows})

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Session]:
        with spoken("transaction"):
            async with self._pool.connection() as connection:
                yield Session(connection=connection, tenant=self._tenant, runner=self._runner, seals=self._seals)


@asynccontextmanager
async def open_store(place: Place, tenant: str, *, connections: int = 4) -> AsyncIterator[PostgresStore]:
    """Yield the store of a tenant at a place, its schema brought up.

    Raises StoreError where the database can't be reached or used, ConfigurationError where the address is no address.
    """
    if not tenant:
        raise ConfigurationError("A store needs a tenant.", operation="open", subject="database")
    async with AsyncExitStack() as held:
        conninfo = await held.enter_async_context(running(place))
        with spoken("open"):
            own = await held.enter_async_context(await AsyncConnection.connect(conninfo, autocommit=True))
            await migrate(own, migrations())
            seals = await unlocked(own, tenant, place.master)
            runner = await _become_runner(own, tenant)
            held.push_async_callback(_retire, own)
            pool = await held.enter_async_context(_pool(conninfo, tenant, connections))
        yield PostgresStore(pool, tenant=tenant, runner=runner, seals=seals)


async def row_counts(store: PostgresStore) -> dict[str, RowCount]:
    """Return rows and last change of each table that a run without news leaves as it is."""
    return await store.row_counts()


@asynccontextmanager
async def running(place: Place) -> AsyncIterator[str]:
    """Yield how to connect; while the block works the embedded server stays."""
    match place:
        case External(url=url):
            try:
                conninfo_to_dict(url)
            except ProgrammingError:
                raise ConfigurationError(
                    "The address of the database can't be read.",
                    operation="open",
                    subject="database",
                    hint="COORDINATOR_DATABASE_URL looks like postgresql://user:password@host:5432/name.",
                ) from None  # its text repeats the address, and so the password
            yield make_conninfo(
                url, client_encoding="UTF8", connect_timeout=_CONNECT_SECONDS, application_name="coordinator"
            )
        case Embedded(home=home, idle_seconds=idle_seconds):
            with ExitStack() as held:
                server = using(home, idle_seconds=idle_seconds)
                found = await asyncio.to_thread(held.enter_context, server)  # starting may take a second
                yield found.conninfo


async def _become_runner(connection: AsyncConnection[TupleRow], tenant: str) -> int:
    """Take a number for this program; it is locked for as long as this connection lives."""
    await _prepare(connection, tenant)
    row = await (await connection.execute(query("opening", "become_runner"), {"lock": RUNNER_LOCK})).fetchone()
    return int(row[0]) if row is not None else 0


async def _retire(connection: AsyncConnection[TupleRow]) -> None:
    with suppress(Error):  # a server that is gone has let go already
        await connection.execute(query("opening", "retire_runner"))


@asynccontextmanager
async def _pool(
    conninfo: str, tenant: str, connections: int
) -> AsyncIterator[AsyncConnectionPool[AsyncConnection[TupleRow]]]:
    # What its background tasks have to say reaches the caller as an error of the next transaction.
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)

    async def configure(connection: AsyncConnection[TupleRow]) -> None:
        await _prepare(connection, tenant)
        await connection.commit()

    pool: AsyncConnectionPool[AsyncConnection[TupleRow]] = AsyncConnectionPool(
        conninfo, min_size=1, max_size=connections, timeout=_POOL_WAIT_SECONDS, configure=configure, open=False
    )
    async with pool:
        yield pool


async def _prepare(connection: AsyncConnection[TupleRow], tenant: str) -> None:
    await connection.execute(query("opening", "prepare"), {"tenant": tenant})
