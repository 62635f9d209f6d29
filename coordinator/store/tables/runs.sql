-- What runs did.

-- name: lose
-- At an EHR one works at a time: what still seems to run there, its program could not tell of.
update run set outcome = 'lost', ended_at = %(at)s
 where tenant = %(tenant)s and work = %(work)s and ehr = %(ehr)s and ehr <> '' and outcome = 'running'

-- name: begin
insert into run (tenant, work, ehr, began_at, outcome, cause, runner)
values (%(tenant)s, %(work)s, %(ehr)s, %(at)s, 'running', '', %(runner)s) returning run

-- name: end
update run set ended_at = %(at)s, outcome = %(outcome)s, cause = %(cause)s,
               seen = %(seen)s, changed = %(changed)s, matched = %(matched)s, people = %(people)s
 where tenant = %(tenant)s and run = %(run)s

-- name: runs
select run, work, ehr, began_at, ended_at, outcome, cause, seen, changed, matched, people,
       outcome = 'running' and runner not in (
           select objid::integer from pg_locks
            where locktype = 'advisory' and classid = %(lock)s and objsubid = 2 and granted
              and database = (select oid from pg_database where datname = current_database()))
  from run where tenant = %(tenant)s order by run desc limit %(limit)s

-- name: counts
with touched as (
    select run, case presence when 'present' then 'received' else 'gone' end as outcome
      from resource_version where tenant = %(tenant)s and run = any(%(runs)s::bigint[])
    union all
    select run, 'unreadable' from quarantine where tenant = %(tenant)s and run = any(%(runs)s::bigint[])
    union all
    select run, outcome from run_write where tenant = %(tenant)s and run = any(%(runs)s::bigint[])
)
select run, outcome, count(*) from touched group by run, outcome order by run, outcome

-- name: rows
select case presence when 'present' then 'received' else 'gone' end as outcome, ehr, type || '/' || id as key, '' as reason
  from resource_version where tenant = %(tenant)s and run = %(run)s
union all
select 'unreadable', ehr, type || '/' || id, reason from quarantine where tenant = %(tenant)s and run = %(run)s
union all
select outcome, ehr, key, reason from run_write where tenant = %(tenant)s and run = %(run)s
 order by 1, 2, 3

-- name: forget
delete from run where tenant = %(tenant)s and began_at < %(before)s and outcome <> 'running'
