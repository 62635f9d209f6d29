"""What the audit log costs: appending, asking, sealing and proving, in a log of many events; beside a plain table.

    python -m tests.benchmarks.audit [--rows 1000000]

The events are made by the server itself with the hashes that they must have, so that the log is a whole one. The
baseline is what bounds any log here: the same rows into one table with its key alone, by the same driver, without
places, hashes, lock and the indexes of questions.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from coordinator.audit import AuditRow, Filter, Happening, audit_row, prove_inclusion, seal, signer_of
from coordinator.store import Embedded, PostgresStore, open_store
from coordinator.store.embedded import using

TENANT = "bench"
START = datetime(2024, 1, 1, tzinfo=UTC)
PEOPLE, ACTORS, EHRS = 50_000, 400, 5
KINDS = ("access", "disclosure", "refusal", "search", "decision", "login")
BATCH = 1000
ASKED = 300

FILL = """
insert into coordinator.audit (tenant, seq, leaf, kind, at, actor, person, ehr, consent, purpose, outcome, subject,
                               body)
select one.tenant, seq, coordinator.audit_leaf(one.tenant, seq, kind, at, actor, person, ehr, null, 'TREAT', '0',
       'account', body), kind, at, actor, person, ehr, null, 'TREAT', '0', 'account', body
  from (select %(tenant)s as tenant, n as seq, (%(kinds)s::text[])[1 + (hashint8(n) & 65535) %% 6] as kind,
               %(start)s::timestamptz + n * interval '63 seconds' as at,
               'actor-' || (hashint8(n + 1) & 65535) %% %(actors)s
               as actor, 'person-' || (hashint8(n + 2) & 1048575) %% %(people)s as person,
               'ehr-' || (hashint8(n + 3) & 65535) %% %(ehrs)s as ehr, %(body)s::bytea as body
          from generate_series(%(first)s::bigint, %(last)s::bigint) as n) as one
"""
PLAIN = "insert into plain select * from unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::bytea[])"


def an_event(n: int) -> AuditRow:
    happening = Happening(
        kind="access",
        at=START + timedelta(days=900, seconds=n),
        actor="actor-1",
        subject="account",
        person=f"person-{n}",
    )
    return audit_row(happening)


async def appended(store: PostgresStore, *, batch: int, seconds: float) -> float:
    """Return how many events a second are appended in batches of a size, made beforehand."""
    rows, done = [an_event(n) for n in range(batch)], 0
    began = time.perf_counter()
    while (took := time.perf_counter() - began) < seconds:
        async with store.transaction() as tx:
            await tx.audit.append(rows)
        done += batch
    return done / took


async def baseline(connection: psycopg.AsyncConnection, *, batch: int, seconds: float) -> float:
    """Return how many of the same events a second go into a plain table."""
    rows, done = [an_event(n) for n in range(batch)], 0
    await connection.execute("create temp table plain (seq bigint primary key, actor text, at timestamptz, body bytea)")
    began = time.perf_counter()
    while (took := time.perf_counter() - began) < seconds:
        columns = (
            list(range(done, done + batch)),
            *([getattr(one, name) for one in rows] for name in ("actor", "at", "body")),
        )
        async with connection.transaction():
            await connection.execute(PLAIN, columns)
        done += batch
    return done / took


async def times(work: Callable[[], Awaitable[object]], count: int = ASKED) -> tuple[float, float]:
    """Return median and 99th percentile in milliseconds."""
    took = []
    for _ in range(count):
        began = time.perf_counter()
        await work()
        took.append((time.perf_counter() - began) * 1e3)
    took.sort()
    return took[count // 2], took[int(count * 0.99)]


def questions(chance: random.Random, rows: int) -> dict[str, Filter]:
    since = START + timedelta(seconds=63 * chance.randrange(rows))
    person, actor, ehr = f"person-{chance.randrange(PEOPLE)}", f"actor-{chance.randrange(ACTORS)}", "ehr-1"
    return {
        "a person, all": Filter(person=person),
        "a person, disclosures": Filter(person=person, kinds=("disclosure", "emergency")),
        "who saw a person": Filter(person=person, kinds=("access", "search", "disclosure", "export", "break-glass")),
        "a kind from a day on, a page of 50": Filter(kinds=("refusal",), since=since, limit=50),
        "an actor from a day on, a page of 50": Filter(actor=actor, since=since, limit=50),
        "writes to an EHR from a day on, a page of 50": Filter(kinds=("disclosure",), ehr=ehr, since=since, limit=50),
        "the next page of a kind": Filter(kinds=("access",), after=chance.randrange(rows), limit=50),
        "after a revocation": Filter(kinds=("disclosure",), is_after_revocation=True, limit=50),
    }


async def fill(connection: psycopg.AsyncConnection, rows: int) -> float:
    values = {"tenant": TENANT, "kinds": list(KINDS), "start": START, "people": PEOPLE, "actors": ACTORS, "ehrs": EHRS}
    began = time.perf_counter()
    for first in range(0, rows, 250_000):
        last = min(first + 250_000, rows) - 1
        await connection.execute(FILL, {**values, "body": an_event(0).body, "first": first, "last": last})
    await connection.execute("vacuum analyze coordinator.audit")
    return time.perf_counter() - began


async def measure(rows: int, home: Path) -> None:
    with using(home) as server:
        async with open_store(Embedded(home=home), TENANT) as store:
            connection = await psycopg.AsyncConnection.connect(
                host=server.host, user=server.user, password=server.password, dbname=server.dbname, autocommit=True
            )
            async with connection:
                print(f"{rows:,} events made in {await fill(connection, rows):,.0f} s")
                floor = await baseline(connection, batch=BATCH, seconds=3)
            await tell(store, rows, floor)


async def tell(store: PostgresStore, rows: int, floor: float) -> None:
    began = time.perf_counter()
    async with store.transaction() as tx:
        head = await seal(tx.audit, [signer_of("bench", bytes(32))], now=START)
    assert head is not None
    print(f"first head over all of it: {time.perf_counter() - began:,.1f} s")
    for batch in (1, 20, BATCH):
        rate = await appended(store, batch=batch, seconds=3)
        beside = f"; {rate / floor:.2f} of a plain table ({floor:,.0f}/s)" if batch == BATCH else ""
        print(f"append, {batch} a commit: {rate:,.0f}/s{beside}")
    chance = random.Random(1)
    for name in questions(chance, rows):

        async def ask(name: str = name) -> None:
            async with store.transaction() as tx:
                await tx.audit.page(questions(chance, rows)[name])

        median, high = await times(ask)
        print(f"{name:46} median {median:7.2f} ms   p99 {high:7.2f} ms")

    async def prove() -> None:
        async with store.transaction() as tx:
            await prove_inclusion(tx.audit, chance.randrange(rows), head.size)

    median, high = await times(prove, 50)
    print(f"{'proof that an event is there':46} median {median:7.2f} ms   p99 {high:7.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.audit", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="how many events the log holds (1,000,000)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        asyncio.run(measure(given.rows, Path(name) / "home"))


if __name__ == "__main__":
    main()
