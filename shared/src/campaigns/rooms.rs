//! How many campaigns send at the same time: the others wait for a room, in the order they were launched.

use sqlx::PgConnection;

use super::{CampaignError, CampaignId, CampaignStatus, LaunchCampaign, Move, service, store};
use crate::kernel::Ctx;
use crate::queue::enqueue;

/// Lets campaigns that wait and are due begin, as long as there is room.
pub(super) async fn fill(
    conn: &mut PgConnection,
    ctx: &Ctx,
    max_concurrent: u32,
) -> Result<(), CampaignError> {
    store::campaigns::lock_rooms(conn).await?;
    let mut free = i64::from(max_concurrent) - store::campaigns::count_active(conn).await?;
    while free > 0 {
        let Some(next) = store::campaigns::next_waiting(conn, ctx.now()).await? else {
            break;
        };
        begin(conn, ctx, next).await?;
        free -= 1;
    }
    Ok(())
}

/// Lets one campaign, which the caller has locked, begin if there is room; answers whether it does.
///
/// Whoever waits longer and is due goes first.
pub(super) async fn take(
    conn: &mut PgConnection,
    ctx: &Ctx,
    max_concurrent: u32,
    id: CampaignId,
) -> Result<bool, CampaignError> {
    store::campaigns::lock_rooms(conn).await?;
    if store::campaigns::count_active(conn).await? >= i64::from(max_concurrent) {
        return Ok(false);
    }
    begin(conn, ctx, id).await?;
    Ok(true)
}

async fn begin(conn: &mut PgConnection, ctx: &Ctx, id: CampaignId) -> Result<(), CampaignError> {
    let (before, after) = (CampaignStatus::Scheduled, CampaignStatus::Active);
    store::campaigns::set_status(conn, id, after, ctx.now()).await?;
    service::record_move(conn, ctx, id, Move::Start, (before, after)).await?;
    enqueue(conn, ctx, &LaunchCampaign { campaign_id: id }).await?;
    Ok(())
}
