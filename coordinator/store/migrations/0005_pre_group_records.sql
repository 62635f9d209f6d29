-- Records that name several patients, such as the Appointment of a group: whom each version names. They are no record of
-- one of them; each person's own part is read for them.

create table resource_named (
    tenant text collate "C" not null,
    ehr text collate "C" not null,
    patient text collate "C" not null,
    type text collate "C" not null,
    id text collate "C" not null,
    seq bigint not null,
    primary key (tenant, ehr, patient, type, id, seq)
);
create index resource_named_of_version on resource_named (tenant, ehr, type, id, seq);

grant select, insert on resource_named to coordinator_app;
alter table resource_named enable row level security;
create policy tenant on resource_named using (tenant = current_setting('coordinator.tenant', true));
