-- What the superuser of the embedded server prepares once.

-- name: missing_objects
-- The statements that bring the owner, the program's role and the database into being: each only where it is missing.
select format('create role coordinator_owner login createrole password %%L', %(password)s::text)
 where not exists (select from pg_roles where rolname = 'coordinator_owner')
union all
select 'create role coordinator_app nologin'
 where not exists (select from pg_roles where rolname = 'coordinator_app')
union all
select 'grant coordinator_app to coordinator_owner with admin option, inherit false'
union all
select 'create database coordinator owner coordinator_owner'
 where not exists (select from pg_database where datname = 'coordinator')
