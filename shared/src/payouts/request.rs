//! Asking for a payout.

use sqlx::PgConnection;

use super::begin::{self, Draft};
use super::eligibility::judge;
use super::{NewPayout, Payout, PayoutError, PayoutId, PayoutState, SubmitPayout, step, store};
use crate::creators;
use crate::kernel::money::Money;
use crate::kernel::{Ctx, FieldError};
use crate::queue::enqueue;

/// Asks for a payout: the amount is held at once, fee and content are frozen, and it goes on to those who approve it, or
/// out if nobody has to.
///
/// # Errors
/// If there is no such creator within the caller's reach, a field breaks a rule, something stands against it, or there is
/// not enough; then nothing is held.
pub async fn request(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: &NewPayout,
) -> Result<Payout, PayoutError> {
    // two requests of one creator are judged one after the other
    let creator = creators::lock(conn, ctx, new.creator).await?;
    let amount = Money::parse(new.currency, &new.amount).map_err(|error| {
        PayoutError::Invalid(vec![FieldError::new("/amount", error.to_string())])
    })?;
    let case = judge(conn, ctx, &creator, amount, new.method, new.destination).await?;
    begin::one(conn, ctx, Draft::of(&creator, amount, case, None)).await
}

/// Tries a payout that failed again, as a new one of the same amount to the same place, judged anew. The same again
/// answers the same.
///
/// # Errors
/// As [`request`]; and if the payout did not fail.
pub async fn retry(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: PayoutId,
) -> Result<Payout, PayoutError> {
    let reach = ctx.actor.reach();
    let failed = store::payouts::lock(conn, reach, id)
        .await?
        .ok_or(PayoutError::NotFound(id))?;
    if let Some(done) = store::payouts::retry_of(conn, id).await? {
        let found = store::payouts::find(conn, reach, done).await?;
        return found.ok_or(PayoutError::NotFound(done));
    }
    if failed.state != PayoutState::Failed {
        return Err(PayoutError::Illegal {
            from: failed.state,
            to: PayoutState::Requested,
        });
    }
    let creator = creators::lock(conn, ctx, failed.creator).await?;
    let to = Some(failed.destination);
    let case = judge(conn, ctx, &creator, failed.gross(), failed.method, to).await?;
    begin::one(
        conn,
        ctx,
        Draft::of(&creator, failed.gross(), case, Some(id)),
    )
    .await
}

/// A payout that nothing stands against goes to those who approve it, or out if nobody has to.
pub(super) async fn send_on(
    conn: &mut PgConnection,
    ctx: &Ctx,
    payout: &mut Payout,
) -> Result<(), PayoutError> {
    if payout.approvals_needed > 0 {
        return step::go(conn, ctx, payout, PayoutState::AwaitingApproval, None).await;
    }
    step::go(
        conn,
        ctx,
        payout,
        PayoutState::Approved,
        Some(begin::NOBODY_APPROVES),
    )
    .await?;
    schedule(conn, ctx, payout).await
}

/// An approved payout goes out at once, or with the next file.
pub(super) async fn schedule(
    conn: &mut PgConnection,
    ctx: &Ctx,
    payout: &mut Payout,
) -> Result<(), PayoutError> {
    payout.next_step_at = begin::found_again(ctx, payout.method);
    step::go(conn, ctx, payout, PayoutState::Scheduled, None).await?;
    if !payout.method.goes_in_files() {
        enqueue(conn, ctx, &SubmitPayout::of(payout)).await?;
    }
    Ok(())
}
