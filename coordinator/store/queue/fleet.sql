-- What the fleet asks of its own tables.

-- name: prepare
select set_config('role', 'coordinator_app', false),
       set_config('search_path', 'coordinator_queue,coordinator', false),
       set_config('coordinator.tenant', %(tenant)s, false),
       set_config('timezone', 'UTC', false),
       set_config('idle_in_transaction_session_timeout', '60s', false)

-- name: belong
insert into worker_program (worker_id, runner) values (%(worker)s, %(runner)s) on conflict do nothing

-- name: beat
update procrastinate_workers set last_heartbeat = clock_timestamp() where id = any(%(workers)s::bigint[])

-- name: is_living
select exists (select from pg_locks
                where locktype = 'advisory' and classid = %(lock)s and objid = %(runner)s and objsubid = 2 and granted
                  and database = (select oid from pg_database where datname = current_database()))

-- name: doing
select id from procrastinate_jobs where status = 'doing' and worker_id = any(%(workers)s::bigint[])

-- name: abandon
-- Jobs of ours that have ended without the queue having heard of it.
select procrastinate_finish_job_v1(id, 'failed', true), enqueue_of(args, priority)
  from procrastinate_jobs where status = 'doing' and id = any(%(jobs)s::bigint[])

-- name: rescue
select rescue(%(stale)s, %(lock)s)

-- name: backlog
select count(*) from procrastinate_jobs where status = 'todo'

-- name: analyze
select analyze_queue()

-- name: is_busy
select exists (select from procrastinate_jobs
                where queue_name = any(%(queues)s::text[])
                  and (status = 'doing' or status = 'todo' and (scheduled_at is null or scheduled_at <= now())))

-- name: queues
select queue_of(%(tenant)s, 'person'), queue_of(%(tenant)s, 'pull')
