//! Two creators turned out to be one.

use sqlx::PgConnection;

use super::store;
use crate::creators::CreatorId;
use crate::kernel::Ctx;

/// Lets payouts and destinations follow; of an account that both had, the one who stays keeps theirs.
///
/// # Errors
/// If the database refuses.
pub async fn follow_merge(
    conn: &mut PgConnection,
    ctx: &Ctx,
    gone: CreatorId,
    kept: CreatorId,
) -> sqlx::Result<()> {
    store::destinations::follow_merge(conn, ctx, gone, kept).await?;
    store::schedules::follow_merge(conn, gone, kept).await?;
    store::payouts::follow_merge(conn, gone, kept).await
}
