-- What creators earn a day, the rules that make a tier of it, and how a nightly run is carried out.
-- Why: tiers follow earnings by rules that change over time, so the rules are rows with a date and a source; a run over a
-- million creators is planned by one statement and applied in small steps, so that it can be interrupted.
-- Lock: none, all tables are new. Undo: drop them.

create table creator_earnings_daily (
    creator_id  uuid not null references creators,
    -- in UTC
    day         date not null,
    -- the creator's share before payout, in minor units of the reporting currency; refunds make it negative
    share_minor bigint not null,
    primary key (creator_id, day)
);
comment on table creator_earnings_daily is 'What a creator earned on a day; owned by shared::tiers until the ledger fills it';
-- days come one after the other, so the rows of the last thirty lie together
create index creator_earnings_daily_day on creator_earnings_daily using brin (day) with (pages_per_range = 16, autosummarize = on);

create table tier_policies (
    -- in force from this day until the next row's
    effective_from      date primary key,
    -- ISO 4217, the reporting currency
    currency            text not null check (currency ~ '^[A-Z]{3}$'),
    -- how many days back the figure goes
    window_days         integer not null check (window_days > 0),
    -- younger than this, and below `rising`: newcomer
    newcomer_days       integer not null check (newcomer_days >= 0),
    -- one of so many active creators is a legend, if there are at least so many
    legend_one_in       integer not null check (legend_one_in > 0),
    legend_min_active   integer not null check (legend_min_active >= legend_one_in),
    demote_after_months integer not null check (demote_after_months > 0),
    -- what is earned on a day from which the tier is looked at again at once
    large_day_minor     bigint not null check (large_day_minor > 0),
    source              text not null
);
comment on table tier_policies is 'The rules of tiers, by date; owned by shared::tiers';

create table tier_bands (
    effective_from date not null references tier_policies,
    tier           text not null check (tier in ('emerging', 'rising', 'established', 'star', 'superstar')),
    -- from here, up to the next tier's; the lowest band takes everything below, too
    from_minor     bigint not null check (from_minor >= 0),
    primary key (effective_from, tier),
    unique (effective_from, from_minor)
);
comment on table tier_bands is 'From which earnings which tier begins; owned by shared::tiers';

insert into tier_policies (effective_from, currency, window_days, newcomer_days, legend_one_in, legend_min_active,
                           demote_after_months, large_day_minor, source)
values ('1970-01-01', 'USD', 30, 30, 1000, 1000, 2, 100000, 'Product specification, "Creator Tiers"');
insert into tier_bands (effective_from, tier, from_minor) values
    ('1970-01-01', 'emerging', 0),
    ('1970-01-01', 'rising', 100000),
    ('1970-01-01', 'established', 500000),
    ('1970-01-01', 'star', 2500000),
    ('1970-01-01', 'superstar', 10000000);

-- Only creators of whom there is more to know than their tier: those that earn less than their tier asks for, and those
-- whose tier was set by hand.
create table creator_tier_states (
    creator_id  uuid primary key references creators,
    -- the tier by the rules; differs from the creator's while one is set by hand
    organic     text not null,
    -- since when every evaluation found less than `organic`, and the best that was found since
    below_since date,
    below_best  text,
    check ((below_since is null) = (below_best is null))
);
comment on table creator_tier_states is 'What the tier rules remember of a creator; owned by shared::tiers';

create table tier_overrides (
    creator_id uuid primary key references creators,
    tier       text not null,
    reason     text not null check (length(reason) between 1 and 500),
    ends_at    timestamptz not null,
    set_by     text not null,
    set_at     timestamptz not null
);
comment on table tier_overrides is 'Tiers set by hand until a day; the history keeps those that ended; owned by shared::tiers';

create table tier_runs (
    id          uuid primary key,
    -- the last day that counts
    day         date not null,
    started_at  timestamptz not null,
    -- when every change was decided
    planned_at  timestamptz,
    finished_at timestamptz,
    evaluated   bigint not null default 0,
    promoted    bigint not null default 0,
    demoted     bigint not null default 0,
    created_by  text not null
);
comment on table tier_runs is 'Evaluations of all creators, one at a time; owned by shared::tiers';
create unique index tier_runs_open on tier_runs ((true)) where finished_at is null;

-- What a run decided and has not applied yet.
create table tier_changes (
    run_id      uuid not null references tier_runs,
    creator_id  uuid not null,
    from_tier   text not null,
    to_tier     text not null,
    organic     text not null,
    below_since date,
    below_best  text,
    reason      text not null,
    primary key (run_id, creator_id)
);
comment on table tier_changes is 'Decided changes of tiers, until they are applied; owned by shared::tiers';
