-- Work for the fleet: whose turn it is, what wakes a worker, what went wrong, what is paused, and what runs did.

-- Tenants that workers serve. Only for them a wake-up makes a job: without workers nobody would ever fetch it.
create table fleet (
    tenant text collate "C" not null,
    number integer generated always as identity,
    since timestamptz not null default clock_timestamp(),
    primary key (tenant)
);

-- One at a time pulls from an EHR, one at a time writes to it. Who takes a lease over gets a higher fence, and whatever
-- the one before still tries to write is refused by it.
create table lease (
    tenant text collate "C" not null,
    ehr text collate "C" not null,
    work text collate "C" not null,
    fence bigint not null,
    runner integer not null,
    until timestamptz not null,
    primary key (tenant, ehr, work)
);

-- Work that did not succeed: how often, why, and when it is tried again; never, where `again` is empty. Of a person also up
-- to which wake-up that counts: what is news since then is reason enough to look again.
create table trouble (
    tenant text collate "C" not null,
    work text collate "C" not null,
    key text collate "C" not null,
    times integer not null,
    cause text not null,
    since timestamptz not null default clock_timestamp(),
    again timestamptz,
    wanted bigint,
    primary key (tenant, work, key)
);

create table pause (
    tenant text collate "C" not null,
    kind text collate "C" not null,
    name text collate "C" not null,
    reason text not null,
    actor text not null,
    since timestamptz not null,
    primary key (tenant, kind, name)
);

create table run (
    tenant text collate "C" not null,
    run bigint generated always as identity,
    work text not null,
    ehr text collate "C" not null,
    began_at timestamptz not null,
    ended_at timestamptz,
    outcome text not null,
    cause text not null,
    seen bigint not null default 0,
    changed bigint not null default 0,
    matched bigint not null default 0,
    people bigint not null default 0,
    runner integer not null,
    primary key (tenant, run)
);

-- What became of an intent within a run. What a run received stands with the versions themselves.
create table run_write (
    tenant text collate "C" not null,
    run bigint not null,
    ehr text collate "C" not null,
    key text collate "C" not null,
    outcome text not null,
    reason text not null,
    primary key (tenant, run, ehr, key),
    foreign key (tenant, run) references run on delete cascade
);

-- The run under which a row came, as the transaction says.
alter table resource_version add column run bigint;
alter table resource_version alter column run set default nullif(current_setting('coordinator.run', true), '')::bigint;
create index resource_version_of_run on resource_version (tenant, run) where run is not null;
alter table quarantine add column run bigint;
alter table quarantine alter column run set default nullif(current_setting('coordinator.run', true), '')::bigint;
create index quarantine_of_run on quarantine (tenant, run) where run is not null;

grant usage on all sequences in schema coordinator to coordinator_app;
grant select, insert on fleet to coordinator_app;
grant select, insert, update on lease to coordinator_app;
grant select, insert, update, delete on trouble, pause, run, run_write to coordinator_app;

do $$
declare
    name text;
begin
    foreach name in array array['fleet', 'lease', 'trouble', 'pause', 'run', 'run_write']
    loop
        execute format('alter table %I enable row level security', name);
        execute format('create policy tenant on %I using (tenant = current_setting(''coordinator.tenant'', true))', name);
    end loop;
end
$$;

-- ---- wake-ups -------------------------------------------------------------------------------------------------------

-- The queue of a tenant: what needs no EHR never waits behind what does. Names of channels are at most 63 bytes, a
-- tenant's name alone may be that long.
create function queue_of(p_tenant text, p_work text) returns text language sql immutable as $$
    select case p_work when 'person' then 'people-' else 'ehrs-' end || left(md5(p_tenant), 12)
$$;

-- Ask for work, within the transaction that made it. A job that waits already is taken hold of until our commit
-- (DO UPDATE): else a worker could fetch it now, not see what we have not committed, and end, and nobody would look
-- again. It is pulled forward where it waited for a later moment. The library notifies of inserted rows alone.
create function enqueue(p_tenant text, p_work text, p_keys text[], p_urgency integer, p_after double precision)
returns void language plpgsql set search_path = coordinator_queue, coordinator, pg_temp as $$
declare
    v_queue text := queue_of(p_tenant, p_work);
    v_at timestamptz := case when p_after > 0 then clock_timestamp() + make_interval(secs => p_after) end;
begin
    if cardinality(p_keys) = 0 or not exists (select from fleet where tenant = p_tenant) then
        return;
    end if;
    insert into procrastinate_jobs as job (queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at)
    select v_queue, 'work', p_urgency, place, place,
           jsonb_build_object('tenant', p_tenant, 'work', p_work, 'key', key), v_at
      from (select distinct key, p_tenant || '/' || p_work || '/' || key as place from unnest(p_keys) key) wanted
     order by place collate "C"
    on conflict (queueing_lock) where status = 'todo' do update
       set priority = greatest(job.priority, excluded.priority),
           scheduled_at = case when job.scheduled_at is not null and excluded.scheduled_at is not null
                               then least(job.scheduled_at, excluded.scheduled_at) end;
    perform pg_notify('procrastinate_queue_v1#' || v_queue, '{"type": "job_inserted", "job_id": 0}');
end
$$;

-- How urgent what follows from this transaction is: 20 where a consent or a decision made it, 10 for transitions,
-- 0 for the day's work, -10 for what comes in bulk.
create function urgency(p_usual integer, p_count bigint) returns integer language sql stable as $$
    select case when current_setting('coordinator.urgent', true) = 'on' then 20
                when p_count > 20 then least(p_usual, -10)
                else p_usual end
$$;

