//! Rows of `creator_earnings_monthly`.

use chrono::{Datelike, NaiveDate};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::creators::CreatorId;
use crate::earnings::model::MonthSum;
use crate::earnings::record::Change;
use crate::kernel::{TypedId, stored};

/// Adds to the sums of months, in the order of the rows.
pub(in crate::earnings) async fn add_months(
    conn: &mut PgConnection,
    changes: &[Change],
) -> sqlx::Result<()> {
    let creators: Vec<Uuid> = changes.iter().map(|one| one.creator.uuid()).collect();
    let months: Vec<NaiveDate> = changes
        .iter()
        .map(|one| one.day.with_day(1).unwrap_or(one.day))
        .collect();
    let currencies: Vec<String> = changes.iter().map(|one| one.currency.to_string()).collect();
    let sources: Vec<String> = changes.iter().map(|one| one.source.to_string()).collect();
    let gross: Vec<i64> = changes.iter().map(|one| one.gross).collect();
    let shares: Vec<i64> = changes.iter().map(|one| one.share).collect();
    sqlx::query!(
        "insert into creator_earnings_monthly (creator_id, month, currency, source, gross_minor, share_minor)
         select c.creator_id, c.month, c.currency, c.source, sum(c.gross)::int8, sum(c.share)::int8
         from unnest($1::uuid[], $2::date[], $3::text[], $4::text[], $5::int8[], $6::int8[])
              c (creator_id, month, currency, source, gross, share)
         group by 1, 2, 3, 4 order by 1, 2, 3, 4
         on conflict (creator_id, month, currency, source) do update
         set gross_minor = creator_earnings_monthly.gross_minor + excluded.gross_minor,
             share_minor = creator_earnings_monthly.share_minor + excluded.share_minor",
        &creators,
        &months,
        &currencies,
        &sources,
        &gross,
        &shares,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The sums of a creator's months.
pub(in crate::earnings) async fn months(
    conn: &mut PgConnection,
    id: CreatorId,
) -> sqlx::Result<Vec<MonthSum>> {
    let rows = sqlx::query!(
        "select month, currency, source, share_minor from creator_earnings_monthly where creator_id = $1
         order by month, currency, source",
        id.uuid(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(MonthSum {
                month: row.month,
                currency: stored("currency", &row.currency)?,
                source: stored("source", &row.source)?,
                share_minor: row.share_minor,
            })
        })
        .collect()
}
