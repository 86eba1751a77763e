-- Dead letters are grouped from an index alone.
-- Why: grouping 100,000 of them read each one's row, which took most of a second. Lock: writes to `jobs` wait while the
-- index is built, which takes one scan of the table; dead jobs are few. Undo: drop the index.

-- what died before there were fingerprints
update jobs set fingerprint = '' where state = 'dead' and fingerprint is null;
create index jobs_dead_groups on jobs (fingerprint, kind, dead_at) include (queue) where state = 'dead';
