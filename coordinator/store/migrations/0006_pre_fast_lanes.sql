-- How far the fast lane of a type has come at an EHR, and what each pull was: by a lane, or a full compare that checks it.

create table cursor (
    tenant text collate "C" not null,
    ehr text collate "C" not null,
    type text collate "C" not null,
    way text not null,
    basis text not null,
    mark timestamptz not null,
    compared_at timestamptz not null,
    missed bigint not null default 0,
    off text not null default '',
    primary key (tenant, ehr, type)
);
grant select, insert, update on cursor to coordinator_app;
alter table cursor enable row level security;
create policy tenant on cursor using (tenant = current_setting('coordinator.tenant', true));

alter table pull add column lane text not null default '';
alter table pull add column missed bigint not null default 0;
