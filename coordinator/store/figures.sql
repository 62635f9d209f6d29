-- Counts for a collector of metrics: few labels, and none of them names anybody.

-- name: figures
select 'coordinator_jobs', count(*)::double precision, '' as ehr, args ->> 'work' as stage, status::text as outcome
  from coordinator_queue.procrastinate_jobs
 where queue_name in (queue_of(%(tenant)s, 'person'), queue_of(%(tenant)s, 'pull'))
 group by args ->> 'work', status
union all
select 'coordinator_oldest_job_seconds', max(extract(epoch from clock_timestamp() - due.at))::double precision, '',
       due.stage, ''
  from (select job.args ->> 'work' as stage, greatest(job.scheduled_at, min(event.at)) as at
          from coordinator_queue.procrastinate_jobs job
          join coordinator_queue.procrastinate_events event on event.job_id = job.id and event.type = 'deferred'
         where job.status = 'todo' and (job.scheduled_at is null or job.scheduled_at <= now())
           and job.queue_name in (queue_of(%(tenant)s, 'person'), queue_of(%(tenant)s, 'pull'))
         group by job.id) due
 group by due.stage
union all
select 'coordinator_people_owed', count(*)::double precision, '', '', ''
  from person_state where tenant = %(tenant)s and wanted > done
union all
select 'coordinator_writes', count(*)::double precision, ehr, '', status
  from outbox where tenant = %(tenant)s group by ehr, status
union all
select 'coordinator_runs', count(*)::double precision, ehr, work, outcome
  from run where tenant = %(tenant)s group by ehr, work, outcome
