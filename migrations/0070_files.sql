-- Files that people upload and that jobs write, in parts.
-- Why: an upload has to survive until a job has read it, and an export until its owner has fetched it; there is no object
-- store yet (docs/decisions/0006-files-in-postgres.md). Lock: none, all tables are new. Undo: drop them.

create table files (
    id         uuid primary key,
    name       text not null check (length(name) between 1 and 200),
    media_type text not null check (length(media_type) between 1 and 100),
    -- as the audit names them
    owner      text not null,
    bytes      bigint not null default 0 check (bytes >= 0),
    created_at timestamptz not null,
    -- nobody is given the file after that, and a job removes it
    expires_at timestamptz not null
);
comment on table files is 'Uploaded and written files until they expire; owned by shared::files';
create index files_expiry on files (expires_at, id);

create table file_parts (
    file_id   uuid not null references files on delete cascade,
    -- where in the file the part begins, in bytes
    starts_at bigint not null check (starts_at >= 0),
    content   bytea not null check (octet_length(content) between 1 and 262144),
    primary key (file_id, starts_at)
);
comment on table file_parts is 'What is in files, part by part without gaps; owned by shared::files';
