//! The stored rules of converting.

use chrono::NaiveDate;
use sqlx::PgConnection;

use crate::fx::FxPolicy;

/// The rules in force on a day.
pub(in crate::fx) async fn in_force(
    conn: &mut PgConnection,
    day: NaiveDate,
) -> sqlx::Result<Option<FxPolicy>> {
    sqlx::query_as!(
        FxPolicy,
        "select effective_from, spread_bps, max_age_days, quote_seconds, source from fx_policies
         where effective_from <= $1 order by effective_from desc limit 1",
        day,
    )
    .fetch_optional(conn)
    .await
}
