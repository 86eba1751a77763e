-- Which address or number a consent was about.
-- Why: whoever changes their address has not said yes for the new one, and that can only be told if it is kept.
-- Lock: creator_consents briefly and exclusively, for a column without a default. Undo: drop the column.
alter table creator_consents add column contact text check (length(contact) between 3 and 254);
comment on column creator_consents.contact is 'The address or number as it was when the word was given, normalised; null where that was not kept';
