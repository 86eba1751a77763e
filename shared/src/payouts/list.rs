//! Looking at payouts.

use sqlx::PgConnection;

use super::{Payout, PayoutDetail, PayoutError, PayoutFilter, PayoutId, store};
use crate::creators;
use crate::kernel::{Ctx, Cursor, Page, PageRequest, TypedId};

/// Payouts that match and that the caller may know of, the latest first.
///
/// # Errors
/// If the filter names a creator that is not within the caller's reach, or the cursor is not ours.
pub async fn list(
    conn: &mut PgConnection,
    ctx: &Ctx,
    filter: &PayoutFilter,
    page: &PageRequest,
) -> Result<Page<Payout>, PayoutError> {
    let mut filter = filter.clone();
    if let Some(id) = filter.creator {
        filter.creator = Some(creators::within_reach(conn, ctx, id).await?.id);
    }
    let before: Option<store::payouts::Place> =
        page.cursor.as_ref().map(Cursor::decode).transpose()?;
    let limit = page.limit();
    let rows = store::payouts::list(conn, ctx.actor.reach(), &filter, before, limit + 1).await?;
    Ok(Page::of(rows, limit, |payout| {
        (payout.requested_at, payout.id.uuid())
    }))
}

/// One payout with its steps and who approved it.
///
/// # Errors
/// If there is none with this id within the caller's reach.
pub async fn show(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: PayoutId,
) -> Result<PayoutDetail, PayoutError> {
    let payout = store::payouts::find(conn, ctx.actor.reach(), id)
        .await?
        .ok_or(PayoutError::NotFound(id))?;
    let destination = store::destinations::find(conn, payout.destination)
        .await?
        .ok_or(PayoutError::NoDestination(payout.destination))?;
    Ok(PayoutDetail {
        events: store::events::of_payout(conn, id).await?,
        approvals: store::approvals::of_payout(conn, id).await?,
        destination,
        payout,
    })
}
