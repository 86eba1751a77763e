//! Earnings one by one.

use sqlx::PgConnection;

use super::{Earning, EarningError, store};
use crate::creators::{self, CreatorId};
use crate::kernel::{Ctx, Cursor, Page, PageRequest};

/// A creator's earnings, the latest first.
///
/// # Errors
/// If there is no such creator within the caller's reach, or the cursor is not ours.
pub async fn earnings(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    page: &PageRequest,
) -> Result<Page<Earning>, EarningError> {
    let creator = creators::within_reach(conn, ctx, id).await?;
    let before: Option<store::earnings::Place> =
        page.cursor.as_ref().map(Cursor::decode).transpose()?;
    let limit = page.limit();
    let rows = store::earnings::list(conn, creator.id, before, limit + 1).await?;
    Ok(Page::of(rows, limit, |earning| {
        (earning.occurred_at, uuid::Uuid::from(earning.id))
    }))
}
