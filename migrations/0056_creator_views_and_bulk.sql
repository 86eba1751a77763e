-- Filters that people keep, and what they do to all creators that match one.
-- Why: a list that is looked at every day should not be put together every day; and a thousand creators should not be
-- changed one by one, nor in one transaction. Lock: none, the tables are new. Undo: drop them.

create table creator_views (
    id         uuid primary key,
    -- as the audit names them
    owner      text not null,
    name       text not null check (length(name) between 1 and 100),
    -- whether everybody sees it; only its owner changes it
    shared     boolean not null,
    -- as shared::creators::CreatorFilter reads it
    filter     jsonb not null,
    sort       text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    unique (owner, name)
);
comment on table creator_views is 'Kept filters over creators; owned by shared::creators';
create index creator_views_shared on creator_views (id) where shared;

create table creator_bulk_operations (
    id         uuid primary key,
    -- as shared::creators::BulkAction reads it
    action     jsonb not null,
    filter     jsonb not null,
    reason     text not null check (length(reason) between 1 and 500),
    state      text not null default 'running' check (state in ('running', 'completed', 'cancelled', 'failed')),
    -- creators that matched when it was asked for; only counted up to a limit
    matched    bigint not null,
    matched_at_least boolean not null,
    done       bigint not null default 0,
    -- creators whom the rules did not allow it for, and the last such refusal
    skipped    bigint not null default 0,
    last_refusal text,
    -- ids up to this one were visited
    last_id    uuid not null default '00000000-0000-0000-0000-000000000000',
    error      text,
    created_by text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    finished_at timestamptz,
    check ((finished_at is null) = (state = 'running'))
);
comment on table creator_bulk_operations is 'What is done to all creators that match a filter, and how far it is; owned by shared::creators';
