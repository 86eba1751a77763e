//! Taking an operation back, as far as its jobs have not gone on since.
//!
//! Another priority or queue is taken from jobs that still wait with it; whoever changed them since, or ran them, is
//! right. A cancelled or discarded job is over and stays so: a new one like it waits in its place, whose parent it is, as
//! when a single one is run again. A replay is not taken back: cancel what waits instead.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::model::{Action, BulkId, BulkOperation, BulkState, NewBulk};
use super::step::told;
use super::{BulkError, changes, enqueue_work, store};
use crate::audit::{self, Entry};
use crate::kernel::Ctx;
use crate::queue::Catalog;
use crate::queue::steer;

/// How long what jobs were before an operation is remembered, in days.
pub const UNDO_DAYS: i32 = 7;

/// Begins to take an operation back.
///
/// # Errors
/// If there is none of that id, it goes on, or nothing of it can be taken back.
pub async fn undo(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: BulkId,
    reason: String,
) -> Result<BulkOperation, BulkError> {
    let done = store::lock(conn, id)
        .await?
        .ok_or(BulkError::NotFound(id))?;
    if matches!(done.state, BulkState::Running | BulkState::Paused) {
        return Err(BulkError::GoesOn(id));
    }
    if !done.can_be_undone() {
        return Err(BulkError::NotUndoable(id));
    }
    let new = NewBulk {
        action: Action::Undo(id),
        filter: done.filter,
        reason,
        rate_per_second: done.rate_per_second,
    };
    new.checked_but_states()?;
    let matched = changes::count(conn, id).await?;
    let operation = store::insert(conn, ctx, &new, &new.filter, matched).await?;
    enqueue_work(conn, ctx, operation.id).await?;
    let entry = Entry::new("bulk.undo", id)
        .after(serde_json::json!({ "operationId": operation.id, "matched": matched }))
        .reason(&operation.reason);
    audit::record(conn, ctx, entry).await?;
    Ok(operation)
}

/// Takes back what operation `id` did to these jobs; answers to how many.
pub(super) async fn apply(
    conn: &mut PgConnection,
    ctx: &Ctx,
    catalog: &Catalog,
    id: BulkId,
    ids: &[Uuid],
) -> Result<u64, BulkError> {
    let done = store::find(conn, id)
        .await?
        .ok_or(BulkError::NotFound(id))?;
    let back = match &done.action {
        Action::Prioritise(given) => {
            let back = changes::restore_priorities(conn, id, ids, *given).await?;
            told(ctx, back, "available")
        }
        Action::Move(given) => {
            let back = changes::restore_queues(conn, id, ids, given).await?;
            told(ctx, back, "available")
        }
        Action::Cancel | Action::Discard => {
            changes::forget(conn, id, ids).await?;
            steer::repeat_many(conn, ctx, catalog, ids, done.created_at).await?
        }
        Action::Replay | Action::Undo(_) => return Err(BulkError::NotUndoable(id)),
    };
    Ok(back)
}

/// Forgets what operations changed more than [`UNDO_DAYS`] ago, a part at a time; answers how many rows went.
///
/// # Errors
/// If the database does not answer.
pub async fn forget_old(pool: &PgPool) -> sqlx::Result<u64> {
    changes::forget_old(pool, UNDO_DAYS).await
}
