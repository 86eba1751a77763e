-- Earnings in other currencies are converted into the reporting one: what waits is told apart by what was paid for and by
-- the day whose rate applies, each currency has one rate a day for good, and what was converted is kept with it.
-- Why: the figures of a creator's summary are parted by source, a reversal goes with the rate of its original, and a figure
-- that was shown must not change because a rate was corrected later.
-- Lock: earnings_unconverted exclusively while its rows are written anew from earnings and reversals, a second for each
-- hundred thousand. Undo: drop the new tables; sum what waits by creator, day and currency, and drop the two columns.

alter table earnings_unconverted
    -- what the fans paid for
    add column source text,
    -- the day whose rate applies: of a reversal that of its original
    add column rate_day date;
alter table earnings_unconverted drop constraint earnings_unconverted_pkey;
insert into earnings_unconverted (creator_id, day, currency, source, rate_day, share_minor)
    select p.creator_id, p.day, p.currency, p.source, p.rate_day, sum(p.share)::int8
    from (select creator_id, (occurred_at at time zone 'UTC')::date as day, currency, source,
                 (occurred_at at time zone 'UTC')::date as rate_day, gross_minor - fee_minor as share
          from earnings
          union all
          select r.creator_id, (r.occurred_at at time zone 'UTC')::date, r.currency, e.source,
                 (e.occurred_at at time zone 'UTC')::date, r.fee_minor - r.gross_minor
          from earning_reversals r join earnings e on e.id = r.earning_id) p
    where exists (select from earnings_unconverted u
                  where u.creator_id = p.creator_id and u.day = p.day and u.currency = p.currency)
    group by 1, 2, 3, 4, 5;
delete from earnings_unconverted where source is null;
alter table earnings_unconverted
    alter column source set not null,
    alter column rate_day set not null,
    add primary key (creator_id, day, currency, source, rate_day);
drop index earnings_unconverted_day;
create index earnings_unconverted_rate on earnings_unconverted (rate_day, currency);

create table earning_rates (
    currency     text not null check (currency ~ '^[A-Z]{3}$'),
    -- the reporting currency, which rules may change
    reporting    text not null check (reporting ~ '^[A-Z]{3}$' and reporting <> currency),
    day          date not null,
    -- units of the reporting currency for one unit of the other
    rate         numeric not null check (rate > 0),
    -- what it was made of; none for the euro itself
    from_rate_id bigint references fx_rates,
    to_rate_id   bigint references fx_rates,
    check (from_rate_id is not null or to_rate_id is not null),
    -- the day of the older of them
    rate_day     date not null check (rate_day <= day),
    fixed_at     timestamptz not null,
    primary key (currency, reporting, day)
);
comment on table earning_rates is 'The rate by which the earnings of a day are converted, once and for all; owned by shared::earnings';

create table earnings_converted (
    creator_id      uuid not null references creators,
    -- on which it counts
    day             date not null,
    currency        text not null,
    source          text not null,
    -- the day whose rate applies: of a reversal that of its original
    rate_day        date not null,
    reporting       text not null,
    -- minor units of the currency, and of the reporting currency
    share_minor     bigint not null,
    converted_minor bigint not null,
    -- when anything was added last
    converted_at    timestamptz not null,
    primary key (creator_id, day, currency, source, rate_day, reporting),
    foreign key (currency, reporting, rate_day) references earning_rates
);
comment on table earnings_converted is 'Earnings in other currencies, in both currencies; owned by shared::earnings';
