//! Converting what was earned in other currencies into the reporting one.

use chrono::NaiveDate;
use serde_json::json;
use sqlx::PgConnection;

use super::model::{Both, Lot, is_settled};
use super::store::conversion as store;
use super::{ConvertEarnings, EarningError};
use crate::audit::{self, Entry, Subject};
use crate::creators::CreatorId;
use crate::fx::{self, FxError};
use crate::kernel::Ctx;
use crate::kernel::money::Currency;
use crate::queue::{self, EnqueueError};
use crate::{reactions, tiers};

/// Currencies and days whose rates one step looks up at the most.
pub const RATES_STEP_MAX: i64 = 100;
/// Rows that one step converts at the most: each is a creator, a day, a currency and a source.
pub const CONVERT_STEP_MAX: i64 = 1_000;

/// What one step of fixing rates did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RatesStep {
    /// Rates that were found.
    pub found: usize,
    /// Currencies and days that have none; their earnings go on waiting.
    pub missing: Vec<(Currency, NaiveDate)>,
    /// Where the next step begins; none when all were looked at.
    pub next: Option<(NaiveDate, Currency)>,
}

/// What one step of converting did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConvertStep {
    /// Rows that were converted.
    pub done: usize,
    /// Whether there may be more.
    pub more: bool,
}

/// Has what waits converted by a job, if anything does; one that waits already will do.
///
/// # Errors
/// If the database refuses.
pub async fn start_conversion(conn: &mut PgConnection, ctx: &Ctx) -> Result<(), EnqueueError> {
    if store::anything_waits(conn).await? {
        queue::enqueue(conn, ctx, &ConvertEarnings {}).await?;
    }
    Ok(())
}

/// Fixes the rates of days that earnings wait for, at most [`RATES_STEP_MAX`], from a place on: that of the day itself, or,
/// when the day is over, the last one before it that is recent enough ([`fx::lookup`]). What was fixed stays, also when a
/// rate is corrected later.
///
/// # Errors
/// If no rules are in force or the database refuses.
pub async fn fix_rates(
    conn: &mut PgConnection,
    ctx: &Ctx,
    after: Option<(NaiveDate, Currency)>,
) -> Result<RatesStep, EarningError> {
    let today = ctx.now().date_naive();
    let reporting = tiers::reporting_currency(conn, today).await?;
    let places = store::unfixed(conn, reporting, after, RATES_STEP_MAX).await?;
    let full = i64::try_from(places.len()).unwrap_or(i64::MAX) == RATES_STEP_MAX;
    let mut step = RatesStep {
        next: places.last().copied().filter(|_| full),
        ..RatesStep::default()
    };
    for (day, currency) in places {
        match fx::lookup(conn, currency, reporting, day).await {
            Ok(cross) if is_settled(day, cross.day, today) => {
                store::fix(conn, ctx, day, &cross).await?;
                step.found += 1;
            }
            // the day's own rate may still be published
            Ok(_) => {}
            Err(FxError::NoRate { .. }) if day >= today => {}
            Err(FxError::NoRate { .. }) => step.missing.push((currency, day)),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(step)
}

/// Converts what waits and whose rate is fixed, at most [`CONVERT_STEP_MAX`] rows; from then on it counts for tiers.
///
/// # Errors
/// If an amount is more than can be counted with, or the database refuses.
pub async fn convert_step(conn: &mut PgConnection, ctx: &Ctx) -> Result<ConvertStep, EarningError> {
    let reporting = tiers::reporting_currency(conn, ctx.now().date_naive()).await?;
    let taken = store::take(conn, reporting, CONVERT_STEP_MAX).await?;
    if taken.is_empty() {
        return Ok(ConvertStep::default());
    }
    let before = store::converted(conn, reporting, taken.iter().map(|(lot, ..)| lot)).await?;
    let mut lots: Vec<(Lot, Both)> = Vec::with_capacity(taken.len());
    let mut counted: Vec<(CreatorId, NaiveDate, i64)> = Vec::with_capacity(taken.len());
    for (lot, share, rate) in taken {
        let was = before.get(&lot).copied().unwrap_or_default();
        let is = was.with(share, reporting, rate)?;
        lots.push((lot, is));
        let more = is.converted_minor - was.converted_minor;
        counted.push((lot.creator, lot.day, more));
    }
    store::put(conn, ctx, reporting, &lots).await?;
    reactions::earnings_converted(conn, ctx, &counted).await?;
    let subject = Subject::named("earnings", "conversion");
    let entry = Entry::new("earning.convert", subject)
        .after(json!({ "rows": lots.len(), "reporting": reporting }));
    audit::record(conn, ctx, entry).await?;
    Ok(ConvertStep {
        done: lots.len(),
        more: i64::try_from(lots.len()).unwrap_or(i64::MAX) == CONVERT_STEP_MAX,
    })
}
