-- Replaying, discarding or cancelling all jobs that match a filter, in steps.
-- Why: a hundred thousand rows in one transaction would hold locks, and one request would time out; a row here keeps
-- what was asked for and how far it is, and a job carries it on. Lock: none, a new table. Undo: drop it.

create table bulk_operations (
    id              uuid primary key,
    action          text not null check (action in ('replay', 'discard', 'cancel')),
    -- as shared::queue::search::JobFilter reads it
    filter          jsonb not null,
    reason          text not null check (length(reason) <= 500),
    state           text not null default 'running' check (state in ('running', 'paused', 'completed', 'cancelled', 'failed')),
    -- jobs that matched when it was asked for; only counted up to a limit
    matched         bigint not null,
    matched_at_least boolean not null,
    -- jobs that were changed, and jobs that by then no longer could be
    done            bigint not null default 0,
    skipped         bigint not null default 0,
    -- jobs a second at the most; null = as fast as it goes in small steps
    rate_per_second integer check (rate_per_second > 0),
    -- ids up to this one are settled: each job is visited once, even if it dies again meanwhile
    last_id         uuid not null default '00000000-0000-0000-0000-000000000000',
    error           text,
    created_by      text not null,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    finished_at     timestamptz,
    check ((finished_at is null) = (state in ('running', 'paused')))
);
comment on table bulk_operations is 'Operations on all jobs that match a filter; owned by shared::queue::bulk';
