"""A wake-up is never lost, however the steps of a writer and a worker fall between each other.

Random load does not show the hole that these steps go through: later writes heal it. So they are played one by one.
"""

from pathlib import Path

import procrastinate
import psycopg
import pytest

from coordinator.store.embedded import using
from coordinator.store.migrations import migrations
from coordinator.store.tables.outbox import RUNNER_LOCK
from coordinator.sync.work.records import Job, Work
from tests.ports.rows import NOON, a_link, a_patient, a_version

FETCH = "select id from coordinator_queue.procrastinate_fetch_job_v2(array[queue_of(%s, 'person')]::varchar[], %s)"
FINISH = "select coordinator_queue.procrastinate_finish_job_v1(%s, %s, %s)"


@pytest.fixture
def connect(database):
    """Return what opens connections with the rights of the schema's owner, each in its own transaction."""
    opened = []
    with using(database.home) as found:

        def another(*, autocommit=False):
            connection = psycopg.connect(
                host=found.host, user=found.user, password=found.password, dbname=found.dbname, autocommit=autocommit
            )
            connection.execute("set search_path to coordinator, coordinator_queue")
            connection.execute("set lock_timeout to '500ms'")
            if not autocommit:
                connection.commit()
            opened.append(connection)
            return connection

        yield another
        for one in opened:
            one.close()


@pytest.fixture
async def person(postgres_store):
    """Return a person of a tenant that workers serve, for whom a job waits."""
    async with postgres_store.transaction() as tx:
        await tx.jobs.enlist()
        person = await tx.people.create()
        await tx.evidence.receive([a_patient()])
        await tx.people.link(a_link(person))
    return person


@pytest.fixture
def worker(connect):
    """Return the connection of a worker that is alive."""
    worker = connect(autocommit=True)
    (worker.number,) = worker.execute("select worker_id from procrastinate_register_worker_v1()").fetchone()
    return worker


def _fetch(worker, tenant):
    return worker.execute(FETCH, [tenant, worker.number]).fetchone()[0]


def _die(worker):
    """Be silent for longer than a living worker is."""
    asked = "update procrastinate_workers set last_heartbeat = now() - interval '1 hour' where id = %s"
    worker.execute(asked, [worker.number])


def _jobs(worker, tenant):
    asked = "select id, status::text from procrastinate_jobs where args ->> 'tenant' = %s order by id"
    return worker.execute(asked, [tenant]).fetchall()


def _wake(writer, tenant, person):
    writer.execute("update person_state set wanted = wanted + 1 where tenant = %s and person = %s", [tenant, person])


async def test_a_worker_does_not_begin_a_waiting_job_whose_news_is_not_committed(
    person, tenant, connect, worker, postgres_store
):
    """It would not see the news, end, and nobody would look again: DO UPDATE holds the job until the commit."""
    writer = connect()
    _wake(writer, tenant, person)
    assert _fetch(worker, tenant) is None
    writer.commit()
    job = _fetch(worker, tenant)
    assert job
    async with postgres_store.transaction() as tx:
        (due,) = await tx.wakes.due(NOON, limit=1)
    assert (
        due.wanted
        == worker.execute(
            "select wanted from person_state where tenant = %s and person = %s", [tenant, person]
        ).fetchone()[0]
    )


async def test_news_while_the_job_runs_wait_for_the_next(person, tenant, connect, worker):
    running = _fetch(worker, tenant)
    writer = connect()
    _wake(writer, tenant, person)
    writer.commit()
    assert [status for _, status in _jobs(worker, tenant)] == ["doing", "todo"]
    assert _fetch(worker, tenant) is None, "one at a time for a person"
    worker.execute(FINISH, [running, "succeeded", True])
    assert _fetch(worker, tenant) not in {None, running}


async def test_a_parked_job_begins_with_the_news(person, tenant, connect, worker):
    """With DO NOTHING a job that waited an hour to be tried again hid the news for that hour."""
    worker.execute(
        "update procrastinate_jobs set scheduled_at = now() + interval '1 hour' where args ->> 'tenant' = %s", [tenant]
    )
    assert _fetch(worker, tenant) is None
    writer = connect()
    _wake(writer, tenant, person)
    writer.commit()
    assert _fetch(worker, tenant)


