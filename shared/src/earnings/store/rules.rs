//! Rows of `earning_fees`, `earning_reserves` and `earning_maturities`: few, so all are read.

use sqlx::PgConnection;

use crate::earnings::Rules;
use crate::earnings::model::{FeeRule, MaturityRule, ReserveRule};
use crate::kernel::money::Rate;

/// Rows of each table that are read at the most, the latest.
const RULES_MAX: i64 = 1_000;

pub(in crate::earnings) async fn all(conn: &mut PgConnection) -> sqlx::Result<Rules> {
    let fees = sqlx::query!(
        "select earning_source, effective_from, fee_bps from earning_fees order by effective_from desc limit $1",
        RULES_MAX
    )
    .fetch_all(&mut *conn)
    .await?;
    let reserves = sqlx::query!(
        "select effective_from, reserve_bps, reserve_days from earning_reserves order by effective_from desc limit $1",
        RULES_MAX
    )
    .fetch_all(&mut *conn)
    .await?;
    let maturities = sqlx::query!(
        "select country, effective_from, days, new_days, new_months from earning_maturities
         order by effective_from desc limit $1",
        RULES_MAX
    )
    .fetch_all(conn)
    .await?;
    // the columns' constraints keep all numbers within bounds
    let rate = |bps: i32| Rate::try_from(bps).unwrap_or(Rate::NONE);
    Ok(Rules {
        fees: fees
            .into_iter()
            .map(|row| FeeRule {
                source: row.earning_source,
                from: row.effective_from,
                rate: rate(row.fee_bps),
            })
            .collect(),
        reserves: reserves
            .into_iter()
            .map(|row| ReserveRule {
                from: row.effective_from,
                rate: rate(row.reserve_bps),
                days: row.reserve_days.unsigned_abs().into(),
            })
            .collect(),
        maturities: maturities
            .into_iter()
            .map(|row| MaturityRule {
                country: row.country,
                from: row.effective_from,
                days: row.days.unsigned_abs().into(),
                new: row
                    .new_days
                    .zip(row.new_months)
                    .map(|(days, months)| (days.unsigned_abs().into(), months.unsigned_abs())),
            })
            .collect(),
    })
}
