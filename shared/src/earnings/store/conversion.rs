//! Rows of `earning_rates`, `earnings_unconverted` and `earnings_converted`.

use std::collections::HashMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::creators::CreatorId;
use crate::earnings::model::{Both, ConvertedSum, Lot};
use crate::earnings::record::Change;
use crate::fx::Cross;
use crate::kernel::money::{Currency, Money};
use crate::kernel::{Ctx, TypedId, stored};

/// A currency and a day whose rate is not fixed; where a walk over them stands.
pub(in crate::earnings) type RatePlace = (NaiveDate, Currency);

/// Adds to what waits for a rate.
pub(in crate::earnings) async fn wait(
    conn: &mut PgConnection,
    changes: &[Change],
) -> sqlx::Result<()> {
    let creators: Vec<Uuid> = changes.iter().map(|one| one.creator.uuid()).collect();
    let days: Vec<NaiveDate> = changes.iter().map(|one| one.day).collect();
    let currencies: Vec<String> = changes.iter().map(|one| one.currency.to_string()).collect();
    let sources: Vec<String> = changes.iter().map(|one| one.source.to_string()).collect();
    let rate_days: Vec<NaiveDate> = changes.iter().map(|one| one.rate_day).collect();
    let shares: Vec<i64> = changes.iter().map(|one| one.share).collect();
    sqlx::query!(
        "insert into earnings_unconverted (creator_id, day, currency, source, rate_day, share_minor)
         select c.creator_id, c.day, c.currency, c.source, c.rate_day, sum(c.share)::int8
         from unnest($1::uuid[], $2::date[], $3::text[], $4::text[], $5::date[], $6::int8[])
              c (creator_id, day, currency, source, rate_day, share)
         group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5
         on conflict (creator_id, day, currency, source, rate_day) do update
         set share_minor = earnings_unconverted.share_minor + excluded.share_minor",
        &creators,
        &days,
        &currencies,
        &sources,
        &rate_days,
        &shares,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Whether anything waits.
pub(in crate::earnings) async fn anything_waits(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from earnings_unconverted) as "any!""#)
        .fetch_one(conn)
        .await
}

/// Currencies and days that earnings wait for and whose rate is not fixed, after a place.
pub(in crate::earnings) async fn unfixed(
    conn: &mut PgConnection,
    reporting: Currency,
    after: Option<RatePlace>,
    limit: i64,
) -> sqlx::Result<Vec<RatePlace>> {
    let (day, currency) = after.map_or((None, ""), |(day, of)| (Some(day), of.code()));
    let rows = sqlx::query!(
        "select distinct u.rate_day, u.currency from earnings_unconverted u
         where u.currency <> $1 and (u.rate_day, u.currency) > (coalesce($2::date, '-infinity'), $3)
           and not exists (select from earning_rates r
                           where r.currency = u.currency and r.reporting = $1 and r.day = u.rate_day)
         order by u.rate_day, u.currency limit $4",
        reporting.code(),
        day,
        currency,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| Ok((row.rate_day, stored("currency", &row.currency)?)))
        .collect()
}

/// Fixes the rate of a day, unless another one was fixed first.
pub(in crate::earnings) async fn fix(
    conn: &mut PgConnection,
    ctx: &Ctx,
    day: NaiveDate,
    cross: &Cross,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into earning_rates (currency, reporting, day, rate, from_rate_id, to_rate_id, rate_day, fixed_at)
         values ($1, $2, $3, $4::text::numeric, $5, $6, $7, $8) on conflict do nothing",
        cross.from.code(),
        cross.to.code(),
        day,
        cross.rate.to_string(),
        cross.from_rate.as_ref().map(|rate| rate.id),
        cross.to_rate.as_ref().map(|rate| rate.id),
        cross.day,
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Takes away what waits and whose rate is fixed, and answers it with that rate.
pub(in crate::earnings) async fn take(
    conn: &mut PgConnection,
    reporting: Currency,
    limit: i64,
) -> sqlx::Result<Vec<(Lot, Money, Decimal)>> {
    let rows = sqlx::query!(
        r#"
        with due as (
            select u.creator_id, u.day, u.currency, u.source, u.rate_day, r.rate
            from earnings_unconverted u
            join earning_rates r on r.currency = u.currency and r.reporting = $1 and r.day = u.rate_day
            order by u.creator_id, u.day, u.currency, u.source, u.rate_day limit $2 for update of u skip locked
        )
        delete from earnings_unconverted u using due d
        where (u.creator_id, u.day, u.currency, u.source, u.rate_day) = (d.creator_id, d.day, d.currency, d.source, d.rate_day)
        returning u.creator_id, u.day, u.currency, u.source, u.rate_day, u.share_minor, trim_scale(d.rate)::text as "rate!"
        "#,
        reporting.code(),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let lot = Lot {
                creator: row.creator_id.into(),
                day: row.day,
                currency: stored("currency", &row.currency)?,
                source: stored("source", &row.source)?,
                rate_day: row.rate_day,
            };
            let share = Money::new(lot.currency, row.share_minor);
            Ok((lot, share, stored("rate", &row.rate)?))
        })
        .collect()
}

/// The columns of lots.
struct Columns {
    creators: Vec<Uuid>,
    days: Vec<NaiveDate>,
    currencies: Vec<String>,
    sources: Vec<String>,
    rate_days: Vec<NaiveDate>,
}

impl Columns {
    fn of<'a>(lots: impl Iterator<Item = &'a Lot> + Clone) -> Self {
        Self {
            creators: lots.clone().map(|lot| lot.creator.uuid()).collect(),
            days: lots.clone().map(|lot| lot.day).collect(),
            currencies: lots.clone().map(|lot| lot.currency.to_string()).collect(),
            sources: lots.clone().map(|lot| lot.source.to_string()).collect(),
            rate_days: lots.map(|lot| lot.rate_day).collect(),
        }
    }
}

