//! Deciding about payouts that wait.

use sqlx::PgConnection;

use super::eligibility::standing;
use super::{Payout, PayoutError, PayoutId, PayoutState, request, step, store};
use crate::creators;
use crate::kernel::{Ctx, words};

/// Approves a payout as it stands. Once everybody who has to has approved it, it goes out. Approvals of another content do
/// not count.
///
/// # Errors
/// If there is no such payout within the caller's reach, it does not wait for approval, it was changed since `version`, the
/// caller asked for it or entered where it goes, or approved it before.
pub async fn approve(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: PayoutId,
    version: Option<i64>,
) -> Result<Payout, PayoutError> {
    let mut payout = lock(conn, ctx, id, version).await?;
    if payout.state != PayoutState::AwaitingApproval {
        return Err(PayoutError::Illegal {
            from: payout.state,
            to: PayoutState::Approved,
        });
    }
    ensure_not_own(conn, ctx, &payout).await?;
    if !store::approvals::add(conn, ctx, &payout).await? {
        return Err(PayoutError::ApprovedAlready);
    }
    let approvals = store::approvals::of_payout(conn, id).await?;
    let counting = approvals.iter().filter(|approval| approval.counts).count();
    if counting < usize::try_from(payout.approvals_needed).unwrap_or(0) {
        step::note_approval(conn, ctx, &mut payout).await?;
        return Ok(payout);
    }
    step::go(conn, ctx, &mut payout, PayoutState::Approved, None).await?;
    request::schedule(conn, ctx, &mut payout).await?;
    Ok(payout)
}

/// Says no to a payout that waits; what it held is available again.
///
/// # Errors
/// If there is no such payout within the caller's reach, it does not wait for a decision, or the reason is missing.
pub async fn reject(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: PayoutId,
    version: Option<i64>,
    reason: &str,
) -> Result<Payout, PayoutError> {
    end(conn, ctx, id, version, PayoutState::Rejected, reason).await
}

/// Takes a payout back that was not handed over yet; what it held is available again.
///
/// # Errors
/// If there is no such payout within the caller's reach, a provider may have it already, or the reason is missing.
pub async fn cancel(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: PayoutId,
    version: Option<i64>,
    reason: &str,
) -> Result<Payout, PayoutError> {
    end(conn, ctx, id, version, PayoutState::Cancelled, reason).await
}

async fn end(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: PayoutId,
    version: Option<i64>,
    to: PayoutState,
    reason: &str,
) -> Result<Payout, PayoutError> {
    creators::check_reason("/reason", reason)?;
    let mut payout = lock(conn, ctx, id, version).await?;
    step::go(conn, ctx, &mut payout, to, Some(reason)).await?;
    Ok(payout)
}

/// Lets a payout go on that compliance held, if nothing stands against it any more.
///
/// # Errors
/// If there is no such payout within the caller's reach, it is not held, or something still stands against it.
pub async fn release(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: PayoutId,
    version: Option<i64>,
) -> Result<Payout, PayoutError> {
    let mut payout = lock(conn, ctx, id, version).await?;
    if payout.state != PayoutState::ComplianceHold {
        return Err(PayoutError::Illegal {
            from: payout.state,
            to: PayoutState::AwaitingApproval,
        });
    }
    let reasons = standing(conn, ctx, payout.creator).await?;
    if !reasons.is_empty() {
        return Err(PayoutError::NotEligible(reasons));
    }
    payout.attention = None;
    request::send_on(conn, ctx, &mut payout).await?;
    Ok(payout)
}

words!(
    /// What staff found out about a payout that a provider had.
    Finding {
        /// The payee has it.
        Completed => "completed",
        /// It was not carried out.
        Failed => "failed",
        /// The payee had it, and it came back.
        Returned => "returned",
        /// The payee had it, and we called it back.
        Reversed => "reversed",
    }
);

/// Notes what staff found out about a payout, on a statement or on the telephone, where its provider does not tell.
///
/// # Errors
/// If there is no such payout within the caller's reach, it cannot have ended like this, the caller asked for it or entered
/// where it goes, or the reason is missing.
pub async fn resolve(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: PayoutId,
    version: Option<i64>,
    finding: Finding,
    reason: &str,
) -> Result<Payout, PayoutError> {
    creators::check_reason("/reason", reason)?;
    let mut payout = lock(conn, ctx, id, version).await?;
    ensure_not_own(conn, ctx, &payout).await?;
    let to = match finding {
        Finding::Completed => PayoutState::Completed,
        Finding::Failed => PayoutState::Failed,
        Finding::Returned => PayoutState::Returned,
        Finding::Reversed => PayoutState::Reversed,
    };
    payout.attention = None;
    payout.was_lost = false;
    payout.handed_over_at = None;
    match finding {
        Finding::Completed => payout.completed_at = Some(ctx.now()),
        Finding::Failed => payout.failure_message = Some(reason.to_owned()),
        Finding::Returned | Finding::Reversed => {
            payout.failure_message = Some(reason.to_owned());
            step::take_back(conn, ctx, &mut payout, to, Some(reason)).await?;
            return Ok(payout);
        }
    }
    // what is being handed over at this moment tells for itself
    if payout.state == PayoutState::Submitted {
        return Err(PayoutError::Illegal {
            from: payout.state,
            to,
        });
    }
    step::go(conn, ctx, &mut payout, to, Some(reason)).await?;
    Ok(payout)
}

/// Whoever asked for a payout, or entered where it goes, does not decide about it.
pub(super) async fn ensure_not_own(
    conn: &mut PgConnection,
    ctx: &Ctx,
    payout: &Payout,
) -> Result<(), PayoutError> {
    let me = ctx.actor.to_string();
    let destination = store::destinations::find(conn, payout.destination)
        .await?
        .ok_or(PayoutError::NoDestination(payout.destination))?;
    if me == payout.requested_by || me == destination.entered_by {
        return Err(PayoutError::OwnPayout);
    }
    Ok(())
}

/// A payout that the caller may change, as of a version.
async fn lock(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: PayoutId,
    version: Option<i64>,
) -> Result<Payout, PayoutError> {
    let payout = store::payouts::lock(conn, ctx.actor.reach(), id)
        .await?
        .ok_or(PayoutError::NotFound(id))?;
    if version.is_some_and(|version| version != payout.version) {
        return Err(PayoutError::Stale);
    }
    Ok(payout)
}
