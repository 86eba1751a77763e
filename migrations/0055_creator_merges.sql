-- What duplicates are found by.
-- Why: the same person registers again with another address; a shared number tells. Lock: writes to creators wait while the
-- index is built, a second per million rows. Undo: drop it.

create index creators_phone on creators (phone) where phone is not null;
