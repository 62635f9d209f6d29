-- What is owed and what became of it.

-- name: towards
-- The entries of a person towards an EHR, locked: what is owed next depends on what was.
select ehr, key, person, concept, type, form, target, base, base_hash, body, material, paths, claim_system, claim_value,
       evidence, summary, status, reason, attempts, result_id, result_version, sent_hash, updated_at, facts, rules
  from outbox where tenant = %(tenant)s and person = %(person)s and ehr = %(ehr)s order by key for update

-- name: entries
select ehr, key, person, concept, type, form, target, base, base_hash, body, material, paths, claim_system, claim_value,
       evidence, summary, status, reason, attempts, result_id, result_version, sent_hash, updated_at, facts, rules
  from outbox
 where tenant = %(tenant)s
   and (%(person)s::text is null or person = %(person)s) and (%(ehr)s::text is null or ehr = %(ehr)s)
 order by person, ehr, key

-- name: sendable
-- Oldest need first. A write in flight belongs to the program that sent it for as long as that program holds its lock.
select ehr, key, person, concept, type, form, target, base, base_hash, body, material, paths, claim_system, claim_value,
       evidence, summary, status, reason, attempts, result_id, result_version, sent_hash, updated_at, facts, rules
  from outbox
 where tenant = %(tenant)s and ehr = %(ehr)s and form <> 'none'
   and (status in ('owed', 'unknown')
        or status = 'in-flight' and (runner = %(runner)s or runner not in (
            select objid::integer from pg_locks
             where locktype = 'advisory' and classid = %(lock)s and objsubid = 2 and granted
               and database = (select oid from pg_database where datname = current_database()))))
   and not exists (select from pause
                    where pause.tenant = %(tenant)s
                      and (pause.kind = 'all' or pause.kind = 'ehr' and pause.name = outbox.ehr
                           or pause.kind = 'person' and pause.name = outbox.person))
 order by seq limit %(limit)s for update skip locked

-- name: take
-- One of them once more, as it stands when its turn has come: another program may have sent it meanwhile.
select ehr, key, person, concept, type, form, target, base, base_hash, body, material, paths, claim_system, claim_value,
       evidence, summary, status, reason, attempts, result_id, result_version, sent_hash, updated_at, facts, rules
  from outbox
 where tenant = %(tenant)s and person = %(person)s and ehr = %(ehr)s and key = %(key)s and form <> 'none'
   and (status in ('owed', 'unknown')
        or status = 'in-flight' and (runner = %(runner)s or runner not in (
            select objid::integer from pg_locks
             where locktype = 'advisory' and classid = %(lock)s and objsubid = 2 and granted
               and database = (select oid from pg_database where datname = current_database()))))
   for update

-- name: put
insert into outbox (tenant, ehr, key, person, concept, type, form, target, base, base_hash, body, material, paths,
                    claim_system, claim_value, evidence, summary, status, reason, attempts, result_id, result_version,
                    sent_hash, facts, updated_at, runner, rules)
values (%(tenant)s, %(ehr)s, %(key)s, %(person)s, %(concept)s, %(type)s, %(form)s, %(target)s, %(base)s, %(base_hash)s,
        %(body)s, %(material)s, %(paths)s, %(claim_system)s, %(claim_value)s, %(evidence)s, %(summary)s, %(status)s,
        %(reason)s, %(attempts)s, %(result_id)s, %(result_version)s, %(sent_hash)s, %(facts)s,
        %(updated_at)s, %(runner)s, %(rules)s)
on conflict (tenant, person, ehr, key) do update
   set concept = excluded.concept, type = excluded.type, form = excluded.form, target = excluded.target,
       base = excluded.base, base_hash = excluded.base_hash, body = excluded.body, material = excluded.material,
       paths = excluded.paths,
       claim_system = excluded.claim_system, claim_value = excluded.claim_value, evidence = excluded.evidence,
       summary = excluded.summary, status = excluded.status, reason = excluded.reason, attempts = excluded.attempts,
       result_id = excluded.result_id, result_version = excluded.result_version, sent_hash = excluded.sent_hash,
       facts = excluded.facts, updated_at = excluded.updated_at,
       runner = case when %(is_report)s then excluded.runner else outbox.runner end,
       rules = excluded.rules,
       seq = case when outbox.status <> 'owed' and excluded.status = 'owed' then nextval('change') else outbox.seq end,
       changed = nextval('change')
