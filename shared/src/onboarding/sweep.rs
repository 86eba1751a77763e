//! Looking for runs that have fallen silent.

use sqlx::PgConnection;

use super::{OnboardingError, store};
use crate::kernel::Ctx;

/// Runs that one transaction marks at the most, of each kind.
pub const SWEEP_BATCH: i64 = 5_000;

/// What one step of a sweep found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swept {
    /// Runs that are stalled from now on.
    pub stalled: i64,
    /// Runs that were given up.
    pub abandoned: i64,
}

impl Swept {
    /// Whether there may be more.
    pub const fn may_go_on(self) -> bool {
        self.stalled == SWEEP_BATCH || self.abandoned == SWEEP_BATCH
    }
}

/// Gives up runs that were silent for too long and marks those that begin to be, at most [`SWEEP_BATCH`] of each.
/// Doing it again changes nothing.
///
/// # Errors
/// If the database refuses.
pub async fn sweep(conn: &mut PgConnection, ctx: &Ctx) -> Result<Swept, OnboardingError> {
    let by = ctx.actor.to_string();
    let abandoned = store::abandon(conn, ctx.now(), &by, SWEEP_BATCH).await?;
    let stalled = store::stall(conn, ctx.now(), &by, SWEEP_BATCH).await?;
    Ok(Swept { stalled, abandoned })
}
