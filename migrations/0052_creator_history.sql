-- How creators came to the status and the tier they have, and who decided about their age.
-- Why: a status without its reason cannot be explained to anybody. Lock: none that matters, the tables are new; blocks get
-- columns without a rewrite. Undo: drop the tables and the columns.

create table creator_status_history (
    id             uuid primary key,
    creator_id     uuid not null references creators,
    -- null = the first one
    from_status    text,
    to_status      text not null,
    reason         text not null check (length(reason) between 1 and 500),
    actor          text not null,
    effective_from timestamptz not null,
    recorded_at    timestamptz not null
);
comment on table creator_status_history is 'Every status a creator had, never changed; owned by shared::creators';
create index creator_status_history_creator on creator_status_history (creator_id, effective_from desc, id desc);

create table creator_tier_history (
    id             uuid primary key,
    creator_id     uuid not null references creators,
    from_tier      text,
    to_tier        text not null,
    reason         text not null check (length(reason) between 1 and 500),
    actor          text not null,
    effective_from timestamptz not null,
    recorded_at    timestamptz not null
);
comment on table creator_tier_history is 'Every tier a creator had, never changed; owned by shared::tiers';
create index creator_tier_history_creator on creator_tier_history (creator_id, effective_from desc, id desc);

insert into creator_status_history (id, creator_id, to_status, reason, actor, effective_from, recorded_at)
    select uuid_v7(), id, status, 'registered', created_by, created_at, created_at from creators;
insert into creator_tier_history (id, creator_id, to_tier, reason, actor, effective_from, recorded_at)
    select uuid_v7(), id, tier, 'registered', created_by, created_at, created_at from creators;

create table person_age_decisions (
    id         uuid primary key,
    person_id  uuid not null references people,
    decision   text not null check (decision in ('verified', 'revoked')),
    -- the birth date that was proven
    birth_date date not null,
    -- what was looked at, and by which rule: a ticket, a provider's reference; never the document itself
    evidence   text not null check (length(evidence) between 1 and 500),
    decided_by text not null,
    decided_at timestamptz not null
);
comment on table person_age_decisions is 'What staff decided about a person''s age, never changed; the latest holds; owned by shared::creators';
create index person_age_decisions_latest on person_age_decisions (person_id, decided_at desc, id desc);

alter table creator_blocks
    -- set together with ends_at when somebody ends a block before its time
    add column lifted_by   text,
    add column lift_reason text check (length(lift_reason) between 1 and 500);
