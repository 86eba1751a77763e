-- Exchange rates by day with their source, the imports they came by, the rules of converting, and locked quotes.
-- Why: a payout in another currency must be able to say for ever at which rate it was converted, whose rate that was and
-- what the spread was; so rates are never overwritten, only superseded, and a quote keeps both amounts and every part.
-- Lock: none, all tables are new. Undo: drop them, quotes first.

create table fx_imports (
    id          uuid primary key,
    -- whose rates: `ecb`
    source      text not null check (source in ('ecb')),
    -- where the document was read
    origin      text not null check (length(origin) between 1 and 2000),
    -- of the document's bytes
    sha256      bytea not null check (length(sha256) = 32),
    first_day   date not null,
    last_day    date not null check (last_day >= first_day),
    -- rates that were new, that replaced another one of the same day, and that were known already
    added       integer not null check (added >= 0),
    corrected   integer not null check (corrected >= 0),
    unchanged   integer not null check (unchanged >= 0),
    imported_by text not null,
    imported_at timestamptz not null
);
comment on table fx_imports is 'Documents of exchange rates that were read; owned by shared::fx';
create index fx_imports_newest on fx_imports (imported_at desc, id desc);

create table fx_rates (
    id            bigint generated always as identity primary key,
    day           date not null,
    -- ISO 4217; documents of the past name currencies that are no more
    currency      text not null check (currency ~ '^[A-Z]{3}$' and currency <> 'EUR'),
    source        text not null check (source in ('ecb', 'manual')),
    -- units of the currency for one euro
    per_eur       numeric(17, 8) not null check (per_eur > 0),
    -- why, for a manual rate
    reason        text check (length(reason) <= 500),
    import_id     uuid references fx_imports,
    recorded_by   text not null,
    recorded_at   timestamptz not null,
    -- when another rate of the same day and source took its place
    superseded_at timestamptz,
    check ((source = 'manual') = (reason is not null)),
    check ((source = 'manual') = (import_id is null))
);
comment on table fx_rates is 'What a euro was worth, by day and source; owned by shared::fx';
-- the one that counts, and the last one on or before a day
create unique index fx_rates_current on fx_rates (currency, day, source) where superseded_at is null;
-- lists, the newest day first
create index fx_rates_by_day on fx_rates (day desc, currency, source) where superseded_at is null;

create table fx_policies (
    -- in force from this day until the next row's
    effective_from date primary key,
    -- hundredths of a percent that are kept of what is converted
    spread_bps     integer not null check (spread_bps between 0 and 1000),
    -- a rate older than this is none
    max_age_days   integer not null check (max_age_days between 1 and 31),
    -- how long a quote holds until it is locked
    quote_seconds  integer not null check (quote_seconds between 1 and 86400),
    source         text not null
);
comment on table fx_policies is 'The rules of converting, by date; owned by shared::fx';
insert into fx_policies (effective_from, spread_bps, max_age_days, quote_seconds, source) values
    ('1970-01-01', 0, 7, 900,
     'Product default: no spread until finance sets one; the ECB publishes no rates on at most five days in a row (Easter)');

create table fx_quotes (
    id             uuid primary key,
    from_currency  text not null check (from_currency ~ '^[A-Z]{3}$'),
    from_minor     bigint not null check (from_minor > 0),
    to_currency    text not null check (to_currency ~ '^[A-Z]{3}$' and to_currency <> from_currency),
    -- what the rate alone gives, what is kept of it, and what is left
    mid_minor      bigint not null,
    spread_minor   bigint not null check (spread_minor >= 0),
    to_minor       bigint not null check (to_minor > 0),
    check (to_minor + spread_minor = mid_minor),
    -- units of the one currency for one unit of the other
    rate           numeric not null check (rate > 0),
    spread_bps     integer not null,
    -- what it was made of; none for the euro itself
    from_rate_id   bigint references fx_rates,
    to_rate_id     bigint references fx_rates,
    check (from_rate_id is not null or to_rate_id is not null),
    -- the day of the older of them
    rate_day       date not null,
    quoted_by      text not null,
    quoted_at      timestamptz not null,
    expires_at     timestamptz not null check (expires_at > quoted_at),
    -- for what it was used, once
    locked_for     text check (length(locked_for) between 1 and 100),
    locked_by      text,
    locked_at      timestamptz,
    check ((locked_for is null) = (locked_at is null) and (locked_by is null) = (locked_at is null)),
    check (locked_at < expires_at)
);
comment on table fx_quotes is 'Conversions offered, and those that were used; owned by shared::fx';
-- one conversion for one thing
create unique index fx_quotes_locked_for on fx_quotes (locked_for) where locked_for is not null;
-- quotes that nobody used go when their time is over
create index fx_quotes_unused on fx_quotes (expires_at) where locked_at is null;
