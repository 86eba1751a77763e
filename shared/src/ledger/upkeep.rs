//! What has to be done from time to time: partitions ahead, and holds whose time is over.

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::{LedgerError, NewTransfer, Step, TransferId, TransferKind, post, store};
use crate::kernel::Ctx;

/// Holds that one step releases at the most.
pub const EXPIRE_STEP_MAX: i64 = 500;
/// Months for which partitions exist, from this one on.
const MONTHS_AHEAD: i32 = 4;

/// Releases holds whose time is over, at most [`EXPIRE_STEP_MAX`]; answers how many. None are left when it is fewer.
///
/// # Errors
/// If the database refuses.
pub async fn expire_holds(conn: &mut PgConnection, ctx: &Ctx) -> Result<usize, LedgerError> {
    let overdue = store::links::overdue(conn, ctx.now(), EXPIRE_STEP_MAX).await?;
    let release = |held: &TransferId| NewTransfer {
        id: TransferId::at(ctx.now()),
        kind: TransferKind::Payout,
        step: Step::ExpireHeld(*held),
        legs: Vec::new(),
        effective_at: ctx.now(),
    };
    let releases: Vec<NewTransfer> = overdue.iter().map(release).collect();
    post(conn, ctx, &releases).await?;
    Ok(releases.len())
}

/// Makes the partitions that are missing for this month and those to come; answers how many.
///
/// # Errors
/// If the database refuses.
pub async fn make_partitions(conn: &mut PgConnection, today: NaiveDate) -> sqlx::Result<i32> {
    store::load::make_partitions(conn, today, MONTHS_AHEAD).await
}
