-- What operators look for: retrying and dead jobs, children of a job, words of an error.
-- Why: GET /api/jobs must answer in milliseconds beside a backlog of a million. Each index is partial over rows that are
-- few or that no hot statement touches, so enqueue, claim and completion cost what they did.
-- Lock: none that matters while the tables are small; on a large installation build them with `concurrently` first.
-- Undo: drop the indexes; drop extension pg_trgm.

-- trigrams find a word inside of an error's text; the extension is trusted, so the database's owner may create it
create extension if not exists pg_trgm;

create index jobs_dead_kind on jobs (kind, id) where state = 'dead';
create index jobs_dead_id on jobs (id) where state = 'dead';
create index jobs_dead_error on jobs using gin (last_error gin_trgm_ops) where state = 'dead';
create index jobs_retrying on jobs (id) where state = 'available' and attempt > 0;
create index jobs_parent on jobs (parent_id) where parent_id is not null;

create index job_history_parent on job_history (parent_id) where parent_id is not null;
create index job_history_error on job_history using gin (last_error gin_trgm_ops) where last_error is not null;
