-- Imports of creators from CSV files: how far each is, and what it did, so that it can be undone.
-- Why: docs/creator-management.md. Lock: none, all tables are new. Undo: drop them.

create table creator_imports (
    id          uuid primary key,
    -- as the audit names them; nobody else is shown it
    owner       text not null,
    file_name   text not null check (length(file_name) between 1 and 200),
    -- null once it has expired
    file_id     uuid references files on delete set null,
    file_bytes  bigint not null,
    headers     text[] not null check (cardinality(headers) between 1 and 300),
    delimiter   text not null check (delimiter in (',', ';', e'\t')),
    -- where the first row behind the header begins, in bytes
    data_at     bigint not null,
    state       text not null default 'uploaded' check (state in
        ('uploaded', 'checking', 'checked', 'running', 'completed', 'cancelled', 'failed', 'undoing', 'undone')),
    -- grows each time it is checked, run or undone
    pass        integer not null default 0,
    -- as shared::imports::Settings reads it; null until it is first started
    settings    jsonb,
    -- the only clusters that its owner reached when it was started; null for all
    clusters    text[],
    -- the checkpoint: bytes and rows (the header is row 1) that were read
    read_bytes  bigint not null,
    read_rows   bigint not null default 1,
    created     bigint not null default 0,
    updated     bigint not null default 0,
    unchanged   bigint not null default 0,
    skipped     bigint not null default 0,
    failed      bigint not null default 0,
    undone      bigint not null default 0,
    refused     bigint not null default 0,
    -- the row up to which it is undone
    undone_row  bigint not null default 0,
    -- rows with what is wrong with them
    report_id   uuid references files on delete set null,
    error       text,
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    finished_at timestamptz
);
comment on table creator_imports is 'Imports of creators and how far they are; owned by shared::imports';
create index creator_imports_owner on creator_imports (owner, id desc);
create index creator_imports_updated on creator_imports (updated_at);

-- What an import did to which creator. `before` holds people's data: it goes with the time in which an import can be undone.
create table creator_import_rows (
    import_id  uuid not null references creator_imports on delete cascade,
    row        bigint not null,
    creator_id uuid not null references creators,
    action     text not null check (action in ('created', 'updated')),
    -- the creator's version since; another one says that somebody changed it
    version    bigint not null,
    -- as shared::imports::Before reads it; null for what was created
    before     jsonb,
    -- when this row was undone
    undone_at  timestamptz,
    primary key (import_id, row),
    unique (import_id, creator_id)
);
comment on table creator_import_rows is 'What imports did, as long as it can be undone; owned by shared::imports';
create index creator_import_rows_creator on creator_import_rows (creator_id);

-- Whom the rows of a check would create, so that a second row for the same one is found.
create table creator_import_keys (
    import_id uuid not null references creator_imports on delete cascade,
    pass      integer not null,
    -- of a hash of the cluster with the address or the name, or of an id
    key       uuid not null,
    primary key (import_id, pass, key)
);
comment on table creator_import_keys is 'Whom the rows of a check are about; owned by shared::imports';
