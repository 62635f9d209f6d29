-- Latest and every received version.

-- name: hold_ehr
-- Who receives from an EHR and who links its patients must see each other's work, or a wake-up is lost: a record
-- without a link wakes nobody, and the link made meanwhile does not see the record.
select pg_advisory_xact_lock_shared(hashtextextended(%(tenant)s || '/' || ehr, 1))
  from unnest(%(ehrs)s::text[]) ehr order by ehr

-- name: held
select raw_hash, id from resource
 where tenant = %(tenant)s and ehr = %(ehr)s and type = %(type)s and presence = 'present'

-- name: known
select id, raw_hash, canonical_hash, version, presence, patient
  from resource
 where tenant = %(tenant)s and ehr = %(ehr)s and type = %(type)s
   and (%(ids)s::text[] is null or id = any(%(ids)s::text[]))

-- name: had
select distinct asked.id
  from unnest(%(ids)b::text[], %(hashes)b::bytea[]) as asked(id, canonical_hash)
  join resource_version old on old.tenant = %(tenant)s and old.ehr = %(ehr)s and old.type = %(type)s
                           and old.id = asked.id and old.canonical_hash = asked.canonical_hash
  join resource now on now.tenant = %(tenant)s and now.ehr = %(ehr)s and now.type = %(type)s and now.id = asked.id
 where now.canonical_hash <> asked.canonical_hash

-- name: receive
-- Keep what differs from the latest as a new version, make it the latest, wake the persons of its patient, old and new.
-- Of a record that names several patients each is kept by the place of the record among the incoming, and woken.
with incoming as (
    select *
      from unnest(%(ehr)b::text[], %(type)b::text[], %(id)b::text[], %(version)b::text[], %(raw_hash)b::bytea[],
                  %(canonical_hash)b::bytea[], %(body)b::bytea[], %(patient)b::text[], %(presence)b::text[],
                  %(learned_at)b::timestamptz[])
        with ordinality as t(ehr, type, id, version, raw_hash, canonical_hash, body, patient, presence, learned_at, at)
), named as (
    select * from unnest(%(named_at)s::bigint[], %(named)s::text[]) as t(at, patient)
), news as (
    select incoming.*, old.subject as old_subject, old.latest as old_latest, nextval('version') as seq
      from incoming
      left join resource old on old.tenant = %(tenant)s and old.ehr = incoming.ehr and old.type = incoming.type
                            and old.id = incoming.id
     where old.raw_hash is distinct from incoming.raw_hash
        or old.version <> incoming.version
        or old.presence <> incoming.presence
        or old.patient is distinct from incoming.patient
), kept as (
    insert into resource_version
           (tenant, seq, ehr, type, id, version, raw_hash, canonical_hash, body, patient, presence, learned_at)
    select %(tenant)s, seq, ehr, type, id, version, raw_hash, canonical_hash, body, patient, presence, learned_at
      from news
), kept_names as (
    insert into resource_named (tenant, ehr, patient, type, id, seq)
    select %(tenant)s, news.ehr, named.patient, news.type, news.id, news.seq from news join named using (at)
), made_latest as (
    insert into resource (tenant, ehr, type, id, version, raw_hash, canonical_hash, patient, presence, latest)
    select %(tenant)s, ehr, type, id, version, raw_hash, canonical_hash, patient, presence, seq
      from news order by ehr, type, id
    on conflict (tenant, ehr, type, id) do update
       set version = excluded.version, raw_hash = excluded.raw_hash, canonical_hash = excluded.canonical_hash,
           patient = excluded.patient, presence = excluded.presence, latest = excluded.latest,
           changed = nextval('change')
    returning ehr, subject
), concerned as (
    select ehr, subject from made_latest where subject is not null
    union
    select ehr, old_subject from news where old_subject is not null
    union
    select news.ehr, named.patient from news join named using (at)
    union
    select news.ehr, old.patient
      from news
      join resource_named old on old.tenant = %(tenant)s and old.ehr = news.ehr and old.type = news.type
                             and old.id = news.id and old.seq = news.old_latest
), locked as (
    select state.person
      from person_state state
     where state.tenant = %(tenant)s
       and state.person in (select link.person
                              from identity_link link
                              join concerned on link.tenant = %(tenant)s and link.ehr = concerned.ehr
                                            and link.patient = concerned.subject)
     order by state.person for update
), woken as (
    update person_state state set wanted = wanted + 1
      from locked where state.tenant = %(tenant)s and state.person = locked.person
)
select count(*) from made_latest

-- name: latest
with wanted as (
    select * from unnest(%(ehrs)s::text[], %(patients)s::text[]) as t(ehr, patient)
), records as (
    select r.ehr, r.type, r.id, r.latest
      from wanted
      join resource r on r.tenant = %(tenant)s and r.ehr = wanted.ehr and r.subject = wanted.patient
    union
    select r.ehr, r.type, r.id, r.latest
      from wanted
      join resource_named n on n.tenant = %(tenant)s and n.ehr = wanted.ehr and n.patient = wanted.patient
      join resource r on r.tenant = n.tenant and r.ehr = n.ehr and r.type = n.type and r.id = n.id and r.latest = n.seq
)
select v.ehr, v.type, v.id, v.version, v.raw_hash, v.canonical_hash, v.body, v.patient, v.learned_at, v.presence
  from records r
  join resource_version v on v.tenant = %(tenant)s and v.ehr = r.ehr and v.type = r.type and v.id = r.id
                         and v.seq = r.latest
 order by v.ehr, v.type, v.id

