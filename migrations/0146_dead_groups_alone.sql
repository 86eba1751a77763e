-- Everything that groups of dead letters tell but an error's text comes from one index.
-- Why: rows of 100,000 dead jobs need not be read for it, also when nothing was vacuumed since they died. Lock: writes to
-- `jobs` wait while it is built, which takes one scan of the table. Undo: the index of migration 0090.

drop index jobs_dead_groups;
create index jobs_dead_groups on jobs (fingerprint, kind, dead_at) include (queue, id) where state = 'dead';
