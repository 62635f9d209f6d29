-- The first tables. Keys begin with the tenant; texts compare by code point, as the program does.
-- `changed` tells a row that was written from one that was left alone, over all tables that a quiet run must not touch.

create sequence change;

-- The order in which versions were learned.
create sequence version;

-- Numbers the programs that write to EHRs, so that a write in flight can be told from one whose program has ended.
create sequence runner as integer cycle;

-- The latest version of each record: what a pull compares with. Bodies lie in resource_version.
create table resource (
    tenant text collate "C" not null,
    ehr text collate "C" not null,
    type text collate "C" not null,
    id text collate "C" not null,
    version text not null,
    raw_hash bytea not null,
    canonical_hash bytea not null,
    patient text collate "C",
    presence text not null,
    latest bigint not null,
    subject text collate "C" generated always as (case when type = 'Patient' then id else patient end) stored,
    changed bigint not null default nextval('change'),
    primary key (tenant, ehr, type, id)
);
create index resource_of_subject on resource (tenant, ehr, subject);
create index resource_patients on resource (tenant, ehr, id) where type = 'Patient';

-- Every version received, in the order in which it was learned.
create table resource_version (
    tenant text collate "C" not null,
    seq bigint not null,
    ehr text collate "C" not null,
    type text collate "C" not null,
    id text collate "C" not null,
    version text not null,
    raw_hash bytea not null,
    canonical_hash bytea not null,
    body bytea not null,
    patient text collate "C",
    presence text not null,
    learned_at timestamptz not null,
    subject text collate "C" generated always as (case when type = 'Patient' then id else patient end) stored,
    changed bigint not null default nextval('change'),
    primary key (tenant, ehr, type, id, seq)
);
create index resource_version_of_subject on resource_version (tenant, ehr, subject);

create table pull (
    tenant text collate "C" not null,
    seq bigint generated always as identity,
    ehr text collate "C" not null,
    type text collate "C" not null,
    started_at timestamptz not null,
    ended_at timestamptz not null,
    grade text not null,
    reason text not null,
    seen bigint not null,
    changed bigint not null,
    quarantined bigint not null,
    primary key (tenant, seq)
);
create index pull_of_type on pull (tenant, ehr, type, seq desc);

-- What could not be read, whole.
create table quarantine (
    tenant text collate "C" not null,
    ehr text collate "C" not null,
    type text collate "C" not null,
    id text collate "C" not null,
    raw_hash bytea not null,
    body bytea not null,
    reason text not null,
    place text not null,
    learned_at timestamptz not null,
    seq bigint generated always as identity,
    primary key (tenant, ehr, type, id, raw_hash)
);

create table person (
    tenant text collate "C" not null,
    person text collate "C" not null,
    created_at timestamptz not null default now(),
    primary key (tenant, person)
);

-- Links only: nothing is ever moved.
create table identity_link (
    tenant text collate "C" not null,
    ehr text collate "C" not null,
    patient text collate "C" not null,
    person text collate "C" not null,
    since timestamptz not null,
    by text not null,
    matched_hash bytea not null,
    primary key (tenant, ehr, patient),
    foreign key (tenant, person) references person
);
create index identity_link_of_person on identity_link (tenant, person);

create table identity_key (
    tenant text collate "C" not null,
    key text collate "C" not null,
    ehr text collate "C" not null,
    patient text collate "C" not null,
    primary key (tenant, key, ehr, patient)
);
create index identity_key_of_patient on identity_key (tenant, ehr, patient);

-- What is owed to a person: woken more often than reconciled, or their moment has come.
create table person_state (
    tenant text collate "C" not null,
    person text collate "C" not null,
    wanted bigint not null default 0,
    done bigint not null default 0,
    reconciled_at timestamptz,
    due_at timestamptz,
    primary key (tenant, person),
    foreign key (tenant, person) references person
);
create index person_state_woken on person_state (tenant, person) where wanted > done;
create index person_state_due on person_state (tenant, due_at) where due_at is not null;

create table account (
    tenant text collate "C" not null,
    person text collate "C" not null,
    body bytea not null,
    hash text not null,
    reconciled_at timestamptz not null,
    changed bigint not null default nextval('change'),
    primary key (tenant, person)
);

