-- What opening a store needs before any of its own tables can be used.

-- name: server
-- Which server this is, how it encodes text, and whether the role of the program exists.
select current_setting('server_version_num')::integer, current_setting('server_encoding'),
       exists (select from pg_roles where rolname = 'coordinator_app')

-- name: has_log
select to_regclass('coordinator.schema_migration') is not null

-- name: applied
select number, hash from coordinator.schema_migration order by number

-- name: only_one
-- One migrates, the others wait: for the length of the transaction.
select pg_advisory_xact_lock(hashtextextended('coordinator.schema_migration', 0))

-- name: create_role
create role coordinator_app nologin

-- name: join_role
-- Since PostgreSQL 16 the maker of a role may grant it, but not use it, until it says so.
grant coordinator_app to current_user with inherit false, set true

-- name: may_join
-- Whether we must still join the role (a superuser need not).
select not pg_has_role(current_user, 'coordinator_app', 'set')

-- name: create_schema
create schema if not exists coordinator

-- name: create_log
create table if not exists coordinator.schema_migration (
    number integer primary key,
    name text not null,
    hash text not null,
    applied_at timestamptz not null default now()
)

-- name: schema_path
select set_config('search_path', 'coordinator', true)

-- name: note
insert into coordinator.schema_migration (number, name, hash) values (%(number)s, %(name)s, %(hash)s)

-- name: declare
-- Which schema a program knows, for as long as this connection lives; it locks nobody out.
select pg_advisory_lock_shared(%(lock)s, %(newest)s)

-- name: is_held
-- Whether a program that lives knows less than a step, or is so old that it does not say what it knows.
with held as (
    select pid, classid::integer as kind, objid::integer as number from pg_locks
     where locktype = 'advisory' and objsubid = 2 and granted and pid <> pg_backend_pid()
       and database = (select oid from pg_database where datname = current_database())
)
select exists (
    select from held where kind = %(lock)s and number < %(number)s
    union all
    select from held where kind = %(runners)s and pid not in (select pid from held where kind = %(lock)s)
)
