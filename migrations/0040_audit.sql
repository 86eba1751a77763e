-- What was done by whom: entries that nobody changes, linked by hashes in the order of their commits.
-- Why: a change that cannot be traced to a person, or whose trace can be altered unseen, cannot be accounted for.
-- Lock: none, all tables are new. Undo: drop them and the three functions, after keeping a copy.

create table audit_entries (
    id           uuid primary key,
    -- the columns repeat what the entry says, for searching; verification compares them
    at           timestamptz not null,
    actor        text not null check (length(actor) between 1 and 200),
    action       text not null check (action ~ '^[a-z0-9_]+(\.[a-z0-9_]+)+$' and length(action) <= 100),
    subject_kind text not null check (length(subject_kind) between 1 and 50),
    subject_id   text not null check (length(subject_id) between 1 and 200),
    -- the whole entry as canonical JSON (RFC 8785), without people's data
    entry        text not null
);
comment on table audit_entries is 'Every write and every reveal, never changed; owned by shared::audit';
create index audit_entries_at on audit_entries (at, id);
create index audit_entries_actor on audit_entries (actor, at, id);
create index audit_entries_action on audit_entries (action, at, id);
create index audit_entries_subject on audit_entries (subject_kind, subject_id, at, id);

create table audit_chain (
    -- gapless, in the order of commits
    seq      bigint primary key check (seq > 0),
    entry_id uuid not null unique references audit_entries,
    -- SHA-256 over the hash before it (32 zero bytes for the first) and the entry's text
    hash     bytea not null check (length(hash) = 32)
);
comment on table audit_chain is 'The order of the entries, each hash covering all before it; owned by shared::audit';

create table audit_personal (
    entry_id uuid not null references audit_entries,
    -- whose data it is: the actor, or the subject as `kind:id`
    about    text not null check (length(about) between 1 and 300),
    salt     bytea not null check (length(salt) = 16),
    -- canonical JSON; the entry holds SHA-256 over salt and content, so that this row can go and the chain still holds
    content  text not null,
    primary key (entry_id, about)
);
comment on table audit_personal is 'People''s data beside the entries, removed when they are erased; owned by shared::audit';
create index audit_personal_about on audit_personal (about, entry_id);

-- Links a new entry to the chain. It runs when its transaction commits, so that only commits wait for each other, and a
-- lock on the chain is never held while somebody waits for a row.
create function audit_link() returns trigger language plpgsql as $$
declare
    last_seq  bigint;
    last_hash bytea;
begin
    -- an arbitrary number that nothing else uses: "audit" in ASCII
    perform pg_advisory_xact_lock(418581342580);
    select seq, hash into last_seq, last_hash from audit_chain order by seq desc limit 1;
    insert into audit_chain (seq, entry_id, hash) values (
        coalesce(last_seq, 0) + 1,
        new.id,
        sha256(coalesce(last_hash, decode(repeat('00', 32), 'hex')) || convert_to(new.entry, 'UTF8')));
    return null;
end
$$;
create constraint trigger audit_link after insert on audit_entries
    deferrable initially deferred for each row execute function audit_link();

create function audit_refuse() returns trigger language plpgsql as $$
begin
    raise exception '% on % is refused: the audit trail is append-only', tg_op, tg_table_name
        using errcode = 'restrict_violation';
end
$$;
create trigger audit_entries_append_only before update or delete or truncate on audit_entries
    for each statement execute function audit_refuse();
create trigger audit_chain_append_only before update or delete or truncate on audit_chain
    for each statement execute function audit_refuse();
-- rows may go, one person's at a time, but never be rewritten
create trigger audit_personal_no_rewrite before update or truncate on audit_personal
    for each statement execute function audit_refuse();
