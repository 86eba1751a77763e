//! Making available what has matured.

use sqlx::PgConnection;

use super::EarningError;
use super::store;
use crate::kernel::Ctx;
use crate::ledger::{self, NewTransfer, TransferId};

/// Rows of what is due that one step makes available at the most: each is a creator, a currency and a day.
pub const MATURE_STEP_MAX: i64 = 500;

/// What one step did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MatureStep {
    /// Rows that were due and are done.
    pub done: usize,
    /// Whether there may be more.
    pub more: bool,
}

/// Makes available what is due by today, at most [`MATURE_STEP_MAX`] rows. What creators earned who are suspended, banned
/// or otherwise kept from being paid stays pending until they are not any more.
///
/// # Errors
/// If the ledger or the database refuses.
pub async fn mature_step(conn: &mut PgConnection, ctx: &Ctx) -> Result<MatureStep, EarningError> {
    let dues = store::dues::take_due(conn, ctx.now(), MATURE_STEP_MAX).await?;
    let transfers: Vec<NewTransfer> = dues
        .iter()
        .filter(|due| due.minor > 0)
        .map(|due| due.released(TransferId::at(ctx.now()), ctx.now()))
        .collect();
    ledger::post(conn, ctx, &transfers).await?;
    Ok(MatureStep {
        done: dues.len(),
        more: i64::try_from(dues.len()).unwrap_or(i64::MAX) == MATURE_STEP_MAX,
    })
}
