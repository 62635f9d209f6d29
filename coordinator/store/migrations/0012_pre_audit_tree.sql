-- The log becomes a transparency log: places without gaps, a hash for each event, blocks of 256 and signed heads.

-- The hash of an event in its place, as `coordinator/audit/leaf.py` says it; a test holds the two together.
create function audit_field(value bytea) returns bytea
    language sql immutable parallel safe
    return case when value is null then '\xffffffff'::bytea else int4send(octet_length(value)) || value end;

create function audit_leaf(one_tenant text, one_seq bigint, one_kind text, one_at timestamptz, one_actor text,
                           one_person text, one_ehr text, one_consent text, one_purpose text, one_outcome text,
                           one_subject text, one_body bytea) returns bytea
    language sql stable parallel safe
    return sha256('\x00'::bytea
        || audit_field('coordinator-audit-1') || audit_field(convert_to(one_tenant, 'UTF8'))
        || audit_field(convert_to(one_seq::text, 'UTF8')) || audit_field(convert_to(one_kind, 'UTF8'))
        || audit_field(convert_to(((extract(epoch from one_at) * 1000000)::bigint)::text, 'UTF8'))
        || audit_field(convert_to(one_actor, 'UTF8')) || audit_field(convert_to(one_person, 'UTF8'))
        || audit_field(convert_to(one_ehr, 'UTF8')) || audit_field(convert_to(one_consent, 'UTF8'))
        || audit_field(convert_to(one_purpose, 'UTF8')) || audit_field(convert_to(one_outcome, 'UTF8'))
        || audit_field(convert_to(one_subject, 'UTF8')) || audit_field(one_body));

-- Places were given by a sequence, which leaves gaps; from here on they are given under a lock, at commit. What is
-- there already takes its place in the order in which it came.
alter table audit drop constraint audit_pkey;
alter table audit alter column seq drop identity;
alter table audit add column leaf bytea;
alter table audit add column pruned_by bigint;
update audit set seq = placed.place
  from (select tenant, seq, row_number() over (partition by tenant order by seq) - 1 as place from audit) as placed
 where audit.tenant = placed.tenant and audit.seq = placed.seq;
update audit set leaf = audit_leaf(tenant, seq, kind, at, actor, person, ehr, consent, purpose, outcome, subject, body);
alter table audit alter column leaf set not null;
alter table audit add primary key (tenant, seq);

-- Questions go through the log by time, and within one instant by place.
drop index audit_of_kind;
drop index audit_of_person;
create index audit_of_kind on audit (tenant, kind, at, seq);
create index audit_of_person on audit (tenant, person, at, seq) where person is not null;
create index audit_of_actor on audit (tenant, actor, at, seq);
create index audit_of_ehr on audit (tenant, ehr, at, seq) where ehr is not null;

-- The roots of whole blocks: of 256 leaves at level 1, of 256 blocks of level 1 at level 2, and so on.
create table audit_block (
    tenant text collate "C" not null,
    level smallint not null,
    place bigint not null,
    hash bytea not null,
    primary key (tenant, level, place)
);

create table audit_head (
    tenant text collate "C" not null,
    size bigint not null,
    root bytea not null,
    at timestamptz not null,
    note text not null,
    primary key (tenant, size)
);

grant select, insert on audit_block, audit_head to coordinator_app;
alter table audit_block enable row level security;
alter table audit_head enable row level security;
create policy tenant on audit_block using (tenant = current_setting('coordinator.tenant', true));
create policy tenant on audit_head using (tenant = current_setting('coordinator.tenant', true));
