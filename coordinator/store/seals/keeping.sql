-- The keys of a tenant, and rows that are not yet sealed by the newest.

-- name: begin
-- By the owner of the tables; one at a time for each tenant; and nobody is woken by a row that only changes its seal.
select set_config('search_path', 'coordinator', true), set_config('coordinator.tenant', %(tenant)s, true),
       set_config('coordinator.hushed', 'on', true), pg_advisory_xact_lock(hashtextextended(%(tenant)s, 3))

-- name: living
-- How many programs of ours work on this database.
select count(*) from pg_locks
 where locktype = 'advisory' and classid = %(lock)s and objsubid = 2 and granted
   and database = (select oid from pg_database where datname = current_database())

-- name: keys
select use, number, wrapped, made_at from coordinator.tenant_key where tenant = %(tenant)s order by use, number

-- name: add_key
insert into tenant_key (tenant, use, number, wrapped) values (%(tenant)s, %(use)s, %(number)s, %(wrapped)s)

-- name: rewrap
update tenant_key set wrapped = %(wrapped)s where tenant = %(tenant)s and use = %(use)s and number = %(number)s

-- name: forget
delete from tenant_key where tenant = %(tenant)s and use = 'fields' and number < %(number)s

-- name: blind_keys
select ehr, patient, key from identity_key where tenant = %(tenant)s

-- name: blind_key
update identity_key set key = %(blind)s
 where tenant = %(tenant)s and ehr = %(ehr)s and patient = %(patient)s and key = %(key)s

-- name: other_resource_version
select seq, ehr, type, id, body from resource_version
 where tenant = %(tenant)s and substr(body, 1, 3) <> %(mark)s limit %(limit)s

-- name: seal_resource_version
update resource_version set body = %(body)s
 where tenant = %(tenant)s and ehr = %(ehr)s and type = %(type)s and id = %(id)s and seq = %(seq)s

-- name: other_quarantine
select ehr, type, id, raw_hash, body from quarantine
 where tenant = %(tenant)s and substr(body, 1, 3) <> %(mark)s limit %(limit)s

-- name: seal_quarantine
update quarantine set body = %(body)s
 where tenant = %(tenant)s and ehr = %(ehr)s and type = %(type)s and id = %(id)s and raw_hash = %(raw_hash)s

-- name: other_account
select person, body from account where tenant = %(tenant)s and substr(body, 1, 3) <> %(mark)s limit %(limit)s

-- name: seal_account
update account set body = %(body)s where tenant = %(tenant)s and person = %(person)s

-- name: other_finding
select person, key, sentence, suggestion, facts from finding
 where tenant = %(tenant)s and substr(facts, 1, 3) <> %(mark)s limit %(limit)s

-- name: seal_finding
update finding set sentence = %(sentence)s, suggestion = %(suggestion)s, facts = %(facts)s
 where tenant = %(tenant)s and person = %(person)s and key = %(key)s

-- name: other_decision
select seq, person, key, value, reason, facts from decision
 where tenant = %(tenant)s and substr(facts, 1, 3) <> %(mark)s limit %(limit)s

-- name: seal_decision
update decision set value = %(value)s, reason = %(reason)s, facts = %(facts)s
 where tenant = %(tenant)s and person = %(person)s and seq = %(seq)s

-- name: other_shadow
select person, view, body from shadow where tenant = %(tenant)s and substr(body, 1, 3) <> %(mark)s limit %(limit)s

-- name: seal_shadow
update shadow set body = %(body)s where tenant = %(tenant)s and person = %(person)s and view = %(view)s

-- name: other_shadow_history
select seq, person, view, body from shadow_history
 where tenant = %(tenant)s and substr(body, 1, 3) <> %(mark)s limit %(limit)s

-- name: seal_shadow_history
update shadow_history set body = %(body)s
 where tenant = %(tenant)s and person = %(person)s and view = %(view)s and seq = %(seq)s

-- name: other_outbox
select person, ehr, key, body, material, summary, facts from outbox
 where tenant = %(tenant)s and substr(facts, 1, 3) <> %(mark)s limit %(limit)s

-- name: seal_outbox
update outbox set body = %(body)s, material = %(material)s, summary = %(summary)s, facts = %(facts)s
 where tenant = %(tenant)s and person = %(person)s and ehr = %(ehr)s and key = %(key)s

-- name: other_consent
select consent_id, body from consent where tenant = %(tenant)s and substr(body, 1, 3) <> %(mark)s limit %(limit)s

-- name: seal_consent
update consent set body = %(body)s where tenant = %(tenant)s and consent_id = %(consent_id)s

-- name: other_identity_past
select records, shadows from identity_past
 where tenant = %(tenant)s and substr(shadows, 1, 3) <> %(mark)s limit %(limit)s

-- name: seal_identity_past
update identity_past set shadows = %(shadows)s where tenant = %(tenant)s and records = %(records)s