-- name: latest_known_at
-- The last version learned by then of each record that ever spoke of these patients, if it speaks of them by then.
with wanted as (
    select distinct ehr, patient from unnest(%(ehrs)s::text[], %(patients)s::text[]) as t(ehr, patient)
), records as (
    select distinct v.ehr, v.type, v.id
      from wanted
      join resource_version v on v.tenant = %(tenant)s and v.ehr = wanted.ehr and v.subject = wanted.patient
    union
    select n.ehr, n.type, n.id
      from wanted
      join resource_named n on n.tenant = %(tenant)s and n.ehr = wanted.ehr and n.patient = wanted.patient
), then_latest as (
    select distinct on (v.ehr, v.type, v.id) v.*
      from records
      join resource_version v on v.tenant = %(tenant)s and v.ehr = records.ehr and v.type = records.type
                             and v.id = records.id
     where v.learned_at <= %(known_at)s
     order by v.ehr, v.type, v.id, v.seq desc
)
select v.ehr, v.type, v.id, v.version, v.raw_hash, v.canonical_hash, v.body, v.patient, v.learned_at, v.presence
  from then_latest v
 where exists (select from wanted where wanted.ehr = v.ehr and wanted.patient = v.subject)
    or exists (select
                 from wanted
                 join resource_named n on n.tenant = %(tenant)s and n.ehr = wanted.ehr and n.patient = wanted.patient
                where n.ehr = v.ehr and n.type = v.type and n.id = v.id and n.seq = v.seq)
 order by v.ehr, v.type, v.id

-- name: one
select v.ehr, v.type, v.id, v.version, v.raw_hash, v.canonical_hash, v.body, v.patient, v.learned_at, v.presence
  from resource r join resource_version v on v.tenant = r.tenant and v.ehr = r.ehr and v.type = r.type and v.id = r.id
                         and v.seq = r.latest
 where r.tenant = %(tenant)s and r.ehr = %(ehr)s and r.type = %(type)s and r.id = %(id)s

-- name: one_known_at
select ehr, type, id, version, raw_hash, canonical_hash, body, patient, learned_at, presence from resource_version
 where tenant = %(tenant)s and ehr = %(ehr)s and type = %(type)s and id = %(id)s and learned_at <= %(known_at)s
 order by seq desc limit 1

-- name: counts
select ehr, type, count(*) from resource where tenant = %(tenant)s and presence = 'present' group by ehr, type

-- name: add_pull
insert into pull (tenant, ehr, type, started_at, ended_at, grade, reason, seen, changed, quarantined, lane, missed)
values (%(tenant)s, %(ehr)s, %(type)s, %(started_at)s, %(ended_at)s, %(grade)s, %(reason)s, %(seen)s, %(changed)s,
        %(quarantined)s, %(lane)s, %(missed)s)

-- name: cursors
select ehr, type, way, basis, mark, compared_at, missed, off from cursor where tenant = %(tenant)s and ehr = %(ehr)s

-- name: put_cursor
insert into cursor (tenant, ehr, type, way, basis, mark, compared_at, missed, off)
values (%(tenant)s, %(ehr)s, %(type)s, %(way)s, %(basis)s, %(mark)s, %(compared_at)s, %(missed)s, %(off)s)
on conflict (tenant, ehr, type) do update
   set way = excluded.way, basis = excluded.basis, mark = excluded.mark, compared_at = excluded.compared_at,
       missed = excluded.missed, off = excluded.off

-- name: grades
select distinct on (ehr, type) ehr, type, grade from pull where tenant = %(tenant)s order by ehr, type, seq desc

-- name: grades_known_at
select distinct on (ehr, type) ehr, type, grade from pull
 where tenant = %(tenant)s and ended_at <= %(known_at)s order by ehr, type, seq desc

-- name: last_pulls
select distinct on (ehr, type) ehr, type, started_at, ended_at, grade, reason, seen, changed, quarantined, lane, missed
  from pull where tenant = %(tenant)s order by ehr, type, seq desc

-- name: quarantine
insert into quarantine (tenant, ehr, type, id, raw_hash, body, reason, place, learned_at, patient)
values (%(tenant)s, %(ehr)s, %(type)s, %(id)s, %(raw_hash)s, %(body)b, %(reason)s, %(place)s, %(learned_at)s,
        %(patient)s)
on conflict do nothing

-- name: quarantined
select ehr, type, id, raw_hash, body, reason, place, learned_at, patient
  from quarantine where tenant = %(tenant)s order by seq

-- name: unread_of
select ehr, type, id, raw_hash, body, reason, place, learned_at, patient
  from quarantine join unnest(%(ehrs)s::text[], %(patients)s::text[]) asked (ehr, patient) using (ehr, patient)
 where tenant = %(tenant)s order by seq
