//! Rows of `tier_policies` and `tier_bands`.

use chrono::NaiveDate;
use sqlx::PgConnection;

use crate::kernel::stored;
use crate::tiers::{Band, TierPolicy};

/// The rules in force on a day.
pub(in crate::tiers) async fn in_force(
    conn: &mut PgConnection,
    day: NaiveDate,
) -> sqlx::Result<Option<TierPolicy>> {
    let row = sqlx::query!(
        "select effective_from, currency, window_days, newcomer_days, legend_one_in, legend_min_active,
                demote_after_months, large_day_minor, source
         from tier_policies where effective_from <= $1 order by effective_from desc limit 1",
        day,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let bands = sqlx::query!(
        "select tier, from_minor from tier_bands where effective_from = $1 order by from_minor",
        row.effective_from,
    )
    .fetch_all(conn)
    .await?;
    let bands = bands.into_iter().map(|band| {
        Ok(Band {
            tier: stored("tier", &band.tier)?,
            from_minor: band.from_minor,
        })
    });
    Ok(Some(TierPolicy {
        effective_from: row.effective_from,
        currency: row.currency,
        window_days: row.window_days,
        newcomer_days: row.newcomer_days,
        legend_one_in: row.legend_one_in,
        legend_min_active: row.legend_min_active,
        demote_after_months: row.demote_after_months,
        large_day_minor: row.large_day_minor,
        source: row.source,
        bands: bands.collect::<sqlx::Result<_>>()?,
    }))
}
