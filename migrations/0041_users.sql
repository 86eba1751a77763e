-- People who log in, their sessions, and the keys of programs.
-- Why: docs/access.md. Lock: none, all tables are new. Undo: drop them.

create table users (
    id                 uuid primary key,
    email              text not null check (length(email) between 3 and 254),
    -- the form under which two spellings of one mailbox are the same
    email_key          text not null unique check (length(email_key) between 3 and 254),
    name               text not null check (length(name) between 1 and 100),
    roles              text[] not null check (cardinality(roles) between 1 and 9 and roles <@ array
        ['admin', 'ops', 'support', 'marketing', 'finance', 'compliance', 'analyst', 'creator']),
    -- null = all
    clusters           text[] check (cardinality(clusters) > 0),
    -- who they are, for the role creator
    creator_id         uuid references creators,
    -- Argon2id in PHC form; null until the first password is set
    password_hash      text,
    -- encrypted with ENCRYPTION_KEY
    totp_secret        bytea,
    totp_confirmed_at  timestamptz check (totp_confirmed_at is null or totp_secret is not null),
    -- a code is accepted once: the last time step whose code was
    totp_last_step     bigint,
    -- a new second factor that is not confirmed yet
    totp_pending       bytea,
    disabled_at        timestamptz,
    version            bigint not null default 1,
    created_by         text not null,
    created_at         timestamptz not null,
    updated_at         timestamptz not null,
    constraint users_creator check ((creator_id is not null) = ('creator' = any(roles))),
    constraint users_creator_alone check (not 'creator' = any(roles) or cardinality(roles) = 1)
);
comment on table users is 'People who log in; owned by shared::access';
create unique index users_creator_once on users (creator_id) where creator_id is not null;
create index users_admins on users (id) where 'admin' = any(roles) and disabled_at is null;

create table recovery_codes (
    user_id uuid not null references users,
    -- SHA-256; a code has 80 random bits
    hash    bytea not null check (length(hash) = 32),
    used_at timestamptz,
    primary key (user_id, hash)
);
comment on table recovery_codes is 'Codes that stand in for a lost second factor, once each; owned by shared::access';

create table sessions (
    id         uuid primary key,
    user_id    uuid not null references users,
    -- whether a second factor was shown
    mfa        boolean not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at   timestamptz,
    end_reason text check (end_reason in ('logout', 'reuse', 'password', 'second_factor', 'disabled', 'revoked')),
    check ((ended_at is null) = (end_reason is null))
);
comment on table sessions is 'One login, until it ends; owned by shared::access';
create index sessions_open on sessions (user_id) where ended_at is null;
create index sessions_age on sessions (expires_at);

create table refresh_tokens (
    -- SHA-256; a token has 256 random bits
    hash       bytea primary key check (length(hash) = 32),
    session_id uuid not null references sessions on delete cascade,
    expires_at timestamptz not null,
    -- a token is used once; a second use means that two have it
    used_at    timestamptz
);
comment on table refresh_tokens is 'Refresh tokens of sessions, used ones too; owned by shared::access';
create index refresh_tokens_session on refresh_tokens (session_id);

create table password_tokens (
    hash       bytea primary key check (length(hash) = 32),
    user_id    uuid not null references users,
    expires_at timestamptz not null,
    used_at    timestamptz
);
comment on table password_tokens is 'Tokens in mails by which a password is set, once; owned by shared::access';
create index password_tokens_user on password_tokens (user_id);

create table attempt_counters (
    -- HMAC of what is counted: an account, an address
    key   bytea primary key check (length(key) = 32),
    tries integer not null,
    -- when counting begins anew
    until timestamptz not null
);
comment on table attempt_counters is 'How often a password was tried lately; owned by shared::access';
create index attempt_counters_until on attempt_counters (until);

create table api_keys (
    id           uuid primary key,
    name         text not null check (length(name) between 1 and 100),
    -- the beginning of the key, to recognise it by
    prefix       text not null check (length(prefix) between 4 and 20),
    -- SHA-256; a key has 256 random bits
    hash         bytea not null unique check (length(hash) = 32),
    permissions  text[] not null check (cardinality(permissions) > 0),
    clusters     text[] check (cardinality(clusters) > 0),
    expires_at   timestamptz not null,
    -- within some minutes
    last_used_at timestamptz,
    revoked_at   timestamptz,
    created_by   text not null,
    created_at   timestamptz not null
);
comment on table api_keys is 'Keys of programs; owned by shared::access';
