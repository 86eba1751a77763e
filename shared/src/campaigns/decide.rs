//! What to make of a mail that may have arrived: only a person can tell.

use serde_json::json;
use sqlx::PgConnection;

use super::{
    Campaign, CampaignError, CampaignId, CampaignStatus, Decision, Delivery, DeliveryId,
    DeliveryStatus, Move, SendDeliveries, Transition, service, store,
};
use crate::audit::{self, Entry};
use crate::config::CampaignConfig;
use crate::kernel::{Ctx, FieldError};
use crate::queue::enqueue;

/// Characters of a note at the most.
const NOTE_MAX_CHARS: usize = 500;

/// A row after the decision, and where its campaign stands then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The row.
    pub delivery: Delivery,
    /// A completed campaign is under way again when a row of it is sent again.
    pub status: CampaignStatus,
}

/// Decides about a row that is unknown; who, when and why stay on the row.
///
/// # Errors
/// If there is no such row, it is not unknown, the note says nothing, or it is to be sent again though the campaign was
/// cancelled.
pub async fn decide(
    conn: &mut PgConnection,
    ctx: &Ctx,
    limits: &CampaignConfig,
    (campaign_id, delivery_id): (CampaignId, DeliveryId),
    decision: Decision,
    note: &str,
) -> Result<Decided, CampaignError> {
    check_note(note)?;
    // the campaign, then the chunk, then the row: as those who send and end lock them
    let campaign = service::lock_within_reach(conn, ctx, campaign_id).await?;
    let row = store::deliveries::lock(conn, campaign_id, delivery_id)
        .await?
        .ok_or(CampaignError::NoDelivery(delivery_id))?;
    if row.status != DeliveryStatus::Unknown {
        return Err(CampaignError::NotUnknown(row.status));
    }
    let text = format!("{decision}: {}", note.trim());
    store::deliveries::decide(conn, ctx, &row, decision.outcome(), &text).await?;
    let entry = Entry::new("delivery.decide", delivery_id)
        .before(json!({ "status": row.status }))
        .after(json!({ "status": decision.outcome(), "decision": decision, "campaignId": campaign_id }))
        .reason(note.trim());
    audit::record(conn, ctx, entry).await?;
    if decision.outcome() == DeliveryStatus::Pending {
        store::chunks::reopen(conn, campaign_id, row.chunk).await?;
        reopen(conn, ctx, limits, &campaign, row.chunk).await?;
    }
    let delivery = store::deliveries::lock(conn, campaign_id, delivery_id).await?;
    Ok(Decided {
        delivery: delivery.ok_or(CampaignError::NoDelivery(delivery_id))?,
        status: service::get(conn, campaign.id).await?.status,
    })
}

fn check_note(note: &str) -> Result<(), CampaignError> {
    if note.trim().is_empty() || note.chars().count() > NOTE_MAX_CHARS || note.contains('\0') {
        let message = format!("say why, in 1 to {NOTE_MAX_CHARS} characters");
        return Err(CampaignError::Invalid(vec![FieldError::new(
            "/note", message,
        )]));
    }
    Ok(())
}

/// Brings a campaign under way again if it had ended; one that is active gets the chunk's job.
async fn reopen(
    conn: &mut PgConnection,
    ctx: &Ctx,
    limits: &CampaignConfig,
    campaign: &Campaign,
    chunk: i32,
) -> Result<(), CampaignError> {
    let (campaign_id, status) = (campaign.id, campaign.status);
    match status.after(Move::Reopen) {
        Some(Transition::Applied(next)) => {
            store::campaigns::set_status(conn, campaign_id, next, ctx.now()).await?;
            service::record_move(conn, ctx, campaign_id, Move::Reopen, (status, next)).await?;
            service::enter(conn, ctx, limits, campaign).await
        }
        Some(Transition::AlreadyApplied) if status == CampaignStatus::Active => {
            enqueue(conn, ctx, &SendDeliveries { campaign_id, chunk }).await?;
            Ok(())
        }
        // when it goes on, launching finds the chunk
        Some(Transition::AlreadyApplied) => Ok(()),
        None => Err(CampaignError::WrongState {
            status,
            wanted: Move::Reopen,
        }),
    }
}
