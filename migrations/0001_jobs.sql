-- The job core: a narrow hot table for work that is waiting, running or dead, and a history by day for what is over.
-- Why: docs/decisions/0001-truth-in-postgres-ids-in-redis.md. Lock: none, all tables are new. Undo: drop them.

create type job_state as enum ('available', 'running', 'completed', 'dead', 'cancelled');

create table queues (
    name              text primary key check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    paused_at         timestamptz,
    -- jobs of this queue that the whole fleet runs at once; null = as many as the workers have slots
    concurrency_limit integer check (concurrency_limit >= 0),
    -- a token bucket for the whole fleet: rate_limit jobs start in rate_period_ms; null = no limit
    rate_limit        integer check (rate_limit > 0),
    rate_period_ms    integer not null default 1000 check (rate_period_ms between 1 and 86400000),
    version           bigint not null default 1,
    updated_at        timestamptz not null default now()
);
comment on table queues is 'Settings of each queue; owned by shared::queue';

create table batches (
    id              uuid primary key,
    description     text not null check (length(description) <= 500),
    total           bigint not null default 0,
    succeeded       bigint not null default 0,
    dead            bigint not null default 0,
    cancelled       bigint not null default 0,
    -- no job can join once sealed; only then may the batch finish
    sealed_at       timestamptz,
    finished_at     timestamptz,
    -- the job to enqueue when the last one has ended: {kind, queue, priority, maxAttempts, args}
    callback        jsonb,
    callback_job_id uuid,
    created_by      text not null,
    created_at      timestamptz not null default now()
);
comment on table batches is 'Jobs that belong together, counted as they end; owned by shared::queue';
create index batches_open on batches (id) where finished_at is null;

create table jobs (
    id               uuid not null,
    kind             text not null check (length(kind) <= 80),
    queue            text not null,
    priority         smallint not null check (priority between 0 and 3),
    state            job_state not null default 'available' check (state in ('available', 'running', 'dead')),
    group_key        text not null default '' check (length(group_key) <= 200),
    run_at           timestamptz not null,
    attempt          integer not null default 0 check (attempt >= 0),
    max_attempts     integer not null check (max_attempts between 1 and 1000),
    -- worker processes that died while this job's handler ran
    crashes          smallint not null default 0,
    args             jsonb not null,
    tags             text[],
    unique_key       text check (length(unique_key) <= 200),
    -- whether the key also keeps others out while this job runs
    unique_running   boolean not null default false,
    batch_id         uuid,
    -- the job that enqueued this one
    parent_id        uuid,
    created_by       text not null,
    trace            text,
    created_at       timestamptz not null,
    lease_id         uuid,
    worker_id        uuid,
    claimed_at       timestamptz,
    -- when the handler began; null while a suspect waits to run alone
    started_at       timestamptz,
    progress         real check (progress between 0 and 1),
    progress_note    text,
    last_error       text,
    fingerprint      text,
    dead_at          timestamptz,
    cancel_requested_at timestamptz,
    cancel_reason    text,
    primary key (id),
    check ((state = 'running') = (lease_id is not null)),
    check ((state = 'running') = (worker_id is not null)),
    check ((state = 'running') = (claimed_at is not null)),
    check ((state = 'dead') = (dead_at is not null))
) with (
    fillfactor = 80,
    -- rows come and go by the million: clean often and without pausing
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0.05,
    autovacuum_analyze_threshold = 10000
);
comment on table jobs is 'Work that is waiting, running or dead; owned by shared::queue';

-- the queue order, walked by the leader; group by group so that groups take turns
create index jobs_ready on jobs (queue, priority, group_key, run_at, id) where state = 'available';
create index jobs_running on jobs (worker_id) where state = 'running';
create index jobs_dead on jobs (fingerprint, id) where state = 'dead';
create index jobs_batch on jobs (batch_id) where batch_id is not null;
create index jobs_cancel on jobs (id) where cancel_requested_at is not null;
create unique index jobs_unique on jobs (kind, unique_key)
    where unique_key is not null and (state = 'available' or (state = 'running' and unique_running));

create table job_history (
    id            uuid not null,
    kind          text not null,
    queue         text not null,
    priority      smallint not null,
    state         job_state not null check (state in ('completed', 'cancelled', 'dead')),
    group_key     text not null,
    run_at        timestamptz not null,
    attempt       integer not null,
    max_attempts  integer not null,
    args          jsonb not null,
    tags          text[],
    unique_key    text,
    batch_id      uuid,
    parent_id     uuid,
    created_by    text not null,
    trace         text,
    created_at    timestamptz not null,
    worker_id     uuid,
    started_at    timestamptz,
    finished_at   timestamptz not null,
    output        jsonb,
    last_error    text,
    fingerprint   text,
    cancel_reason text
) partition by range (finished_at);
comment on table job_history is 'Jobs that are over, by the day they ended; dead here means discarded; owned by shared::queue';
-- No row is ever updated, so what an index costs is one insert at its right edge.
create index job_history_id on job_history (id);
create index job_history_kind on job_history (kind, id);
create index job_history_batch on job_history (batch_id) where batch_id is not null;
create index job_history_other on job_history (state, id) where state <> 'completed';

