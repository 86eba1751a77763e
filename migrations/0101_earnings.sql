-- Earnings: the rules for fee, reserve and maturity, each earning and what of it was taken back, and sums of them.
-- Why: docs/payouts.md. Rules are rows with a date and a source. What matures is kept as one row a creator, currency and
-- day, so that maturing costs the same however many earnings a day brought. Lock: none, all tables are new.
-- Undo: drop them.

create table earning_fees (
    -- one source of earnings, or * for those that have no row of their own
    earning_source text not null check (earning_source ~ '^(\*|[a-z_]{2,30})$'),
    -- in force from this day until the next row's
    effective_from date not null,
    -- what the platform keeps of the gross amount, in basis points
    fee_bps        integer not null check (fee_bps between 0 and 10000),
    -- where the rule comes from
    source         text not null,
    primary key (earning_source, effective_from)
);
comment on table earning_fees is 'What the platform keeps of earnings, by date; owned by shared::earnings';
insert into earning_fees (earning_source, effective_from, fee_bps, source) values
    ('*', '1970-01-01', 2000, 'house rule, usual among creator platforms; set your own with a later date'),
    ('bonus', '1970-01-01', 0, 'house rule: the platform takes nothing of what it gives');

create table earning_reserves (
    effective_from date primary key,
    -- what is kept back of the gross amount, in basis points, and for how long
    reserve_bps    integer not null check (reserve_bps between 0 and 10000),
    reserve_days   integer not null check (reserve_days between 1 and 730),
    source         text not null
);
comment on table earning_reserves is 'The rolling reserve of earnings, by date; owned by shared::earnings';
insert into earning_reserves (effective_from, reserve_bps, reserve_days, source) values
    ('1970-01-01', 500, 90, 'house rule, within what card processors ask for; set your own with a later date');

create table earning_maturities (
    -- ISO 3166-1 alpha-2 of where the creator lives, or * for those that have no row of their own
    country        text not null check (country ~ '^(\*|[A-Z]{2})$'),
    effective_from date not null,
    -- days until an earning is available
    days           integer not null check (days between 1 and 365),
    -- the same while the creator is new, and for how many months they are
    new_days       integer check (new_days between 1 and 365),
    new_months     integer check (new_months between 1 and 60),
    source         text not null,
    primary key (country, effective_from),
    check ((new_days is null) = (new_months is null))
);
comment on table earning_maturities is 'When earnings become available, by country and date; owned by shared::earnings';
insert into earning_maturities (country, effective_from, days, source) values
    ('*', '1970-01-01', 7, 'domain notes: the practice of a large platform; unconfirmed');

create table creator_currencies (
    creator_id uuid primary key references creators,
    currency   text not null check (currency ~ '^[A-Z]{3}$'),
    set_by     text not null,
    set_at     timestamptz not null
);
comment on table creator_currencies is 'Which currency creators earn in, if not the reporting one; owned by shared::earnings';

create table earnings (
    -- also the id of the ledger's transfer that moved the money
    id             uuid not null primary key,
    creator_id     uuid not null references creators,
    -- minor units of `currency`
    gross_minor    bigint not null check (gross_minor > 0),
    fee_minor      bigint not null check (fee_minor >= 0),
    reserve_minor  bigint not null check (reserve_minor >= 0),
    -- of the gross amount, what was taken back since
    reversed_minor bigint not null default 0,
    occurred_at    timestamptz not null,
    recorded_at    timestamptz not null,
    -- when what is not reserved becomes available, and when the reserve is released
    matures_on     date not null,
    reserve_until  date not null,
    currency       text not null check (currency ~ '^[A-Z]{3}$'),
    source         text not null check (source in
        ('subscription', 'tip', 'custom_content', 'live_stream', 'video_call', 'message', 'affiliate', 'merchandise', 'bonus')),
    recorded_by    text not null,
    description    text check (length(description) <= 500),
    fan            text check (length(fan) between 1 and 200),
    content        text check (length(content) between 1 and 200),
    external_id    text check (length(external_id) between 1 and 200),
    check (fee_minor + reserve_minor <= gross_minor),
    check (reversed_minor between 0 and gross_minor)
) partition by range (id);
comment on table earnings is 'What creators earned, one by one; owned by shared::earnings';
create index earnings_creator on earnings (creator_id, occurred_at desc, id desc);

