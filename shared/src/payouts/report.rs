//! Taking in what providers say about payouts.

use sqlx::PgConnection;

use super::{Payout, PayoutError, PayoutId, PayoutState, step, store};
use crate::kernel::{Ctx, Reach};
use crate::providers::payout::{PayoutStatus, Report};

/// Takes in what a provider reported by itself, each event once; answers where the payout stands then.
///
/// # Errors
/// If the report is about no payout that this provider was told, or the ledger or the database refuses.
pub async fn take_report(
    conn: &mut PgConnection,
    ctx: &Ctx,
    provider: &str,
    report: &Report,
) -> Result<PayoutState, PayoutError> {
    let unknown = || PayoutError::UnknownInstruction(report.id.to_string());
    let id = uuid::Uuid::try_parse(report.id.as_str()).map_err(|_| unknown())?;
    let id = PayoutId::from(id);
    let payout = store::payouts::lock(conn, Reach::ALL, id)
        .await?
        .filter(|payout| payout.provider.as_deref() == Some(provider))
        .ok_or_else(unknown)?;
    let status = report.status.as_str();
    if !store::events::report(conn, ctx, provider, &report.event_id, id, status).await? {
        return Ok(payout.state);
    }
    Ok(apply(conn, ctx, id, report).await?.state)
}

/// Where a payout stands after a report.
pub(super) struct Applied {
    pub(super) state: PayoutState,
    /// Why somebody has to look: nothing was done then.
    pub(super) attention: Option<String>,
}

/// What follows from what a provider says, whoever asked: repeated or late, it changes nothing twice.
pub(super) async fn apply(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: PayoutId,
    report: &Report,
) -> Result<Applied, PayoutError> {
    let mut payout = store::payouts::lock(conn, Reach::ALL, id)
        .await?
        .ok_or(PayoutError::NotFound(id))?;
    if let Some(amount) = report.amount.filter(|amount| *amount != payout.net()) {
        let why = format!(
            "the provider says {} of {amount}, which was to be {}",
            report.status,
            payout.net()
        );
        return look(conn, ctx, &mut payout, why).await;
    }
    if let Some(reference) = &report.reference {
        payout.reference.get_or_insert_with(|| reference.clone());
    }
    let why = report
        .refusal
        .as_ref()
        .map(|refusal| refusal.message.clone());
    let why = why.as_deref();
    let open = matches!(
        payout.state,
        PayoutState::Submitted | PayoutState::Unknown | PayoutState::InTransit
    );
    let has_it_back = !payout.state.is_held() && payout.state != PayoutState::Completed;
    match report.status {
        PayoutStatus::Pending => {
            if matches!(payout.state, PayoutState::Submitted | PayoutState::Unknown) {
                settle_doubt(&mut payout);
                step::go(conn, ctx, &mut payout, PayoutState::InTransit, why).await?;
            }
        }
        PayoutStatus::Completed if open => complete(conn, ctx, &mut payout, report).await?,
        PayoutStatus::Completed if payout.state == PayoutState::Completed => {}
        PayoutStatus::Failed if open => {
            settle_doubt(&mut payout);
            refused(&mut payout, report);
            step::go(conn, ctx, &mut payout, PayoutState::Failed, why).await?;
        }
        PayoutStatus::Returned if open => {
            complete(conn, ctx, &mut payout, report).await?;
            refused(&mut payout, report);
            step::take_back(conn, ctx, &mut payout, PayoutState::Returned, why).await?;
        }
        // what was paid can fail later, too
        PayoutStatus::Failed | PayoutStatus::Returned if payout.state == PayoutState::Completed => {
            refused(&mut payout, report);
            step::take_back(conn, ctx, &mut payout, PayoutState::Returned, why).await?;
        }
        PayoutStatus::Failed | PayoutStatus::Returned if has_it_back => {}
        PayoutStatus::Completed | PayoutStatus::Failed | PayoutStatus::Returned => {
            let why = format!(
                "the provider says {}, and here it is {}",
                report.status, payout.state
            );
            return look(conn, ctx, &mut payout, why).await;
        }
    }
    Ok(Applied {
        state: payout.state,
        attention: None,
    })
}

async fn complete(
    conn: &mut PgConnection,
    ctx: &Ctx,
    payout: &mut Payout,
    report: &Report,
) -> Result<(), PayoutError> {
    settle_doubt(payout);
    payout.completed_at = Some(report.at.unwrap_or(ctx.now()));
    step::go(conn, ctx, payout, PayoutState::Completed, None).await
}

/// The provider has told: nobody has to wonder or look any more.
fn settle_doubt(payout: &mut Payout) {
    payout.handed_over_at = None;
    payout.was_lost = false;
    payout.attention = None;
}

fn refused(payout: &mut Payout, report: &Report) {
    if let Some(refusal) = &report.refusal {
        payout.failure_code = Some(refusal.code.clone());
        payout.failure_message = Some(refusal.message.clone());
    }
}

/// Somebody has to look: nothing is closed on what does not fit.
async fn look(
    conn: &mut PgConnection,
    ctx: &Ctx,
    payout: &mut Payout,
    why: String,
) -> Result<Applied, PayoutError> {
    tracing::warn!(payout = %payout.id, why, "a provider's report does not fit the payout");
    payout.attention = Some(why.clone());
    store::payouts::update(conn, ctx, payout).await?;
    Ok(Applied {
        state: payout.state,
        attention: Some(why),
    })
}
