//! Beginning payouts that nothing stands against, in sets.

use chrono::{DateTime, Duration, Utc};
use serde_json::json;
use sqlx::PgConnection;

use super::eligibility::Case;
use super::model::content_hash;
use super::sweep::FOUND_AGAIN_AFTER;
use super::{
    Limits, Payout, PayoutError, PayoutId, PayoutMethod, PayoutParts, PayoutState, SubmitPayout,
    store,
};
use crate::audit::{self, Entry};
use crate::creators::{Creator, CreatorId};
use crate::kernel::money::Money;
use crate::kernel::{Ctx, TypedId};
use crate::ledger::{self, LedgerError, NewTransfer, Step, TransferId, TransferKind};
use crate::queue::{NewJob, enqueue_many};

/// Why nobody is asked.
pub(super) const NOBODY_APPROVES: &str = "below the amount from which somebody approves";

/// A payout that is about to begin.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) creator: CreatorId,
    pub(super) amount: Money,
    pub(super) case: Case,
    pub(super) retry_of: Option<PayoutId>,
    pub(super) automatic: bool,
}

impl Draft {
    /// One that somebody asked for.
    pub(super) fn of(
        creator: &Creator,
        amount: Money,
        case: Case,
        retry_of: Option<PayoutId>,
    ) -> Self {
        Self {
            creator: creator.id,
            amount,
            case,
            retry_of,
            automatic: false,
        }
    }

    fn payout(&self, ctx: &Ctx) -> Payout {
        let Case {
            terms,
            limits,
            destination,
        } = &self.case;
        let parts = PayoutParts {
            currency: self.amount.currency,
            gross: self.amount.minor,
            fee: terms.fee.of(self.amount.minor),
            return_fee: terms.return_fee_minor,
        };
        let id = PayoutId::from(TransferId::at(ctx.now()).uuid());
        let state = stands_first(limits, self.amount.minor);
        let is_out = state == PayoutState::Scheduled;
        Payout {
            id,
            creator: self.creator,
            destination: destination.id,
            method: terms.method,
            parts,
            state,
            content_hash: content_hash(id, &parts, terms.method, destination),
            approvals_needed: limits.approvals(self.amount.minor),
            approve_by: ctx.now() + Duration::hours(i64::from(limits.approval_hours)),
            automatic: self.automatic,
            retry_of: self.retry_of,
            hold: TransferId::at(ctx.now()),
            requested_by: ctx.actor.to_string(),
            requested_at: ctx.now(),
            submissions: 0,
            handed_over_at: None,
            first_handed_at: None,
            provider: None,
            reference: None,
            next_step_at: is_out.then(|| found_again(ctx, terms.method)).flatten(),
            completed_at: None,
            failure_code: None,
            failure_message: None,
            attention: None,
            was_lost: false,
            version: 1,
        }
    }
}

/// When a payout that goes out by itself is found again if its job is gone; none for what waits for a file.
pub(super) fn found_again(ctx: &Ctx, method: PayoutMethod) -> Option<DateTime<Utc>> {
    (!method.goes_in_files()).then(|| ctx.now() + FOUND_AGAIN_AFTER)
}

/// Where a payout stands once it has begun: with those who approve it, or on its way out if nobody has to.
const fn stands_first(limits: &Limits, gross_minor: i64) -> PayoutState {
    if limits.approvals(gross_minor) > 0 {
        PayoutState::AwaitingApproval
    } else {
        PayoutState::Scheduled
    }
}

/// The states that a payout goes through to where it stands first, each with a reason.
const fn steps(first: PayoutState) -> &'static [(PayoutState, Option<&'static str>)] {
    if matches!(first, PayoutState::AwaitingApproval) {
        &[
            (PayoutState::Requested, None),
            (PayoutState::AwaitingApproval, None),
        ]
    } else {
        &[
            (PayoutState::Requested, None),
            (PayoutState::Approved, Some(NOBODY_APPROVES)),
            (PayoutState::Scheduled, None),
        ]
    }
}

/// Begins one.
///
/// # Errors
/// If there is not enough, or the ledger or the database refuses.
pub(super) async fn one(
    conn: &mut PgConnection,
    ctx: &Ctx,
    draft: Draft,
) -> Result<Payout, PayoutError> {
    let mut begun = many(conn, ctx, &[draft]).await?;
    begun.pop().ok_or_else(|| sqlx::Error::RowNotFound.into())
}

/// Begins payouts: their amounts are held, and each goes to those who approve it, or out if nobody has to. All of them or,
/// with an error, none.
///
/// # Errors
/// [`PayoutError::Insufficient`] names who has not enough; or the ledger or the database refuses.
pub(super) async fn many(
    conn: &mut PgConnection,
    ctx: &Ctx,
    drafts: &[Draft],
) -> Result<Vec<Payout>, PayoutError> {
    let payouts: Vec<Payout> = drafts.iter().map(|draft| draft.payout(ctx)).collect();
    let holds: Vec<NewTransfer> = payouts
        .iter()
        .map(|payout| NewTransfer {
            id: payout.hold,
            kind: TransferKind::Payout,
            step: Step::Hold { expires_at: None },
            legs: payout.parts.legs(payout.creator),
            effective_at: ctx.now(),
        })
        .collect();
    match ledger::post(conn, ctx, &holds).await {
        Ok(_) => {}
        Err(short @ LedgerError::Insufficient { .. }) => {
            return Err(PayoutError::Insufficient(short));
        }
        Err(other) => return Err(other.into()),
    }
    store::payouts::insert(conn, &payouts).await?;
    store::events::add_first(conn, ctx, &payouts, steps).await?;
    let entries = payouts.iter().map(|payout| {
        Entry::new("payout.request", payout.id).after(json!({
            "creatorId": payout.creator,
            "gross": payout.gross(),
            "fee": payout.parts.money(payout.parts.fee),
            "method": payout.method,
            "destinationId": payout.destination,
            "state": payout.state,
        }))
    });
    audit::record_all(conn, ctx, entries.collect()).await?;
    let jobs: Result<Vec<NewJob>, _> = payouts
        .iter()
        .filter(|payout| payout.state == PayoutState::Scheduled && !payout.method.goes_in_files())
        .map(|payout| NewJob::of(&SubmitPayout::of(payout)))
        .collect();
    enqueue_many(conn, ctx, jobs?).await?;
    Ok(payouts)
}
