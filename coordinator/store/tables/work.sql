-- Work for the fleet: leases, jobs, troubles, pauses.

-- name: take
-- Free is what nobody has, whose time is over, or whose program has ended.
insert into lease as held (tenant, ehr, work, fence, runner, until)
values (%(tenant)s, %(ehr)s, %(work)s, 1, %(runner)s, clock_timestamp() + make_interval(secs => %(seconds)s))
on conflict (tenant, ehr, work) do update
   set fence = held.fence + 1, runner = excluded.runner, until = excluded.until
 where held.until <= clock_timestamp()
    or held.runner not in (
        select objid::integer from pg_locks
         where locktype = 'advisory' and classid = %(lock)s and objsubid = 2 and granted
           and database = (select oid from pg_database where datname = current_database()))
returning fence

-- name: hold
update lease set until = clock_timestamp() + make_interval(secs => %(seconds)s)
 where tenant = %(tenant)s and ehr = %(ehr)s and work = %(work)s and fence = %(fence)s

-- name: give_back
update lease set until = clock_timestamp()
 where tenant = %(tenant)s and ehr = %(ehr)s and work = %(work)s and fence = %(fence)s

-- name: enlist
insert into fleet (tenant) values (%(tenant)s) on conflict do nothing

-- name: number
select number from fleet where tenant = %(tenant)s

-- name: put
select enqueue(%(tenant)s, %(work)s, %(keys)s::text[], %(urgency)s, %(after)s)

-- name: sweep
-- All that is owed and that nobody is about to look at. People whose row somebody holds are passed over: who holds it
-- may be about to ask for them, and for others after them.
with person as (
    select 'person' as work, person as key, wanted from person_state
     where tenant = %(tenant)s and (wanted > done or due_at <= %(now)s)
     order by person for update skip locked
), quiet as (
    select bool_or(kind = 'all') as is_all from pause where tenant = %(tenant)s
), server as (
    select name from ehr
     where tenant = %(tenant)s and convert_from(body, 'UTF8')::jsonb ->> 'url' not like 'file:%%'
       and not exists (select from pause
                        where pause.tenant = %(tenant)s and pause.kind = 'ehr' and pause.name = ehr.name)
), living as (
    select objid::integer as runner from pg_locks
     where locktype = 'advisory' and classid = %(lock)s and objsubid = 2 and granted
       and database = (select oid from pg_database where datname = current_database())
), owed as (
    select work, key, wanted from person
    union all
    select 'pull', name, null from server
    union all
    select distinct 'push', ehr, null::bigint from outbox join server on server.name = outbox.ehr
     where tenant = %(tenant)s and form <> 'none'
       and (status in ('owed', 'unknown', 'applied')
            or status = 'in-flight' and runner not in (select runner from living))
       and not exists (select from pause
                        where pause.tenant = %(tenant)s and pause.kind = 'person' and pause.name = outbox.person)
), left_alone as (
    select owed.work, owed.key from owed
     where not exists (select from pause
                        where pause.tenant = %(tenant)s and pause.kind = owed.work and pause.name = owed.key)
       and not exists (select from trouble
                        where trouble.tenant = %(tenant)s and trouble.work = owed.work and trouble.key = owed.key
                          and (trouble.again is null or trouble.again > clock_timestamp())
                          and (owed.wanted is null or owed.wanted <= trouble.wanted))
       and not exists (select from coordinator_queue.procrastinate_jobs job
                        where job.lock = %(tenant)s || '/' || owed.work || '/' || owed.key
                          and job.status in ('todo', 'doing'))
), asked as (
    select work, array_agg(key order by key) as keys from left_alone
     where (select is_all from quiet) is not true group by work order by work
)
select work, cardinality(keys),
       enqueue(%(tenant)s, work, keys, urgency(0, cardinality(keys)), 0)::text
  from asked where exists (select from fleet where fleet.tenant = %(tenant)s)

-- name: waiting
select args ->> 'work', args ->> 'key', priority,
       greatest(0, coalesce(extract(epoch from scheduled_at - clock_timestamp()), 0))::double precision
  from coordinator_queue.procrastinate_jobs
 where status = 'todo' and queue_name in (queue_of(%(tenant)s, 'person'), queue_of(%(tenant)s, 'pull'))
   and args ->> 'tenant' = %(tenant)s
 order by priority desc, id

-- name: stumble
insert into trouble as before (tenant, work, key, times, cause, is_outage, wanted)
values (%(tenant)s, %(work)s, %(key)s, 1, %(cause)s, %(is_outage)s,
        (select wanted from person_state where tenant = %(tenant)s and %(work)s = 'person' and person = %(key)s))
on conflict (tenant, work, key) do update
   set times = before.times + 1, cause = excluded.cause, is_outage = excluded.is_outage, wanted = excluded.wanted
returning times

-- name: park
update trouble set again = clock_timestamp() + make_interval(secs => %(after)s::double precision)
 where tenant = %(tenant)s and work = %(work)s and key = %(key)s

-- name: outage
-- In how many seconds the outage of an EHR is looked at again; no row where there is none.
select greatest(0, extract(epoch from max(again) - clock_timestamp()))::double precision
  from trouble where tenant = %(tenant)s and key = %(ehr)s and is_outage having count(*) > 0

-- name: probe
update trouble set again = clock_timestamp() + make_interval(secs => %(probe)s::double precision)
 where tenant = %(tenant)s and key = %(ehr)s and is_outage

-- name: answered
delete from trouble where tenant = %(tenant)s and key = %(ehr)s and is_outage returning work

-- name: recover
delete from trouble where tenant = %(tenant)s and work = %(work)s and key = any(%(keys)s::text[])

-- name: troubles
select work, key, times, cause, since, again, is_outage from trouble where tenant = %(tenant)s
 order by again is not null, work, key

-- name: open_span
-- Held until the end: two who draw never take the same request. A span of the past, by a clock behind, opens nothing.
insert into budget as open (tenant, ehr, span, start, used) values (%(tenant)s, %(ehr)s, %(span)s, %(start)s, 0)
on conflict (tenant, ehr, span) do update
   set start = greatest(open.start, excluded.start),
       used = case when excluded.start > open.start then 0 else open.used end
returning used

-- name: spend
update budget set used = used + %(count)s
 where tenant = %(tenant)s and ehr = %(ehr)s and span = any(%(spans)s::text[])

-- name: pauses
select kind, name, reason, actor, since from pause where tenant = %(tenant)s order by kind, name

-- name: pause
insert into pause (tenant, kind, name, reason, actor, since)
values (%(tenant)s, %(kind)s, %(name)s, %(reason)s, %(actor)s, %(since)s) on conflict do nothing

-- name: resume
delete from pause where tenant = %(tenant)s and kind = %(kind)s and name = %(name)s
