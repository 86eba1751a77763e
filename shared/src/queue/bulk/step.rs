//! One step of a bulk operation.

use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{Action, BulkId, BulkOperation, BulkState};
use super::{BulkError, changes, store, undo};
use crate::audit::{self, Entry};
use crate::kernel::Ctx;
use crate::queue::steer::rows::{self, Moved};
use crate::queue::{Catalog, JobId, Notice, batch};

/// Jobs that one step touches at the most.
pub const STEP_MAX: u32 = 500;

/// What a step came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// There may be more to do; this many jobs were visited.
    Moved {
        /// Jobs visited.
        visited: u64,
        /// How the operation stands.
        operation: BulkOperation,
    },
    /// The operation is over, or waits to be resumed.
    Ended(BulkOperation),
}

/// Does the next jobs of an operation, in the caller's transaction.
///
/// # Errors
/// If there is no such operation, or the database refuses; then roll back.
pub async fn step(
    conn: &mut PgConnection,
    ctx: &Ctx,
    catalog: &Catalog,
    id: BulkId,
) -> Result<Step, BulkError> {
    let operation = store::lock(conn, id)
        .await?
        .ok_or(BulkError::NotFound(id))?;
    if operation.state != BulkState::Running {
        return Ok(Step::Ended(operation));
    }
    let most = operation.rate_per_second.unwrap_or(STEP_MAX).min(STEP_MAX);
    let after = store::last_id(conn, id).await?;
    let picked = match &operation.action {
        Action::Undo(other) => changes::pick(conn, *other, after, i64::from(most)).await?,
        Action::Replay
        | Action::Discard
        | Action::Cancel
        | Action::Prioritise(_)
        | Action::Move(_) => {
            let (filter, asked_at) = (&operation.filter, operation.created_at);
            store::pick(conn, filter, asked_at, after, i64::from(most)).await?
        }
    };
    let changed = apply(conn, ctx, catalog, &operation, &picked.ids).await?;
    let visited = picked.ids.len() as u64;
    let last = picked.last.unwrap_or(after);
    let skipped = visited.saturating_sub(changed);
    if let (Some(first), Some(last)) = (picked.ids.first(), picked.ids.last()) {
        let entry = Entry::new("bulk.step", id).after(serde_json::json!({
            "action": operation.action.as_str(),
            "changed": changed,
            "skipped": skipped,
            "from": JobId::from(*first),
            "to": JobId::from(*last),
        }));
        audit::record(conn, ctx, entry).await?;
    }
    store::advance(
        conn,
        id,
        last,
        i64::try_from(changed).unwrap_or(0),
        i64::try_from(skipped).unwrap_or(0),
    )
    .await?;
    if picked.last.is_none() {
        return Ok(Step::Ended(
            store::set_state(conn, id, BulkState::Completed, None).await?,
        ));
    }
    let operation = store::find(conn, id)
        .await?
        .ok_or(BulkError::NotFound(id))?;
    Ok(Step::Moved { visited, operation })
}

/// Does the action to jobs; answers how many it changed.
async fn apply(
    conn: &mut PgConnection,
    ctx: &Ctx,
    catalog: &Catalog,
    operation: &BulkOperation,
    ids: &[Uuid],
) -> Result<u64, BulkError> {
    if ids.is_empty() {
        return Ok(0);
    }
    let id = operation.id;
    let moved = match &operation.action {
        Action::Replay => told(ctx, rows::replay(conn, ids).await?, "available"),
        Action::Discard => {
            let gone = rows::discard(conn, ids).await?;
            changes::note(conn, id, gone.iter().map(|job| job.id)).await?;
            told(ctx, gone, "discarded")
        }
        Action::Cancel => {
            let asked = rows::request_cancel(conn, ids, &operation.reason).await?;
            let gone = rows::cancel_waiting(conn, ids, &operation.reason).await?;
            batch::finish(&mut *conn, &rows::batches_of(&gone)).await?;
            let all = asked.iter().copied().chain(gone.iter().map(|job| job.id));
            changes::note(conn, id, all).await?;
            told(ctx, gone, "cancelled") + asked.len() as u64
        }
        Action::Prioritise(priority) => {
            let changed = changes::prioritise(conn, id, ids, *priority).await?;
            told(ctx, changed, "available")
        }
        Action::Move(queue) => {
            let changed = changes::relocate(conn, id, ids, queue).await?;
            told(ctx, changed, "available")
        }
        Action::Undo(other) => undo::apply(conn, ctx, catalog, *other, ids).await?,
    };
    Ok(moved)
}

/// Tells those who watch, once the transaction has committed; answers how many there are to tell of.
pub(super) fn told(ctx: &Ctx, moved: Vec<Moved>, state: &'static str) -> u64 {
    let n = moved.len() as u64;
    for job in moved {
        ctx.tell(Notice::job(job.id.into(), job.kind, job.queue, state));
    }
    n
}
