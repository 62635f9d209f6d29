-- The rules that a finding was drawn by: `coordinator why` names them.

alter table finding add column rules text[] not null default '{}';
