-- The keys that seal what is known about people of a tenant, each wrapped by a master key that is kept elsewhere.
create table tenant_key (
    tenant text collate "C" not null,
    use text not null check (use in ('fields', 'index')),
    number integer not null check (number between 1 and 65535),
    wrapped bytea not null,
    made_at timestamptz not null default clock_timestamp(),
    primary key (tenant, use, number)
);
grant select, insert on tenant_key to coordinator_app;
alter table tenant_key enable row level security;
create policy tenant on tenant_key using (tenant = current_setting('coordinator.tenant', true));
