-- Histories: what we believed at an instant stays what we believed then, whatever is linked, agreed or answered later.

-- Who was whom since when: a row for each time that a patient was linked to another person, or by another hand.
create table identity_link_history (
    tenant text collate "C" not null,
    ehr text collate "C" not null,
    patient text collate "C" not null,
    seq bigint generated always as identity,
    person text collate "C" not null,
    since timestamptz not null,
    by text not null,
    matched_hash bytea not null,
    primary key (tenant, ehr, patient, seq)
);
create index identity_link_history_of_person on identity_link_history (tenant, person);

insert into identity_link_history (tenant, ehr, patient, person, since, by, matched_hash)
select tenant, ehr, patient, person, since, by, matched_hash from identity_link;

-- The agreed states that a view had: a row for each change. What was agreed before this history began counts as agreed
-- from the beginning.
create table shadow_history (
    tenant text collate "C" not null,
    person text collate "C" not null,
    view text collate "C" not null,
    seq bigint generated always as identity,
    body bytea not null,
    agreed_at timestamptz not null,
    primary key (tenant, person, view, seq)
);

insert into shadow_history (tenant, person, view, body, agreed_at)
select tenant, person, view, body, '-infinity' from shadow;

-- The life of each finding: opened, seen, assigned, answered, resolved, reopened, each with time and actor.
create table finding_event (
    tenant text collate "C" not null,
    person text collate "C" not null,
    key text collate "C" not null,
    seq bigint generated always as identity,
    kind text not null,
    at timestamptz not null,
    actor text not null,
    cause text not null default '',
    assignee text not null default '',
    primary key (tenant, person, key, seq)
);

insert into finding_event (tenant, person, key, kind, at, actor)
select tenant, person, key, 'opened', first_seen, 'system:sync' from finding;

insert into finding_event (tenant, person, key, kind, at, actor, cause)
select tenant, person, key, 'resolved', changed_at, 'system:sync', 'unrecorded' from finding where status = 'resolved';

-- The rules that an owed write rests on.
alter table outbox add column rules text[] not null default '{}';

grant select, insert on identity_link_history, shadow_history, finding_event to coordinator_app;
grant usage on all sequences in schema coordinator to coordinator_app;

do $$
declare
    name text;
begin
    foreach name in array array['identity_link_history', 'shadow_history', 'finding_event']
    loop
        execute format('alter table %I enable row level security', name);
        execute format('create policy tenant on %I using (tenant = current_setting(''coordinator.tenant'', true))', name);
    end loop;
end
$$;