async def test_a_writer_who_gives_up_leaves_the_waiting_job_as_it_was(person, tenant, connect, worker):
    writer = connect()
    _wake(writer, tenant, person)
    writer.rollback()
    assert _fetch(worker, tenant)


async def test_workers_hear_of_a_job_that_they_passed_over_while_it_was_held(person, tenant, connect, worker):
    """The library announces inserted rows alone; without a word of ours they would hear with the next poll."""
    listener = connect(autocommit=True)
    channel = f"procrastinate_queue_v1#{worker.execute('select queue_of(%s, %s)', [tenant, 'person']).fetchone()[0]}"
    listener.execute(f'listen "{channel}"')
    writer = connect()
    _wake(writer, tenant, person)
    writer.commit()
    assert [one.channel for one in listener.notifies(timeout=5, stop_after=1)] == [channel]


async def test_what_a_dead_worker_left_running_is_asked_for_anew_under_another_number(person, tenant, worker):
    """Under the old number a worker that was only thought dead could close the new one."""
    lost = _fetch(worker, tenant)
    _die(worker)
    worker.execute("select rescue(10, %s)", [RUNNER_LOCK])
    ((rescued, status),) = _jobs(worker, tenant)
    assert (status, rescued != lost) == ("todo", True)
    with pytest.raises(psycopg.errors.RaiseException, match="not found"):
        worker.execute(FINISH, [lost, "succeeded", True])
    assert _jobs(worker, tenant) == [(rescued, "todo")]


async def test_a_rescue_beside_news_leaves_one_job(person, tenant, connect, worker):
    """The library's own way of putting a job back fails here, and the job would run for ever."""
    _fetch(worker, tenant)
    writer = connect()
    _wake(writer, tenant, person)
    writer.commit()
    _die(worker)
    worker.execute("select rescue(10, %s)", [RUNNER_LOCK])
    assert [status for _, status in _jobs(worker, tenant)] == ["todo"]


async def test_who_wakes_many_in_any_order_and_who_sweeps_do_not_wait_in_a_circle(
    person, tenant, connect, worker, postgres_store
):
    """A sweep passes over people whose row somebody holds, since that one may ask for others yet."""
    async with postgres_store.transaction() as tx:
        other = await tx.people.create()
        await tx.wakes.wake([other])
    worker.execute("delete from procrastinate_jobs where args ->> 'tenant' = %s", [tenant])
    first, second = sorted([person, other])
    writer = connect()
    _wake(writer, tenant, second)
    async with postgres_store.transaction() as tx:
        assert await tx.jobs.sweep(NOON) == 1
    _wake(writer, tenant, first)
    writer.commit()
    assert len(_jobs(worker, tenant)) == 2


async def test_evidence_is_kept_with_its_wake_up_though_a_job_waits(person, postgres_store):
    """With the library's own way of asking, the refused second job undid the evidence, and the commit said nothing."""
    async with postgres_store.transaction() as tx:
        assert await tx.evidence.receive([a_version()]) == 1
    async with postgres_store.transaction() as tx:
        assert await tx.evidence.one("north", "Observation", "o1")
        assert [one.job for one in await tx.jobs.waiting()] == [Job(work=Work.PERSON, key=person)]


def test_the_tables_of_the_queue_are_those_of_the_library_that_is_installed():
    """A new version of it comes with a step of ours, and with these tests."""
    (step,) = [one for one in migrations() if one.name.endswith("_pre_queue.sql")]
    _, _, rest = step.text.decode().partition("-- >>> procrastinate 3.10.0, sql/schema.sql\n")
    copied, _, _ = rest.partition("-- <<< procrastinate 3.10.0\n")
    installed = Path(procrastinate.__file__).with_name("sql") / "schema.sql"
    assert copied.strip() == installed.read_text(encoding="utf-8").strip()
