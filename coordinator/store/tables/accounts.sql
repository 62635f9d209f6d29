-- Accounts, findings, decisions and agreed states.

-- name: account
select person, body, hash, reconciled_at from account where tenant = %(tenant)s and person = %(person)s

-- name: put_account
insert into account as old (tenant, person, body, hash, reconciled_at)
values (%(tenant)s, %(person)s, %(body)s, %(hash)s, %(reconciled_at)s)
on conflict (tenant, person) do update
   set body = excluded.body, hash = excluded.hash, reconciled_at = excluded.reconciled_at, changed = nextval('change')
 where old.body <> excluded.body or old.hash <> excluded.hash

-- name: findings
select person, key, code, urgency, sentence, suggestion, facts, evidence, status, due_at, rules from finding
 where tenant = %(tenant)s order by person, key

-- name: findings_of
select person, key, code, urgency, sentence, suggestion, facts, evidence, status, due_at, rules from finding
 where tenant = %(tenant)s and person = %(person)s order by key

-- name: put_finding
-- When it was first seen stays, also after it had been resolved.
insert into finding as old (tenant, person, key, code, urgency, sentence, suggestion, facts, evidence, status, due_at,
                            rules, first_seen, changed_at)
values (%(tenant)s, %(person)s, %(key)s, %(code)s, %(urgency)s, %(sentence)s, %(suggestion)s, %(facts)s, %(evidence)s,
        %(status)s, %(due_at)s, %(rules)s, %(at)s, %(at)s)
on conflict (tenant, person, key) do update
   set code = excluded.code, urgency = excluded.urgency, sentence = excluded.sentence,
       suggestion = excluded.suggestion, facts = excluded.facts, evidence = excluded.evidence,
       status = excluded.status, due_at = excluded.due_at, rules = excluded.rules,
       changed_at = excluded.changed_at,
       changed = nextval('change')

-- name: finding_events
select person, key, kind, at, actor, cause, assignee from finding_event
 where tenant = %(tenant)s and (%(person)s::text is null or person = %(person)s) order by seq

-- name: add_finding_event
insert into finding_event (tenant, person, key, kind, at, actor, cause, assignee)
values (%(tenant)s, %(person)s, %(key)s, %(kind)s, %(at)s, %(actor)s, %(cause)s, %(assignee)s)

-- name: decisions
select person, key, code, value, reason, actor, decided_at, facts, evidence from decision
 where tenant = %(tenant)s and person = %(person)s order by seq

-- name: decided
select person, key, code, value, reason, actor, decided_at, facts, evidence from decision
 where tenant = %(tenant)s and code = %(code)s order by seq

-- name: add_decision
insert into decision (tenant, person, key, code, value, reason, actor, decided_at, facts, evidence)
values (%(tenant)s, %(person)s, %(key)s, %(code)s, %(value)s, %(reason)s, %(actor)s, %(decided_at)s, %(facts)s,
        %(evidence)s)

-- name: shadows
select view, body from shadow where tenant = %(tenant)s and person = %(person)s order by view

-- name: shadows_known_at
select distinct on (view) view, body from shadow_history
 where tenant = %(tenant)s and person = %(person)s and agreed_at <= %(known_at)s order by view, seq desc

-- name: put_shadow
with kept as (
    insert into shadow as old (tenant, person, view, body) values (%(tenant)s, %(person)s, %(view)s, %(body)s)
    on conflict (tenant, person, view) do update set body = excluded.body, changed = nextval('change')
     where old.body <> excluded.body
    returning tenant, person, view, body
)
insert into shadow_history (tenant, person, view, body, agreed_at) select kept.*, %(at)s from kept