create function is_hushed() returns boolean language sql stable as $$
    select coalesce(current_setting('coordinator.hushed', true), '') = 'on'
$$;

create function wake_persons() returns trigger language plpgsql set search_path = coordinator, pg_temp as $$
declare
    woken record;
begin
    if is_hushed() then
        return null;
    end if;
    for woken in
        select now_so.tenant, array_agg(now_so.person) as persons, count(*) as number
          from now_so join was_so on was_so.tenant = now_so.tenant and was_so.person = now_so.person
         where now_so.wanted > was_so.wanted
         group by now_so.tenant
    loop
        perform enqueue(woken.tenant, 'person', woken.persons, urgency(0, woken.number), 0);
    end loop;
    return null;
end
$$;
create trigger wake_persons after update on person_state
    referencing old table as was_so new table as now_so for each statement execute function wake_persons();

-- What became of an intent is kept with the run that did it. What is newly owed will wake the EHR's outbox; what pushing
-- itself puts back waits for its own time.
create function note_write() returns trigger language plpgsql set search_path = coordinator, pg_temp as $$
declare
    v_run bigint := nullif(current_setting('coordinator.run', true), '')::bigint;
    v_usual integer := case when new.concept in ('enrollment', 'stay-proposal') then 10 else 0 end;
begin
    if v_run is not null and (tg_op = 'INSERT' or old.status is distinct from new.status) then
        insert into run_write (tenant, run, ehr, key, outcome, reason)
        values (new.tenant, v_run, new.ehr, new.key, new.status, new.reason)
        on conflict (tenant, run, ehr, key) do update set outcome = excluded.outcome, reason = excluded.reason;
    end if;
    if not is_hushed() and new.status = 'owed' and new.form <> 'none'
       and (tg_op = 'INSERT' or old.status not in ('owed', 'unknown', 'in-flight') or old.material <> new.material)
    then
        perform set_config('coordinator.owes', format('%s|%s %s', current_setting('coordinator.owes', true),
                                                      urgency(v_usual, 1), new.ehr), true);
    end if;
    return null;
end
$$;
create trigger note_write after insert or update on outbox for each row execute function note_write();

-- The jobs of outboxes are taken hold of last, at commit, and in one order: two that decide about several people would
-- else wait for each other in a circle.
create function wake_outbox() returns trigger language plpgsql set search_path = coordinator, pg_temp as $$
declare
    v_owes text := current_setting('coordinator.owes', true);
    owing record;
begin
    if coalesce(v_owes, '') = '' then
        return null;
    end if;
    perform set_config('coordinator.owes', '', true);
    for owing in
        select split_part(one, ' ', 2) as ehr, max(split_part(one, ' ', 1)::integer) as urgency
          from unnest(string_to_array(v_owes, '|')) one where one <> ''
         group by 1 order by split_part(one, ' ', 2) collate "C"
    loop
        perform enqueue(new.tenant, 'push', array[owing.ehr], owing.urgency, 0);
    end loop;
    return null;
end
$$;
create constraint trigger wake_outbox after insert or update on outbox deferrable initially deferred
    for each row when (new.status = 'owed') execute function wake_outbox();

-- Close what dead workers left running and ask for it anew, as another job: one that was rescued under its old number
-- could be ended by the worker that was thought dead (seen with SIGSTOP). Returns how many jobs that were.
create function rescue(p_stale double precision, p_lock integer)
returns integer language plpgsql set search_path = coordinator_queue, coordinator, pg_temp as $$
declare
    lost record;
    v_count integer := 0;
begin
    if not pg_try_advisory_xact_lock(hashtextextended('coordinator.rescue', 0)) then
        return 0;
    end if;
    for lost in
        select job.id, job.args, job.priority
          from procrastinate_jobs job
          left join procrastinate_workers worker on worker.id = job.worker_id
          left join worker_program program on program.worker_id = worker.id
         where job.status = 'doing'
           and (worker.id is null
                or worker.last_heartbeat < clock_timestamp() - make_interval(secs => p_stale)
                or program.runner not in (
                    select objid::integer from pg_locks
                     where locktype = 'advisory' and classid = p_lock and objsubid = 2 and granted
                       and database = (select oid from pg_database where datname = current_database())))
         order by job.id for update of job skip locked
    loop
        perform procrastinate_finish_job_v1(lost.id, 'failed', false);
        perform enqueue_of(lost.args, lost.priority);
        v_count := v_count + 1;
    end loop;
    delete from procrastinate_workers where last_heartbeat < clock_timestamp() - make_interval(secs => p_stale);
    delete from procrastinate_jobs job where job.status not in ('todo', 'doing');
    return v_count;
end
$$;

-- Ask for a job's work anew, whatever tenant it is of: only the schema's owner sees all of them.
create function enqueue_of(p_args jsonb, p_urgency integer)
returns void language plpgsql security definer set search_path = coordinator, pg_temp as $$
begin
    perform enqueue(p_args ->> 'tenant', p_args ->> 'work', array[p_args ->> 'key'], p_urgency, 0);
end
$$;

-- The tenants that workers serve, for a worker that serves all of them: names and nothing else.
create function fleet_tenants() returns setof text
language sql stable security definer set search_path = coordinator, pg_temp as $$
    select tenant from fleet order by tenant
$$;
-- Fetching is fast only with statistics of about the present size: 8 ms a job with those of an empty table.
create function analyze_queue() returns void
language sql security definer set search_path = coordinator_queue, pg_temp as $$
    analyze procrastinate_jobs
$$;

revoke execute on function fleet_tenants(), enqueue_of(jsonb, integer), analyze_queue() from public;
grant execute on function fleet_tenants(), enqueue_of(jsonb, integer), analyze_queue() to coordinator_app;
