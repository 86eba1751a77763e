-- Removal of what was retained after an erasure, when its time is over; legal holds, and restrictions of processing.
-- Why: docs/privacy.md. Lock: people for a moment, for a column without a default and an index over the few erased ones;
-- retention_rules is tiny. Undo: drop the tables and the columns.

alter table retention_rules
    -- from when the years count, and what becomes of the rows then; others are added when something needs them
    add column start_event text not null default 'erasure' check (start_event in ('erasure')),
    add column action      text not null default 'delete' check (action in ('delete'));

-- since when nothing may be done with somebody's data but keep it (GDPR Art. 18); campaigns leave them out
alter table people add column restricted_at timestamptz;
create index people_erased on people (erased_at) where erased_at is not null;

create table privacy_measures (
    id          uuid primary key,
    person_id   uuid not null references people,
    kind        text not null check (kind in ('restriction', 'legal_hold')),
    -- the case or ticket
    reason      text not null check (length(reason) between 1 and 500),
    set_by      text not null,
    set_at      timestamptz not null,
    lifted_by   text,
    lifted_at   timestamptz,
    lift_reason text check (length(lift_reason) between 1 and 500),
    check ((lifted_at is null) = (lifted_by is null) and (lifted_at is null) = (lift_reason is null))
);
comment on table privacy_measures is 'Restrictions and legal holds, standing and lifted; owned by shared::privacy';
create index privacy_measures_person on privacy_measures (person_id, set_at desc);
create index privacy_measures_standing on privacy_measures (person_id, kind) where lifted_at is null;

create table retention_removals (
    person_id  uuid not null references people,
    class      text not null,
    rows       bigint not null check (rows >= 0),
    removed_at timestamptz not null,
    primary key (person_id, class)
);
comment on table retention_removals is 'What is gone of whom, so that nobody looks again; owned by shared::privacy';

create table retention_runs (
    id          uuid primary key,
    -- what was over on this day
    day         date not null,
    started_at  timestamptz not null,
    finished_at timestamptz,
    -- by class: people, rows; and how many people legal holds kept
    outcome     jsonb not null default '{}',
    created_by  text not null
);
comment on table retention_runs is 'Removals of what was retained, one at a time; owned by shared::privacy';
create unique index retention_runs_open on retention_runs ((true)) where finished_at is null;
