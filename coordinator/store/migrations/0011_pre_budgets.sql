-- How many requests of an EHR's budget were taken, by all workers together, in the present minute, hour and day.

create table budget (
    tenant text collate "C" not null,
    ehr text collate "C" not null,
    span text collate "C" not null,
    start timestamptz not null,
    used bigint not null,
    primary key (tenant, ehr, span)
);

grant select, insert, update on budget to coordinator_app;
alter table budget enable row level security;
create policy tenant on budget using (tenant = current_setting('coordinator.tenant', true));
