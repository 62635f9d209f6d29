-- People, which EHR patient is whom, and to whom a reconciliation is owed.

-- name: hold_ehr
-- Alone against all who receive from this EHR: see `hold_ehr` in evidence.sql.
select pg_advisory_xact_lock(hashtextextended(%(tenant)s || '/' || %(ehr)s, 1))

-- name: hold_matching
-- One matches at a time: two that look at the same new records would each make persons of them.
select pg_advisory_xact_lock(hashtextextended(%(tenant)s, 2))

-- name: unmatched
select v.ehr, v.type, v.id, v.version, v.raw_hash, v.canonical_hash, v.body, v.patient, v.learned_at, v.presence
  from resource r
  join resource_version v on v.tenant = r.tenant and v.ehr = r.ehr and v.type = r.type and v.id = r.id
                         and v.seq = r.latest
  left join identity_link link on link.tenant = r.tenant and link.ehr = r.ehr and link.patient = r.id
 where r.tenant = %(tenant)s and r.type = 'Patient' and r.presence = 'present'
   and link.matched_hash is distinct from r.canonical_hash
 order by r.ehr, r.id

-- name: patients
select v.ehr, v.type, v.id, v.version, v.raw_hash, v.canonical_hash, v.body, v.patient, v.learned_at, v.presence
  from unnest(%(ehrs)s::text[], %(patients)s::text[]) asked (ehr, patient)
  join resource r on r.tenant = %(tenant)s and r.ehr = asked.ehr and r.type = 'Patient' and r.id = asked.patient
  join resource_version v on v.tenant = r.tenant and v.ehr = r.ehr and v.type = r.type and v.id = r.id
                         and v.seq = r.latest
 order by r.ehr, r.id

-- name: with_keys
-- Of each key one more than may carry it are looked at, never all of a crowd.
select asked.key, held.ehr, held.patient
  from unnest(%(keys)s::text[]) asked (key)
 cross join lateral (
    select found.ehr, found.patient, count(*) over () as carriers
      from (select ehr, patient from identity_key
             where tenant = %(tenant)s and key = asked.key
             order by ehr, patient limit %(most)s::integer + 1) found
 ) held
 where %(most)s::integer is null or held.carriers <= %(most)s::integer
 order by asked.key collate "C", held.ehr, held.patient

-- name: crowded
select key, count(*) from identity_key
 where tenant = %(tenant)s and key = any(%(keys)s) group by key having count(*) > %(most)s

-- name: crowds
select count(*) from identity_key where tenant = %(tenant)s group by key having count(*) > %(most)s order by 1

-- name: drop_keys
delete from identity_key
 where tenant = %(tenant)s and ehr = %(ehr)s and patient = %(patient)s and key <> all(%(keys)s)

-- name: add_keys
insert into identity_key (tenant, key, ehr, patient)
select %(tenant)s, key, %(ehr)s, %(patient)s from unnest(%(keys)s::text[]) key order by key
on conflict do nothing

-- name: create
insert into person (tenant, person) values (%(tenant)s, gen_random_uuid()::text) returning person

-- name: create_state
insert into person_state (tenant, person) values (%(tenant)s, %(person)s)

-- name: remember
insert into identity_past as old (tenant, records, person, shadows)
values (%(tenant)s, %(records)s, %(person)s, %(shadows)s)
on conflict (tenant, records) do update set person = excluded.person, shadows = excluded.shadows
 where old.person <> excluded.person or old.shadows <> excluded.shadows

-- name: past
select records, person, shadows from identity_past where tenant = %(tenant)s and records = %(records)s::text[]

-- name: pasts
select records, person, shadows from identity_past
 where tenant = %(tenant)s and person = %(person)s order by records

-- name: link_of
select ehr, patient, person, since, by, matched_hash from identity_link
 where tenant = %(tenant)s and ehr = %(ehr)s and patient = %(patient)s for update

-- name: link
-- The history grows where the link is another one than before, not where it was only looked at again.
with kept as (
    insert into identity_link (tenant, ehr, patient, person, since, by, matched_hash)
    values (%(tenant)s, %(ehr)s, %(patient)s, %(person)s, %(since)s, %(by)s, %(matched_hash)s)
    on conflict (tenant, ehr, patient) do update
       set person = excluded.person, since = excluded.since, by = excluded.by, matched_hash = excluded.matched_hash
    returning tenant, ehr, patient, person, since, by, matched_hash
)
insert into identity_link_history (tenant, ehr, patient, person, since, by, matched_hash)
select * from kept
 where not exists (select from identity_link old
                    where old.tenant = kept.tenant and old.ehr = kept.ehr and old.patient = kept.patient
                      and old.person = kept.person and old.by = kept.by)

-- name: links
select ehr, patient, person, since, by, matched_hash from identity_link
 where tenant = %(tenant)s order by person, ehr, patient

-- name: links_of
select ehr, patient, person, since, by, matched_hash from identity_link
 where tenant = %(tenant)s and person = %(person)s order by ehr, patient

-- name: links_known_at
with asked as (
    select distinct ehr, patient from identity_link_history
     where tenant = %(tenant)s and (%(person)s::text is null or person = %(person)s)
), held as (
    select distinct on (ehr, patient) ehr, patient, person, since, by, matched_hash
      from identity_link_history join asked using (ehr, patient)
     where tenant = %(tenant)s and since <= %(known_at)s
     order by ehr, patient, seq desc
)
select ehr, patient, person, since, by, matched_hash from held
 where %(person)s::text is null or person = %(person)s order by person, ehr, patient

-- name: linked
select ehr, patient, person, since, by, matched_hash from identity_link
  join unnest(%(ehrs)s::text[], %(patients)s::text[]) asked (ehr, patient) using (ehr, patient)
 where tenant = %(tenant)s order by ehr, patient

-- name: wake
-- Rows are locked in the order of their keys: two who wake the same persons never wait for each other in a circle.
with locked as (
    select person from person_state
     where tenant = %(tenant)s and person = any(%(persons)s) order by person for update
)
update person_state state set wanted = wanted + 1
  from locked where state.tenant = %(tenant)s and state.person = locked.person

-- name: due
select person, wanted from person_state state
 where tenant = %(tenant)s and (wanted > done or due_at <= %(now)s)
   and (%(only)s::text[] is null or person = any(%(only)s::text[]))
   and not exists (select from pause
                    where pause.tenant = %(tenant)s
                      and (pause.kind = 'all' or pause.kind = 'person' and pause.name = state.person))
 order by person limit %(limit)s for update skip locked

-- name: reconciled
update person_state
   set done = greatest(done, %(wanted)s), reconciled_at = %(at)s, due_at = %(due_at)s
 where tenant = %(tenant)s and person = %(person)s