create table earning_reversals (
    -- also the id of the ledger's transfer
    id            uuid primary key,
    earning_id    uuid not null,
    creator_id    uuid not null references creators,
    kind          text not null check (kind in ('refund', 'chargeback')),
    currency      text not null check (currency ~ '^[A-Z]{3}$'),
    gross_minor   bigint not null check (gross_minor > 0),
    fee_minor     bigint not null check (fee_minor >= 0),
    reserve_minor bigint not null check (reserve_minor >= 0),
    occurred_at   timestamptz not null,
    recorded_at   timestamptz not null,
    recorded_by   text not null,
    reason        text check (length(reason) <= 500),
    check (fee_minor + reserve_minor <= gross_minor)
);
comment on table earning_reversals is 'What was taken back of earnings; owned by shared::earnings';
create index earning_reversals_earning on earning_reversals (earning_id);
create index earning_reversals_creator on earning_reversals (creator_id, occurred_at desc, id desc);

create table earning_keys (
    cluster_id  text not null references clusters,
    -- what the platform that reports it calls an earning or a reversal
    external_id text not null check (length(external_id) between 1 and 200),
    -- the earning or reversal that it became
    subject_id  uuid not null,
    -- SHA-256 of what was said of it: the same id with another content is a mistake
    body_hash   bytea not null check (length(body_hash) = 32),
    primary key (cluster_id, external_id)
);
comment on table earning_keys is 'Ids of earnings and reversals elsewhere, so that each counts once; owned by shared::earnings';

create table earning_dues (
    -- maturity or release of the reserve
    kind         text not null check (kind in ('maturity', 'reserve')),
    due_on       date not null,
    creator_id   uuid not null references creators,
    currency     text not null check (currency ~ '^[A-Z]{3}$'),
    amount_minor bigint not null check (amount_minor >= 0),
    primary key (kind, due_on, creator_id, currency)
);
comment on table earning_dues is 'What becomes available on which day; the row goes when it has; owned by shared::earnings';
create index earning_dues_creator on earning_dues (creator_id);

create table creator_earnings_monthly (
    creator_id  uuid not null references creators,
    -- the first day of the month, in UTC
    month       date not null check (extract(day from month) = 1),
    currency    text not null check (currency ~ '^[A-Z]{3}$'),
    source      text not null,
    -- after reversals, which count in the month in which they happen
    gross_minor bigint not null,
    share_minor bigint not null,
    primary key (creator_id, month, currency, source)
);
comment on table creator_earnings_monthly is 'Sums of earnings by month and source; owned by shared::earnings';

-- What is earned in another than the reporting currency waits here until a rate is known for its day.
create table earnings_unconverted (
    creator_id  uuid not null references creators,
    day         date not null,
    currency    text not null check (currency ~ '^[A-Z]{3}$'),
    share_minor bigint not null,
    primary key (creator_id, day, currency)
);
comment on table earnings_unconverted is 'Daily earnings without a rate to the reporting currency; owned by shared::earnings';
create index earnings_unconverted_day on earnings_unconverted (day, currency);

comment on table creator_earnings_daily is 'What a creator earned on a day, filled by shared::earnings; owned by shared::tiers';

create function earnings_make_partitions(from_day date, months integer) returns integer language sql as $$
    select make_month_partitions('earnings', from_day, months)
$$;
create table earnings_default partition of earnings default;
select earnings_make_partitions((current_date - interval '1 month')::date, 4);

-- For the timeline.
create view timeline_earnings as
    select creator_id, occurred_at as at, id, 'earning' as kind, recorded_by as by, 'team' as visibility,
           jsonb_build_object('event', 'earned', 'source', source, 'grossMinor', gross_minor, 'feeMinor', fee_minor,
                              'currency', currency, 'earningId', 'earning_' || replace(id::text, '-', '')) as details
    from earnings;
create view timeline_earning_reversals as
    select creator_id, occurred_at as at, id, 'earning' as kind, recorded_by as by, 'team' as visibility,
           jsonb_build_object('event', kind, 'grossMinor', gross_minor, 'feeMinor', fee_minor, 'currency', currency,
                              'earningId', 'earning_' || replace(earning_id::text, '-', '')) as details
    from earning_reversals;

-- What earnings read of creators.
create view creator_earners as
    select c.id as asked, k.id, k.cluster_id, k.created_at, p.residence_country
    from creators c join creators k on k.id = coalesce(c.merged_into, c.id) join people p on p.id = k.person_id;
comment on view creator_earners is 'Creators by any of their ids, as far as earnings need them; owned by shared::creators';
create view creator_standings as select id, status from creators;
comment on view creator_standings is 'Where creators stand; owned by shared::creators';
create view creator_payout_blocks as
    select creator_id, starts_at, ends_at from creator_blocks where 'payout' = any(blocks);
comment on view creator_payout_blocks is 'What keeps money from creators; owned by shared::creators';
