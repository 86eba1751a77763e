//! Ending a campaign: noting that it is completed, or skipping what a cancelled one has not sent.

use sqlx::PgConnection;

use super::{CampaignError, CampaignId, CampaignStatus, Move, rooms, service, store};
use crate::config::CampaignConfig;
use crate::kernel::Ctx;
use crate::queue::claim;

/// Chunks of a cancelled campaign that are ended in one transaction.
const STEP_CHUNKS: i64 = 20;

/// What a step of ending came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// It is over: every row has ended.
    Over,
    /// There is nothing to end: it is under way, or was resumed or reopened meanwhile.
    NotYet,
    /// There are more chunks to end; go on behind this one.
    GoOn(i32),
    /// Some chunks are still being worked on; come back when those mails have been answered.
    InFlight,
}

/// One step of ending a campaign, beginning behind chunk `after` (-1 at first); joins the caller's transaction.
///
/// # Errors
/// If there is no such campaign or the database refuses.
pub async fn finish(
    conn: &mut PgConnection,
    ctx: &Ctx,
    limits: &CampaignConfig,
    id: CampaignId,
    after: i32,
) -> Result<Finished, CampaignError> {
    let campaign = service::lock(conn, id).await?;
    match campaign.status {
        CampaignStatus::Active if service::is_done(conn, &campaign).await? => {
            let (before, after) = (campaign.status, CampaignStatus::Completed);
            store::campaigns::set_status(conn, id, after, ctx.now()).await?;
            service::record_move(conn, ctx, id, Move::Complete, (before, after)).await?;
            rooms::fill(conn, ctx, limits.max_concurrent).await?;
            Ok(Finished::Over)
        }
        CampaignStatus::Completed => Ok(Finished::Over),
        CampaignStatus::Cancelled => sweep(conn, ctx, id, after).await,
        CampaignStatus::Active
        | CampaignStatus::Draft
        | CampaignStatus::Scheduled
        | CampaignStatus::Paused => Ok(Finished::NotYet),
    }
}

/// Ends the next open chunks that nobody works on.
async fn sweep(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CampaignId,
    after: i32,
) -> Result<Finished, CampaignError> {
    let open = store::chunks::open_after(conn, id, after, STEP_CHUNKS).await?;
    for chunk in &open {
        let Some(found) = store::chunks::lock(conn, id, *chunk).await? else {
            continue;
        };
        let held = match found.holder {
            Some(lease) => claim::is_running(conn, lease).await?,
            None => false,
        };
        if !found.closed && !held {
            store::deliveries::cancel_chunk(conn, id, *chunk, ctx.now()).await?;
            store::chunks::close(conn, id, *chunk, ctx.now()).await?;
        }
    }
    if let Some(last) = open.last() {
        return Ok(Finished::GoOn(*last));
    }
    let left = store::chunks::open_after(conn, id, -1, 1).await?;
    Ok(if left.is_empty() {
        Finished::Over
    } else {
        Finished::InFlight
    })
}
