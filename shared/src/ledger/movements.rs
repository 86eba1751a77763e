//! What moved on a creator's accounts, from their entries.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use super::{Movements, store};
use crate::creators::CreatorId;
use crate::kernel::money::Currency;

/// Months of a creator that are listed at the most, the latest: each in each currency.
const MONTHS_MAX: i64 = 1_200;

/// What was recorded on a creator's accounts in a currency from one moment until before another, and what there was before;
/// all from the entries. More than `most` transfers come as sums by day (in UTC) and kind.
///
/// # Errors
/// If the database cannot be read.
pub async fn creator_movements(
    conn: &mut PgConnection,
    creator: CreatorId,
    currency: Currency,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    most: i64,
) -> sqlx::Result<Movements> {
    let opening = store::movements::opening(conn, creator, currency, from).await?;
    let one_by_one =
        store::movements::one_by_one(conn, creator, currency, (from, until), most + 1).await?;
    let by_day = i64::try_from(one_by_one.len()).unwrap_or(i64::MAX) > most;
    let moved = if by_day {
        store::movements::by_day(conn, creator, currency, (from, until)).await?
    } else {
        one_by_one
    };
    Ok(Movements {
        opening,
        moved,
        by_day,
    })
}

/// The months (their first days, in UTC) in which anything was recorded on a creator's accounts, by currency; the latest
/// first.
///
/// # Errors
/// If the database cannot be read.
pub async fn creator_months(
    conn: &mut PgConnection,
    creator: CreatorId,
) -> sqlx::Result<Vec<(NaiveDate, Currency)>> {
    store::movements::months(conn, creator, MONTHS_MAX).await
}
