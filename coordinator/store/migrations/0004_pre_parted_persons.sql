-- Joining persons and parting them again: what was so while exactly these records were one person's.

create table identity_past (
    tenant text collate "C" not null,
    records text[] collate "C" not null,
    person text collate "C" not null,
    shadows bytea not null,
    primary key (tenant, records),
    foreign key (tenant, person) references person
);
create index identity_past_of_person on identity_past (tenant, person);

-- Answers about identity are asked for whomever they were given.
create index decision_of_code on decision (tenant, code, seq);

grant select, insert, update on identity_past to coordinator_app;
alter table identity_past enable row level security;
create policy tenant on identity_past using (tenant = current_setting('coordinator.tenant', true));
