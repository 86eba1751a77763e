//! From one state to the next, and what that does in the ledger.

use serde_json::json;
use sqlx::PgConnection;

use super::{Payout, PayoutError, PayoutId, PayoutState, store};
use crate::audit::{self, Entry};
use crate::kernel::Ctx;
use crate::ledger::{self, NewTransfer, TransferId, TransferKind};

/// Takes a payout, which is locked, to its next state and keeps everything that was changed of it; what is held is posted
/// by completion and released by any other ending.
///
/// # Errors
/// If the state may not follow, or the ledger or the database refuses.
pub(super) async fn go(
    conn: &mut PgConnection,
    ctx: &Ctx,
    payout: &mut Payout,
    to: PayoutState,
    reason: Option<&str>,
) -> Result<(), PayoutError> {
    let from = payout.state;
    if !from.may_become(to) {
        return Err(PayoutError::Illegal { from, to });
    }
    let step = if to == PayoutState::Completed {
        Some(ledger::Step::PostHeld(payout.hold))
    } else {
        (!to.is_held()).then_some(ledger::Step::VoidHeld(payout.hold))
    };
    let transfer = match step {
        Some(step) => Some(settle(conn, ctx, step).await?),
        None => None,
    };
    note(conn, ctx, payout, to, reason, transfer).await
}

async fn settle(
    conn: &mut PgConnection,
    ctx: &Ctx,
    step: ledger::Step,
) -> Result<TransferId, PayoutError> {
    let transfer = NewTransfer {
        id: TransferId::at(ctx.now()),
        kind: TransferKind::Payout,
        step,
        legs: Vec::new(),
        effective_at: ctx.now(),
    };
    let id = transfer.id;
    ledger::post(conn, ctx, &[transfer]).await?;
    Ok(id)
}

/// What comes back of a completed payout, by a new transfer that names the one that it takes back; a fee is kept of it.
///
/// # Errors
/// As [`go`].
pub(super) async fn take_back(
    conn: &mut PgConnection,
    ctx: &Ctx,
    payout: &mut Payout,
    to: PayoutState,
    reason: Option<&str>,
) -> Result<(), PayoutError> {
    let from = payout.state;
    if !from.may_become(to) {
        return Err(PayoutError::Illegal { from, to });
    }
    // what was called back by us costs the creator nothing
    let fee = if to == PayoutState::Reversed {
        0
    } else {
        payout.parts.return_fee
    };
    let paid = store::events::completed_by(conn, payout.id).await?;
    let transfer = NewTransfer {
        id: TransferId::at(ctx.now()),
        kind: TransferKind::PayoutReturn,
        step: ledger::Step::Reverse(paid.ok_or(PayoutError::NotFound(payout.id))?),
        legs: payout.parts.legs_back(payout.creator, fee),
        effective_at: ctx.now(),
    };
    let id = transfer.id;
    ledger::post(conn, ctx, &[transfer]).await?;
    note(conn, ctx, payout, to, reason, Some(id)).await
}

async fn note(
    conn: &mut PgConnection,
    ctx: &Ctx,
    payout: &mut Payout,
    to: PayoutState,
    reason: Option<&str>,
    transfer: Option<TransferId>,
) -> Result<(), PayoutError> {
    let from = payout.state;
    payout.state = to;
    // only these have a next step that comes by itself
    let goes_on = matches!(
        to,
        PayoutState::Scheduled
            | PayoutState::Submitted
            | PayoutState::Unknown
            | PayoutState::InTransit
    );
    if !goes_on {
        payout.next_step_at = None;
    }
    store::payouts::update(conn, ctx, payout).await?;
    payout.version += 1;
    store::events::add(conn, ctx, payout.id, Some(from), to, reason, transfer).await?;
    let entry = Entry::new("payout.step", payout.id)
        .before(json!({ "state": from }))
        .after(json!({ "state": to }))
        .reason_if(reason);
    Ok(audit::record(conn, ctx, entry).await?)
}

/// Notes that many payouts went the same way, on which each of them is held throughout; their rows say where they stand
/// already.
///
/// # Errors
/// If a state of the way may not follow the one before, or the database refuses.
pub(super) async fn note_many(
    conn: &mut PgConnection,
    ctx: &Ctx,
    moved: &[(PayoutId, Option<String>)],
    path: &[PayoutState],
) -> Result<(), PayoutError> {
    let (Some(&first), Some(&last)) = (path.first(), path.last()) else {
        return Ok(());
    };
    if moved.is_empty() {
        return Ok(());
    }
    for pair in path.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        if !from.may_become(to) || !to.is_held() {
            return Err(PayoutError::Illegal { from, to });
        }
    }
    store::events::add_many(conn, ctx, moved, path).await?;
    let entries = moved.iter().map(|(id, reason)| {
        Entry::new("payout.step", *id)
            .before(json!({ "state": first }))
            .after(json!({ "state": last }))
            .reason_if(reason.as_deref())
    });
    Ok(audit::record_all(conn, ctx, entries.collect()).await?)
}

/// Notes that somebody approved a payout, which still needs others.
///
/// # Errors
/// If the database refuses.
pub(super) async fn note_approval(
    conn: &mut PgConnection,
    ctx: &Ctx,
    payout: &mut Payout,
) -> Result<(), PayoutError> {
    store::payouts::update(conn, ctx, payout).await?;
    payout.version += 1;
    let entry = Entry::new("payout.approve", payout.id).after(json!({ "state": payout.state }));
    Ok(audit::record(conn, ctx, entry).await?)
}
