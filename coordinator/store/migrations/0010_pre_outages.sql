-- Trouble that speaks for a whole EHR, such as silence or "come later": neither pulling nor sending is tried before its
-- time, and then one of the two goes first to see whether it is over.

alter table trouble add column is_outage boolean not null default false;
