-- Which database the workers work for, so that a restored copy does not do the original's work a second time.
-- Why: docs/decisions/0005-a-copy-runs-nothing.md. Lock: none, the table is new. Undo: drop it.

create table installation (
    -- one row at the most; none until the first worker has come
    only_row        boolean primary key default true check (only_row),
    -- the cluster's own number, null where one may not ask for it
    cluster_id      text,
    database_oid    bigint not null,
    -- host:port/name, as workers reach it
    addresses       text[] not null check (cardinality(addresses) > 0),
    accepted_by     text not null,
    accepted_at     timestamptz not null default now()
);
comment on table installation is 'The database that workers work for; owned by shared::queue';
