-- The log of what happened, the tree over it, and its signed heads.

-- name: only_one
-- Places are given to one transaction at a time, from here to its commit, so that they have no gaps.
select pg_advisory_xact_lock(hashtextextended('coordinator.audit.' || %(tenant)s, 0))

-- name: size
select coalesce(max(seq) + 1, 0) from audit where tenant = %(tenant)s

-- name: append
insert into audit (tenant, seq, leaf, kind, at, actor, person, ehr, consent, purpose, outcome, subject, body)
select %(tenant)s, one.* from unnest(%(seq)s::bigint[], %(leaf)s::bytea[], %(kind)s::text[], %(at)s::timestamptz[],
    %(actor)s::text[], %(person)s::text[], %(ehr)s::text[], %(consent)s::text[], %(purpose)s::text[],
    %(outcome)s::text[], %(subject)s::text[], %(body)s::bytea[]) as one

-- name: audited
select kind, at, actor, person, ehr, consent, purpose, outcome, subject, body from audit
 where tenant = %(tenant)s and kind = %(kind)s
   and (%(person)s::text is null or person = %(person)s) and (%(since)s::timestamptz is null or at >= %(since)s)
 order by at, seq

-- name: events
select seq, leaf, pruned_by, kind, at, actor, person, ehr, consent, purpose, outcome, subject, body from audit
 where tenant = %(tenant)s and seq >= %(first)s and seq < %(end)s
 order by seq

-- name: page
select seq, leaf, pruned_by, kind, at, actor, person, ehr, consent, purpose, outcome, subject, body from audit
 where tenant = %(tenant)s
   and (%(person)s::text is null or person = %(person)s) and (%(actor)s::text is null or actor = %(actor)s)
   and (%(ehr)s::text is null or ehr = %(ehr)s)
   and (%(since)s::timestamptz is null or at >= %(since)s)
   and (%(until)s::timestamptz is null or at < %(until)s)
   and (%(after)s::bigint is null
        or (at, seq) > ((select at from audit where tenant = %(tenant)s and seq = %(after)s), %(after)s::bigint))
 order by at, seq limit %(limit)s

-- name: page_of_kinds
-- A page of each kind, by its index, of which the first are the page.
select one.* from unnest(%(kinds)s::text[]) as wanted(of_kind) cross join lateral (
    select seq, leaf, pruned_by, kind, at, actor, person, ehr, consent, purpose, outcome, subject, body
      from audit
     where kind = of_kind and tenant = %(tenant)s
       and (%(person)s::text is null or person = %(person)s) and (%(actor)s::text is null or actor = %(actor)s)
       and (%(ehr)s::text is null or ehr = %(ehr)s)
       and (%(since)s::timestamptz is null or at >= %(since)s)
       and (%(until)s::timestamptz is null or at < %(until)s)
       and (%(after)s::bigint is null
            or (at, seq) > ((select at from audit where tenant = %(tenant)s and seq = %(after)s), %(after)s::bigint))
     order by at, seq limit %(limit)s) as one
 order by at, seq limit %(limit)s

-- name: page_after_revocation
-- From the revocations, which are few, to what was disclosed afterwards under the consent that each ended.
select seq, leaf, pruned_by, kind, at, actor, person, ehr, consent, purpose, outcome, subject, body from (
    select distinct on (told.at, told.seq) told.*
      from audit as revoked
      join audit as told on told.tenant = revoked.tenant and told.person = revoked.person and told.at > revoked.at
       and told.kind = any (%(kinds)s::text[]) and revoked.consent = any (string_to_array(told.consent, ','))
     where revoked.tenant = %(tenant)s and revoked.kind = 'revocation'
       and told.tenant = %(tenant)s
       and (%(person)s::text is null or told.person = %(person)s) and (%(actor)s::text is null or told.actor = %(actor)s)
       and (%(ehr)s::text is null or told.ehr = %(ehr)s)
       and (%(since)s::timestamptz is null or told.at >= %(since)s)
       and (%(until)s::timestamptz is null or told.at < %(until)s)
       and (%(after)s::bigint is null
            or (told.at, told.seq) > ((select at from audit where tenant = %(tenant)s and seq = %(after)s), %(after)s::bigint))
     order by told.at, told.seq limit %(limit)s) as one
 order by at, seq

-- name: leaves
select leaf from audit where tenant = %(tenant)s and seq >= %(first)s and seq < %(end)s order by seq

-- name: blocks
select hash from audit_block
 where tenant = %(tenant)s and level = %(level)s and place >= %(first)s and place < %(end)s
 order by place

-- name: closed
select coalesce((select max(place) + 1 from audit_block where tenant = %(tenant)s and level = 1), 0),
       coalesce((select max(place) + 1 from audit_block where tenant = %(tenant)s and level = 2), 0),
       coalesce((select max(place) + 1 from audit_block where tenant = %(tenant)s and level = 3), 0)

-- name: close
insert into audit_block (tenant, level, place, hash) values (%(tenant)s, %(level)s, %(place)s, %(hash)s)
on conflict do nothing

-- name: heads
select size, root, at, note from audit_head where tenant = %(tenant)s order by size

-- name: last_head
select size, root, at, note from audit_head where tenant = %(tenant)s order by size desc limit 1

-- name: put_head
insert into audit_head (tenant, size, root, at, note) values (%(tenant)s, %(size)s, %(root)s, %(at)s, %(note)s)
on conflict do nothing

-- name: prunable
select seq from audit
 where tenant = %(tenant)s and at < %(before)s and pruned_by is null and (person is null or person <> all (%(held)s::text[]))
   and kind not in ('prune', 'hold', 'release-hold')
 order by seq

-- name: prune
select audit_prune(%(one)s, %(firsts)s::bigint[], %(lasts)s::bigint[])
 where %(tenant)s = current_setting('coordinator.tenant')
