-- Which made-up population a database holds.
-- Why: seeding twice must not double anything, and must never mix made-up creators with real ones; only a note in the
-- same transaction can tell. Lock: none, the table is new. Undo: drop it.

create table seed_population (
    -- there is one or none
    only_one   boolean primary key default true check (only_one),
    -- with these the same rows come out again
    seed       bigint not null,
    as_of      date not null,
    creators   integer not null check (creators >= 0),
    mixture    text not null check (mixture in ('lifelike', 'all_reachable')),
    detail     text not null check (detail in ('core', 'everything')),
    -- of a thousand creators, how many no tier run has ever looked at
    unevaluated_per_mille integer not null check (unevaluated_per_mille between 0 and 1000)
);
comment on table seed_population is 'What the creators of this database were made up from, if they were; owned by shared::seed';
