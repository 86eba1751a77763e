//! Reading a timeline.

use sqlx::PgConnection;

use super::{Entry, TimelineError, TimelineKind, store};
use crate::creators::{self, CreatorId};
use crate::kernel::{Ctx, Page, PageRequest};
use crate::notes::Reader;

/// What happened around a creator, the latest first: of the kinds that are wanted (all, if none is named), those that
/// the caller may see. A kind that they may not see is left out, not refused.
///
/// # Errors
/// If there is no such creator within the caller's reach, or the cursor is not ours.
pub async fn timeline(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    wanted: &[TimelineKind],
    page: &PageRequest,
) -> Result<Page<Entry>, TimelineError> {
    let creator = creators::within_reach(conn, ctx, creator).await?.id;
    let kinds = TimelineKind::seen_by(&ctx.actor, wanted);
    store::entries(conn, creator, &kinds, &Reader::of(&ctx.actor), page).await
}
