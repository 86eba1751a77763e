-- How long a worker has been silent, so that a new leader need not begin to count anew.
-- Why: a rescue within 20 s also when leaders die one after another. Lock: access exclusive on a small table, for a
-- moment. Undo: drop the columns.

alter table workers
    -- where the counter stood while it was silent; means something only as long as it stands there
    add column silent_beat bigint,
    add column silent_ms   integer not null default 0;
