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