-- One row for each attempt that did not simply complete, or that logged something. An attempt that completed in
-- silence is told by the job's own row: its worker, started_at and finished_at.
create table job_attempts (
    job_id      uuid not null,
    attempt     integer not null,
    lease_id    uuid not null,
    worker_id   uuid,
    started_at  timestamptz,
    ended_at    timestamptz not null,
    outcome     text not null check (outcome in ('completed', 'retry', 'failed', 'snoozed', 'cancelled', 'released', 'lost')),
    -- the error and its sources, outermost first
    error_chain text[],
    fingerprint text,
    logs        jsonb
) partition by range (ended_at);
comment on table job_attempts is 'What each attempt came to, by the day it ended; owned by shared::queue';
create index job_attempts_job on job_attempts (job_id, ended_at);

-- What jobs can be found by: `tag:x`, `group:x`, `creator:x`, `args.campaignId:x`. By the day the job was made, so that
-- the days go with the history's.
create table job_terms (
    term    text not null check (length(term) <= 300),
    job_id  uuid not null,
    day     date not null
) partition by range (day);
comment on table job_terms is 'Search terms of jobs, by the day they were enqueued; owned by shared::queue';
create index job_terms_term on job_terms (term, job_id);

create table workers (
    -- one id for each start of a process
    id         uuid primary key,
    host       text not null,
    pid        integer not null,
    version    text not null,
    -- slots by queue: {"campaigns": 64}
    queues     jsonb not null,
    kinds      text[] not null,
    state      text not null default 'running' check (state in ('running', 'draining', 'stopped', 'lost')),
    -- set from outside; the process obeys at its next beat
    drain_requested_at timestamptz,
    beat       bigint not null default 0,
    started_at timestamptz not null default now(),
    seen_at    timestamptz not null default now(),
    ended_at   timestamptz
) with (fillfactor = 50);
comment on table workers is 'Worker processes and their heartbeats; owned by shared::queue';
create index workers_live on workers (id) where state in ('running', 'draining');

create table schedules (
    id          uuid primary key,
    name        text not null unique check (length(name) between 1 and 120),
    kind        text not null,
    args        jsonb not null,
    -- null = as the kind says
    queue       text,
    priority    smallint check (priority between 0 and 3),
    cron        text not null,
    timezone    text not null,
    -- what to do with ticks that were missed: skip them, run once for all of them, or run every one
    misfire     text not null default 'once' check (misfire in ('skip', 'once', 'all')),
    paused_at   timestamptz,
    last_tick   timestamptz not null,
    version     bigint not null default 1,
    created_by  text not null,
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now()
);
comment on table schedules is 'Recurring jobs; owned by shared::queue';

create table schedule_runs (
    schedule_id uuid not null references schedules (id) on delete cascade,
    -- the occurrence this run stands for; a run-now has the moment it was asked for
    tick        timestamptz not null,
    job_id      uuid not null,
    manual      boolean not null default false,
    created_at  timestamptz not null default now(),
    primary key (schedule_id, tick)
);
comment on table schedule_runs is 'Which job ran for which tick; owned by shared::queue';

-- Makes the partitions of `days` days from `from_day` on; called by the leader's janitor and by migrations.
create function queue_make_partitions(from_day date, days integer) returns void language plpgsql as $$
declare
    parent text;
    day    date;
    part   text;
begin
    -- one at a time, also when two leaders overlap
    perform pg_advisory_xact_lock(hashtext('queue_make_partitions'));
    for i in 0 .. days - 1 loop
        day := from_day + i;
        foreach parent in array array['job_history', 'job_attempts', 'job_terms'] loop
            part := format('%s_%s', parent, to_char(day, 'YYYYMMDD'));
            if to_regclass(part) is null then
                execute format('create table %I partition of %I for values from (%L) to (%L)', part, parent, day, day + 1);
            end if;
        end loop;
    end loop;
end $$;

-- What no day's partition covers (a clock that jumped) must not stop a completion.
create table job_history_default partition of job_history default;
create table job_attempts_default partition of job_attempts default;
create table job_terms_default partition of job_terms default;
select queue_make_partitions(current_date - 1, 4);
