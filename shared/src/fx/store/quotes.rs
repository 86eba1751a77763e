//! The stored offers to convert.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::fx::{Cross, Quote, QuoteId, Used};
use crate::kernel::money::{Currency, Money};
use crate::kernel::{Ctx, TypedId, stored};

/// The name Postgres gives to "one conversion for one thing".
const ONE_PURPOSE: &str = "fx_quotes_locked_for";

pub(in crate::fx) async fn insert(
    conn: &mut PgConnection,
    ctx: &Ctx,
    quote: &Quote,
    cross: &Cross,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into fx_quotes (id, from_currency, from_minor, to_currency, mid_minor, spread_minor, to_minor, rate, spread_bps,
                                from_rate_id, to_rate_id, rate_day, quoted_by, quoted_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8::text::numeric, $9, $10, $11, $12, $13, $14, $15)",
        quote.id.uuid(),
        quote.from.currency.code(),
        quote.from.minor,
        quote.to.currency.code(),
        quote.mid.minor,
        quote.spread.minor,
        quote.to.minor,
        quote.rate.to_string(),
        quote.spread_bps,
        cross.from_rate.as_ref().map(|rate| rate.id),
        cross.to_rate.as_ref().map(|rate| rate.id),
        quote.rate_day,
        ctx.actor.to_string(),
        quote.quoted_at,
        quote.expires_at,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The offer, and nobody else uses it until the transaction ends.
pub(in crate::fx) async fn lock(
    conn: &mut PgConnection,
    id: QuoteId,
) -> sqlx::Result<Option<Quote>> {
    let row = sqlx::query!(
        r#"select from_currency, from_minor, to_currency, mid_minor, spread_minor, to_minor,
                  trim_scale(rate)::text as "rate!", spread_bps, from_rate_id, to_rate_id, rate_day, quoted_at, expires_at,
                  locked_for, locked_at
           from fx_quotes where id = $1 for update"#,
        id.uuid(),
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let from: Currency = stored("from_currency", &row.from_currency)?;
    let to: Currency = stored("to_currency", &row.to_currency)?;
    let ids: Vec<i64> = [row.from_rate_id, row.to_rate_id]
        .into_iter()
        .flatten()
        .collect();
    Ok(Some(Quote {
        id,
        from: Money::new(from, row.from_minor),
        to: Money::new(to, row.to_minor),
        mid: Money::new(to, row.mid_minor),
        spread: Money::new(to, row.spread_minor),
        rate: stored("rate", &row.rate)?,
        spread_bps: row.spread_bps,
        used: used(conn, &ids).await?,
        rate_day: row.rate_day,
        quoted_at: row.quoted_at,
        expires_at: row.expires_at,
        locked: row.locked_for.zip(row.locked_at),
    }))
}

/// The rates of these ids, in their order.
async fn used(conn: &mut PgConnection, ids: &[i64]) -> sqlx::Result<Vec<Used>> {
    let rows = sqlx::query!(
        r#"select r.id, r.currency, r.day, r.source, trim_scale(r.per_eur)::text as "per_eur!", r.recorded_at
           from unnest($1::bigint[]) with ordinality as u (id, place) join fx_rates r on r.id = u.id order by u.place"#,
        ids,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Used {
                id: row.id,
                currency: row.currency,
                day: row.day,
                source: stored("source", &row.source)?,
                per_eur: stored("per_eur", &row.per_eur)?,
                recorded_at: row.recorded_at,
            })
        })
        .collect()
}

/// Notes what an offer is used for; false if that has another one.
pub(in crate::fx) async fn use_for(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: QuoteId,
    purpose: &str,
) -> sqlx::Result<bool> {
    // asked first, as a breach of the index would end the caller's transaction; the index decides between two at a time
    let noted = sqlx::query!(
        "update fx_quotes set locked_for = $2, locked_by = $3, locked_at = $4
         where id = $1 and not exists (select 1 from fx_quotes where locked_for = $2)",
        id.uuid(),
        purpose,
        ctx.actor.to_string(),
        ctx.now(),
    )
    .execute(conn)
    .await;
    match noted {
        Ok(done) => Ok(done.rows_affected() > 0),
        Err(sqlx::Error::Database(error)) if error.constraint() == Some(ONE_PURPOSE) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes up to `limit` offers that expired unused before `until`.
pub(in crate::fx) async fn purge(
    conn: &mut PgConnection,
    until: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<u64> {
    let gone = sqlx::query!(
        "delete from fx_quotes where id in
             (select id from fx_quotes where locked_at is null and expires_at < $1 order by expires_at limit $2)",
        until,
        limit,
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
