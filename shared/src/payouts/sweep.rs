//! Finding payouts about which something is due.

use chrono::Duration;
use sqlx::PgConnection;

use super::{AskPayout, PayoutError, PayoutState, SubmitPayout, step, store};
use crate::kernel::Ctx;
use crate::queue::{NewJob, enqueue_many};

/// Payouts that one step looks at, at the most.
pub const SWEEP_MAX: i64 = 500;
/// When a payout is found again whose job has done nothing about it.
pub(super) const FOUND_AGAIN_AFTER: Duration = Duration::minutes(10);

/// Enqueues what is due: handing over what is to go out again, and asking about what nobody has heard of. Answers for how
/// many payouts; fewer than [`SWEEP_MAX`] is all there are.
///
/// # Errors
/// If the database refuses.
pub async fn sweep_step(conn: &mut PgConnection, ctx: &Ctx) -> Result<usize, PayoutError> {
    let again = ctx.now() + FOUND_AGAIN_AFTER;
    let due = store::payouts::take_due(conn, ctx.now(), again, SWEEP_MAX).await?;
    let jobs: Result<Vec<NewJob>, _> = due
        .iter()
        .map(|one| {
            if one.state == PayoutState::Scheduled {
                NewJob::of(&SubmitPayout {
                    payout_id: one.id,
                    submission: one.submissions + 1,
                })
            } else {
                NewJob::of(&AskPayout { payout_id: one.id })
            }
        })
        .collect();
    enqueue_many(conn, ctx, jobs?).await?;
    Ok(due.len())
}

/// Ends payouts that nobody approved in time; what they held is available again. Answers how many; fewer than
/// [`SWEEP_MAX`] is all there are.
///
/// # Errors
/// If the ledger or the database refuses.
pub async fn expire_step(conn: &mut PgConnection, ctx: &Ctx) -> Result<usize, PayoutError> {
    let overdue = store::payouts::lock_overdue(conn, ctx.now(), SWEEP_MAX).await?;
    let ended = overdue.len();
    for mut payout in overdue {
        let why = Some("nobody approved it in time");
        step::go(conn, ctx, &mut payout, PayoutState::Expired, why).await?;
    }
    Ok(ended)
}