create table finding (
    tenant text collate "C" not null,
    person text collate "C" not null,
    key text collate "C" not null,
    code text not null,
    urgency text not null,
    sentence text not null,
    suggestion text not null,
    facts bytea not null,
    evidence text[] not null,
    status text not null,
    due_at timestamptz,
    first_seen timestamptz not null,
    changed_at timestamptz not null,
    changed bigint not null default nextval('change'),
    primary key (tenant, person, key)
);

create table decision (
    tenant text collate "C" not null,
    person text collate "C" not null,
    seq bigint generated always as identity,
    key text collate "C" not null,
    code text not null,
    value bytea not null,
    reason text not null,
    actor text not null,
    decided_at timestamptz not null,
    facts bytea not null,
    evidence text[] not null,
    changed bigint not null default nextval('change'),
    primary key (tenant, person, seq)
);

create table shadow (
    tenant text collate "C" not null,
    person text collate "C" not null,
    view text collate "C" not null,
    body bytea not null,
    changed bigint not null default nextval('change'),
    primary key (tenant, person, view)
);

create table outbox (
    tenant text collate "C" not null,
    ehr text collate "C" not null,
    key text collate "C" not null,
    person text collate "C" not null,
    concept text not null,
    type text not null,
    form text not null,
    target text,
    base text,
    base_hash bytea not null,
    body bytea not null,
    material bytea not null,
    paths text[] not null,
    claim_system text,
    claim_value text,
    evidence text[] not null,
    summary text not null,
    status text not null,
    reason text not null default '',
    attempts integer not null default 0,
    result_id text,
    result_version text,
    sent_hash bytea not null default '',
    facts bytea not null default '{}',
    runner integer not null default 0,
    seq bigint not null default nextval('change'),
    updated_at timestamptz not null,
    changed bigint not null default nextval('change'),
    primary key (tenant, person, ehr, key)
);
create index outbox_sendable on outbox (tenant, ehr, seq) where status in ('owed', 'unknown', 'in-flight');

create table consent (
    tenant text collate "C" not null,
    consent_id text collate "C" not null,
    body bytea not null,
    added_at timestamptz not null,
    revoked_at timestamptz,
    primary key (tenant, consent_id)
);

-- The log: the program's role may add and read, nothing else.
create table audit (
    tenant text collate "C" not null,
    seq bigint generated always as identity,
    kind text not null,
    at timestamptz not null,
    actor text not null,
    person text collate "C",
    ehr text,
    consent text,
    purpose text,
    outcome text not null,
    subject text not null,
    body bytea not null,
    primary key (tenant, seq)
);
create index audit_of_kind on audit (tenant, kind, seq);
create index audit_of_person on audit (tenant, person, seq) where person is not null;

create table ehr (
    tenant text collate "C" not null,
    name text collate "C" not null,
    body bytea not null,
    primary key (tenant, name)
);

create table setting (
    tenant text collate "C" not null,
    key text collate "C" not null,
    value bytea not null,
    primary key (tenant, key)
);

-- Grants: the least that the program needs for each table.
grant usage on schema coordinator to coordinator_app;
grant usage on all sequences in schema coordinator to coordinator_app;
grant select on schema_migration to coordinator_app;
grant select, insert on resource_version, pull, quarantine, person, decision, audit to coordinator_app;
grant select, insert, update on resource, identity_link, person_state, account, finding, shadow, outbox, consent
    to coordinator_app;
grant select, insert, delete on identity_key to coordinator_app;
grant select, insert, update, delete on ehr, setting to coordinator_app;

-- The second wall between tenants, should a query ever forget the first.
do $$
declare
    name text;
begin
    foreach name in array array['resource', 'resource_version', 'pull', 'quarantine', 'person', 'identity_link',
        'identity_key', 'person_state', 'account', 'finding', 'decision', 'shadow', 'outbox', 'consent', 'audit',
        'ehr', 'setting']
    loop
        execute format('alter table %I enable row level security', name);
        execute format('create policy tenant on %I using (tenant = current_setting(''coordinator.tenant'', true))', name);
    end loop;
end
$$;
