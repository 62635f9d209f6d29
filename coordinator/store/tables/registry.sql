-- Consents, connections and settings.

-- name: consents
select consent_id, body, added_at, revoked_at from consent where tenant = %(tenant)s order by consent_id

-- name: put_consent
insert into consent as old (tenant, consent_id, body, added_at, revoked_at)
values (%(tenant)s, %(consent_id)s, %(body)s, %(added_at)s, %(revoked_at)s)
on conflict (tenant, consent_id) do update
   set body = excluded.body, added_at = excluded.added_at, revoked_at = excluded.revoked_at
 where old.body <> excluded.body or old.revoked_at is distinct from excluded.revoked_at

-- name: ehrs
select body from ehr where tenant = %(tenant)s order by name

-- name: put_ehr
insert into ehr (tenant, name, body) values (%(tenant)s, %(name)s, %(body)s)
on conflict (tenant, name) do update set body = excluded.body

-- name: remove_ehr
delete from ehr where tenant = %(tenant)s and name = %(name)s

-- name: setting
select value from setting where tenant = %(tenant)s and key = %(key)s

-- name: put_setting
insert into setting (tenant, key, value) values (%(tenant)s, %(key)s, %(value)s)
on conflict (tenant, key) do update set value = excluded.value
