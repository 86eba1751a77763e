-- Requests of people about their data, what is kept after an erasure and why, and addresses that are known by digest only.
-- Why: docs/privacy.md. Lock: people and campaign tables are untouched but for one column without a default on people,
-- which needs that table exclusively for a moment. Undo: drop the tables and the column.

alter table people add column erased_at timestamptz;

create table retention_rules (
    class          text not null check (class ~ '^[a-z][a-z_]{1,49}$'),
    -- of several, the latest that has begun is in force
    effective_from date not null,
    -- what allows or demands to keep it
    basis          text not null check (length(basis) between 1 and 500),
    -- from the erasure
    years          integer not null check (years between 0 and 100),
    -- where the rule comes from, and whether a lawyer has confirmed it
    source         text not null,
    primary key (class, effective_from)
);
comment on table retention_rules is 'What outlives an erasure, by date; owned by shared::privacy';
insert into retention_rules (class, effective_from, basis, years, source) values
    ('age_proof', '1970-01-01', '18 U.S.C. 2257, 28 CFR 75.4; GDPR Art. 17(3)(b)', 7, 'domain notes; unconfirmed, ask counsel'),
    ('earnings', '1970-01-01', 'tax and commercial books (26 U.S.C. 6001, § 147 AO); GDPR Art. 17(3)(b)', 10, 'domain notes; unconfirmed, ask counsel'),
    ('consent_log', '1970-01-01', 'GDPR Art. 7(1), 17(3)(e): proof of consent', 3, 'domain notes; unconfirmed, ask counsel'),
    ('messages', '1970-01-01', 'GDPR Art. 17(3)(e): defence of legal claims', 3, 'domain notes; unconfirmed, ask counsel'),
    ('history', '1970-01-01', 'GDPR Art. 17(3)(e): defence of legal claims', 3, 'domain notes; unconfirmed, ask counsel');

create table privacy_requests (
    id           uuid primary key,
    person_id    uuid not null references people,
    kind         text not null check (kind in ('export', 'erasure')),
    -- an erasure waits as `planned` until somebody confirms it
    state        text not null check (state in ('planned', 'running', 'completed', 'failed')),
    reason       text not null check (length(reason) between 1 and 500),
    asked_by     text not null,
    asked_at     timestamptz not null,
    confirmed_by text,
    confirmed_at timestamptz,
    finished_at  timestamptz,
    -- why it could not be done
    error        text,
    -- of an erasure: what becomes of each class of data; before it is done what would
    outcome      jsonb not null default '[]',
    -- of an export: the document, until it expires
    file_id      uuid references files on delete set null,
    check ((finished_at is not null) = (state in ('completed', 'failed'))),
    check ((confirmed_by is null) = (confirmed_at is null))
);
comment on table privacy_requests is 'Requests about a person''s data and what became of them; owned by shared::privacy';
create index privacy_requests_person on privacy_requests (person_id, asked_at desc);
-- one of a kind at a time
create unique index privacy_requests_open on privacy_requests (person_id, kind) where state in ('planned', 'running');
create index privacy_requests_file on privacy_requests (file_id) where file_id is not null;

create table suppressed_digests (
    channel    text not null check (channel in ('email', 'sms')),
    -- HMAC-SHA-256 of the normalised address, under a key derived from ENCRYPTION_KEY
    digest     bytea not null check (length(digest) = 32),
    created_at timestamptz not null,
    primary key (channel, digest)
);
comment on table suppressed_digests is 'Addresses of erased people, which nobody writes to again; owned by shared::messaging';
