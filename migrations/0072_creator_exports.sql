-- Exports of creators into CSV files, and how far they are.
-- Why: docs/creator-management.md. Lock: none, the table is new. Undo: drop it.

create table creator_exports (
    id          uuid primary key,
    -- as the audit names them; nobody else is given it
    owner       text not null,
    -- as shared::creators::CreatorFilter reads it, within what its owner reached
    filter      jsonb not null,
    -- whether the owner might look for e-mail addresses
    by_email    boolean not null,
    columns     text[] not null check (cardinality(columns) between 1 and 300),
    state       text not null default 'running' check (state in ('running', 'completed', 'cancelled', 'failed')),
    -- creators that matched when it was asked for
    matched     bigint not null,
    -- the checkpoint: creators that were written, by id up to this one
    rows        bigint not null default 0,
    last_id     uuid,
    -- null once it has expired
    file_id     uuid references files on delete set null,
    error       text,
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    finished_at timestamptz
);
comment on table creator_exports is 'Exports of creators and how far they are; owned by shared::exports';
create index creator_exports_owner on creator_exports (owner, id desc);
create index creator_exports_updated on creator_exports (updated_at);