/// What was converted of lots before; those of which nothing was are not there. Nobody else adds to them until the
/// transaction ends, as what waits of them was taken by it.
pub(in crate::earnings) async fn converted(
    conn: &mut PgConnection,
    reporting: Currency,
    lots: impl Iterator<Item = &Lot> + Clone,
) -> sqlx::Result<HashMap<Lot, Both>> {
    let of = Columns::of(lots);
    let rows = sqlx::query!(
        "select c.creator_id, c.day, c.currency, c.source, c.rate_day, c.share_minor, c.converted_minor
         from unnest($2::uuid[], $3::date[], $4::text[], $5::text[], $6::date[]) k (creator_id, day, currency, source, rate_day)
         join earnings_converted c on c.creator_id = k.creator_id and c.day = k.day and c.currency = k.currency
              and c.source = k.source and c.rate_day = k.rate_day and c.reporting = $1",
        reporting.code(),
        &of.creators,
        &of.days,
        &of.currencies,
        &of.sources,
        &of.rate_days,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let lot = Lot {
                creator: row.creator_id.into(),
                day: row.day,
                currency: stored("currency", &row.currency)?,
                source: stored("source", &row.source)?,
                rate_day: row.rate_day,
            };
            let both = Both {
                share_minor: row.share_minor,
                converted_minor: row.converted_minor,
            };
            Ok((lot, both))
        })
        .collect()
}

/// Writes what lots are now.
pub(in crate::earnings) async fn put(
    conn: &mut PgConnection,
    ctx: &Ctx,
    reporting: Currency,
    lots: &[(Lot, Both)],
) -> sqlx::Result<()> {
    let of = Columns::of(lots.iter().map(|(lot, _)| lot));
    let shares: Vec<i64> = lots.iter().map(|(_, both)| both.share_minor).collect();
    let converted: Vec<i64> = lots.iter().map(|(_, both)| both.converted_minor).collect();
    sqlx::query!(
        "insert into earnings_converted (creator_id, day, currency, source, rate_day, reporting, share_minor, converted_minor, converted_at)
         select k.creator_id, k.day, k.currency, k.source, k.rate_day, $1, k.share, k.converted, $2
         from unnest($3::uuid[], $4::date[], $5::text[], $6::text[], $7::date[], $8::int8[], $9::int8[])
              k (creator_id, day, currency, source, rate_day, share, converted)
         on conflict (creator_id, day, currency, source, rate_day, reporting) do update
         set share_minor = excluded.share_minor, converted_minor = excluded.converted_minor,
             converted_at = excluded.converted_at",
        reporting.code(),
        ctx.now(),
        &of.creators,
        &of.days,
        &of.currencies,
        &of.sources,
        &of.rate_days,
        &shares,
        &converted,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// What was converted of a creator's earnings, by month.
pub(in crate::earnings) async fn months(
    conn: &mut PgConnection,
    id: CreatorId,
    reporting: Currency,
) -> sqlx::Result<Vec<ConvertedSum>> {
    let rows = sqlx::query!(
        r#"select date_trunc('month', day::timestamp)::date as "month!", currency, source,
                  sum(share_minor)::int8 as "share!", sum(converted_minor)::int8 as "converted!"
           from earnings_converted where creator_id = $1 and reporting = $2 group by 1, 2, 3 order by 1, 2, 3"#,
        id.uuid(),
        reporting.code(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(ConvertedSum {
                month: row.month,
                source: stored("source", &row.source)?,
                share: Money::new(stored("currency", &row.currency)?, row.share),
                converted_minor: row.converted,
            })
        })
        .collect()
}

/// What waits of a creator's earnings, by currency, of days that are over and of those that are not, with the first day
/// whose rate it waits for.
pub(in crate::earnings) async fn waiting(
    conn: &mut PgConnection,
    id: CreatorId,
    reporting: Currency,
    today: NaiveDate,
) -> sqlx::Result<Vec<(Money, NaiveDate)>> {
    let rows = sqlx::query!(
        r#"select currency, min(rate_day) as "first_day!", sum(share_minor)::int8 as "share!"
           from earnings_unconverted where creator_id = $1 and currency <> $2
           group by currency, rate_day >= $3 order by 1, 2"#,
        id.uuid(),
        reporting.code(),
        today,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let currency = stored("currency", &row.currency)?;
            Ok((Money::new(currency, row.share), row.first_day))
        })
        .collect()
}
