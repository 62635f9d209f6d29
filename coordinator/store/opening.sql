-- What each connection of an open store is told, and what is asked of the store as a whole.

-- name: prepare
-- The rights of the program, not of the owner; the tenant for the row policies; instants in UTC; and a transaction
-- that was forgotten must not hold a person's row for ever. A plan made while tables were empty must not be kept: on
-- the first load it would read the whole table for each row.
select set_config('role', 'coordinator_app', false),
       set_config('search_path', 'coordinator', false),
       set_config('coordinator.tenant', %(tenant)s, false),
       set_config('timezone', 'UTC', false),
       set_config('plan_cache_mode', 'force_custom_plan', false),
       set_config('idle_in_transaction_session_timeout', '10min', false)

-- name: become_runner
-- A number of our own, locked for as long as this connection lives.
select runner, pg_advisory_lock(%(lock)s, runner) from (select nextval('runner')::integer as runner)

-- name: retire_runner
-- Closing the connection would let go of the number, too, but a moment later than the next program may look.
select pg_advisory_unlock_all()

-- name: row_counts
-- How many rows a tenant has in the tables that a quiet run leaves alone, and the last change to any of them.
select 'resource', count(*), coalesce(max(changed), 0) from resource where tenant = %(tenant)s
union all select 'resource_version', count(*), coalesce(max(changed), 0) from resource_version where tenant = %(tenant)s
union all select 'account', count(*), coalesce(max(changed), 0) from account where tenant = %(tenant)s
union all select 'finding', count(*), coalesce(max(changed), 0) from finding where tenant = %(tenant)s
union all select 'decision', count(*), coalesce(max(changed), 0) from decision where tenant = %(tenant)s
union all select 'shadow', count(*), coalesce(max(changed), 0) from shadow where tenant = %(tenant)s
union all select 'outbox', count(*), coalesce(max(changed), 0) from outbox where tenant = %(tenant)s
