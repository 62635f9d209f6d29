-- Whose a record is that could not be read, as far as its bytes tell: what the account goes on without is told there.

alter table quarantine add column patient text collate "C";
create index quarantine_of_patient on quarantine (tenant, ehr, patient);
