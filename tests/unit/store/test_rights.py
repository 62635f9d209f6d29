"""What the program may do to its tables is granted by the database, not promised by the program."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.ports.rows import NOON, an_event

TENANT_TABLES = "select relname from pg_class where relnamespace = 'coordinator'::regnamespace and relkind = 'r'"

HISTORIES = (
    *("resource_version", "decision", "pull", "quarantine"),
    *("identity_link_history", "shadow_history", "finding_event"),
)


@pytest.fixture
def program(owner):
    """Return a connection with the rights of the program."""
    owner.execute("set role coordinator_app")
    return owner


@pytest.mark.parametrize(
    "statement",
    [
        "update audit set outcome = 'denied'",
        "update audit set leaf = ''",
        "delete from audit",
        "truncate audit",
        *(f"{verb} {table}" for table in ("audit_block", "audit_head") for verb in ("delete from", "truncate")),
        "update audit_block set hash = ''",
        "update audit_head set note = ''",
        "alter table audit disable row level security",
        "drop table audit",
    ],
)
async def test_the_log_only_grows(postgres_store, program, tenant, statement):
    async with postgres_store.transaction() as tx:
        await tx.audit.append([an_event()])
    program.execute("select set_config('coordinator.tenant', %s, false)", [tenant])
    assert program.execute("select count(*) from audit").fetchone() == (1,)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        program.execute(statement)


@pytest.mark.parametrize("table", HISTORIES)
@pytest.mark.parametrize("verb", ["update {} set tenant = tenant", "delete from {}"])
async def test_what_was_received_or_decided_is_never_rewritten(postgres_store, program, table, verb):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        program.execute(verb.format(table))


async def test_a_connection_sees_its_tenant_alone_whatever_it_asks(postgres_store, program, tenant):
    async with postgres_store.transaction() as tx:
        await tx.accounts.put_findings("anyone", [], NOON)
        await tx.audit.append([an_event()])
    program.execute("select set_config('coordinator.tenant', 'another', false)")
    assert program.execute("select count(*) from audit").fetchone() == (0,)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        program.execute("insert into setting (tenant, key, value) values (%s, 'k', '')", [tenant])


async def test_a_connection_that_names_no_tenant_sees_nothing(postgres_store, program):
    async with postgres_store.transaction() as tx:
        await tx.audit.append([an_event()])
    program.execute("reset coordinator.tenant")
    assert program.execute("select count(*) from audit").fetchone() == (0,)


async def test_every_table_begins_its_key_with_the_tenant_and_has_the_second_wall(postgres_store, owner):
    rows = owner.execute(
        """
        select c.relname, c.relrowsecurity,
               (select a.attname from pg_attribute a where a.attrelid = c.oid and a.attnum = i.indkey[0])
          from pg_class c left join pg_index i on i.indrelid = c.oid and i.indisprimary
         where c.relnamespace = 'coordinator'::regnamespace and c.relkind = 'r' and c.relname <> 'schema_migration'
        """
    ).fetchall()
    assert len(rows) > 15
    assert [row for row in rows if row[1:] != (True, "tenant")] == []


@pytest.mark.parametrize("kind", ["prune", "access"])
async def test_the_program_can_take_only_what_is_old_and_what_a_prune_before_it_tells(
    postgres_store, program, tenant, kind
):
    async with postgres_store.transaction() as tx:
        await tx.audit.append([replace(an_event(), at=datetime.now(UTC) - timedelta(days=2000)), an_event(kind)])
    program.execute("select set_config('coordinator.tenant', %s, false)", [tenant])
    if kind == "prune":
        assert program.execute("select audit_prune(1, '{0}', '{1}')").fetchone() == (0,)
    else:
        with pytest.raises(psycopg.errors.RaiseException, match="no prune is logged"):
            program.execute("select audit_prune(1, '{0}', '{1}')")
