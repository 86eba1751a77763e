-- Answers that were given to requests with an `Idempotency-Key`, for a day.
-- Why: a client that did not hear the answer asks again and must not cause the effect twice; the row is written in the
-- transaction of the effect. Lock: none, a new table. Undo: drop it.

create table idempotency_keys (
    actor        text not null,
    -- method and route
    scope        text not null,
    key          text not null check (length(key) between 1 and 200),
    -- SHA-256 of the request's body: the same key with another body is a mistake
    request_hash bytea not null,
    -- null only inside of the transaction that makes the row
    status       smallint,
    location     text,
    body         text,
    created_at   timestamptz not null default now(),
    primary key (actor, scope, key)
);
comment on table idempotency_keys is 'Answers given, by idempotency key; owned by shared::idempotency';
create index idempotency_keys_age on idempotency_keys (created_at);
