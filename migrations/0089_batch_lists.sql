-- The jobs of a batch, newest first, a page at a time.
-- Why: a batch may have a hundred thousand jobs; by batch alone all of them would be sorted for each look.
-- Lock: shared on jobs and each day's history while the indexes are built over rows that have a batch; on a large
-- installation build them with `concurrently` first. Undo: put the indexes over batch_id alone back.

create index jobs_of_batch on jobs (batch_id, id) where batch_id is not null;
drop index jobs_batch;
create index job_history_of_batch on job_history (batch_id, id) where batch_id is not null;
drop index job_history_batch;
