-- How fast each queue went, in steps of 10 s to an hour: what the operations pages draw. The history could tell the same,
-- but only by reading millions of rows for a week's chart.
-- Lock: none but of the new table. Undo: drop table queue_pace.
create table queue_pace (
    step_s    integer     not null check (step_s > 0),
    at        timestamptz not null,
    queue     text        not null,
    completed bigint      not null default 0,
    failed    bigint      not null default 0,
    dead      bigint      not null default 0,
    -- jobs picked up within each bound of shared::queue::pace::PICKUP_BOUNDS_MS, the last beyond all
    pickup    bigint[]    not null,
    primary key (step_s, at, queue)
);
comment on table queue_pace is 'Attempts that ended, by queue and time; added to by workers every 10 s; owned by shared::queue';
