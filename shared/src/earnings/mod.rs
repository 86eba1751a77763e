//! Earnings: what fans paid for a creator, what the platform keeps of it, when the rest becomes available, and what is
//! taken back.
//!
//! Promises: an earning, its ledger transfer and its sums are one transaction; the same external id counts once; rules
//! are rows with a date and a source, and an earning keeps what they made of it; all that is taken back of an earning is
//! never more than it was, to the cent, also after it was paid out; what is in another currency is never taken for the
//! reporting one, but converted once, by the rate of its day, which is fixed for good. Owns: `earnings`, `earning_reversals`, `earning_keys`, `earning_dues`, `earning_fees`,
//! `earning_reserves`, `earning_maturities`, `creator_currencies`, `creator_earnings_monthly`, `earnings_unconverted`,
//! `earnings_converted`, `earning_rates`.
//! Emits: `earning.mature`, `earning.convert`. Calls: `ledger`, `creators`, `fx`, `tiers` (the reporting currency), `audit`,
//! `reactions`.

mod convert;
mod error;
mod jobs;
mod list;
mod mature;
mod merge;
mod model;
mod record;
mod reverse;
mod statement;
mod store;
mod summary;
#[cfg(test)]
mod tests;

pub use convert::{
    CONVERT_STEP_MAX, ConvertStep, RATES_STEP_MAX, RatesStep, convert_step, fix_rates,
    start_conversion,
};
pub use error::EarningError;
pub use jobs::{ConvertEarnings, MatureEarnings};
pub use list::earnings;
pub use mature::{MATURE_STEP_MAX, MatureStep, mature_step};
pub use merge::follow_merge;
pub use model::{
    About, BACKDATED_MAX_DAYS, BreakdownKey, CurrencySummary, Due, DueKind, Earning, EarningId,
    EarningSource, NewEarning, NewReversal, Parts, Reporting, Reversal, ReversalKind, Rules,
    Summary, TEXT_MAX_CHARS, Terms, WaitReason, Waiting,
};
pub use record::{Change, RECORD_MAX, Recorded, keep_unconverted, record, record_many};
pub use reverse::reverse;
pub use statement::{
    InvalidMonth, Line, Month, STATEMENT_LINES_MAX, Section, Statement, StatementMonth, statement,
    statement_months,
};
pub use summary::{set_currency, summary};

use chrono::NaiveDate;
use sqlx::PgConnection;

/// Months for which partitions exist, from this one on.
const MONTHS_AHEAD: i32 = 4;

/// Makes the partitions that are missing for this month and those to come; answers how many.
///
/// # Errors
/// If the database refuses.
pub async fn make_partitions(conn: &mut PgConnection, today: NaiveDate) -> sqlx::Result<i32> {
    store::earnings::make_partitions(conn, today, MONTHS_AHEAD).await
}

/// Makes the partitions that are missing of so many months from a day's on, for earnings of the past; answers how many.
///
/// # Errors
/// If the database refuses.
pub async fn make_partitions_since(
    conn: &mut PgConnection,
    first: NaiveDate,
    months: i32,
) -> sqlx::Result<i32> {
    store::earnings::make_partitions(conn, first, months).await
}

/// The rules by which earnings are parted, of all times.
///
/// # Errors
/// If the database refuses.
pub async fn rules(conn: &mut PgConnection) -> sqlx::Result<Rules> {
    store::rules::all(conn).await
}
