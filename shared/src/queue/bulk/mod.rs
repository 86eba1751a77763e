//! Doing something to all jobs that match a filter: replay or discard dead ones, cancel those that wait or run, give those
//! that wait another priority or queue; and taking that back.
//!
//! Promises: each job is visited once; a step touches at most [`STEP_MAX`] jobs in one short transaction, so neither the
//! queue nor a request waits; it can be paused, resumed and cancelled between steps, and goes on where it was after a
//! crash. Owns: `bulk_operations`, `bulk_changes`. Emits: `queue.bulk`. Calls: `steer`, `search`.

mod changes;
mod error;
mod job;
mod model;
mod step;
mod store;
mod undo;

pub use error::BulkError;
pub use job::{BulkWork, CarriedOn, RUN_SLICE, carry_on, give_up};
pub use model::{Action, BulkId, BulkOperation, BulkState, NewBulk, Preview};
pub use step::{STEP_MAX, Step, step};
pub use undo::{UNDO_DAYS, forget_old, undo};

use sqlx::PgConnection;

use super::search::{SearchError, bound};
use super::{NewJob, enqueue_one};
use crate::audit::{self, Entry};
use crate::kernel::{Ctx, Cursor, Db, Page, PageRequest};

/// Matching jobs that are counted; beyond that there are "at least" as many.
pub const MATCHED_MAX: i64 = 100_000;
/// Jobs that a preview shows.
pub const SAMPLE_JOBS: i64 = 10;

/// What an operation would do now.
///
/// # Errors
/// If the filter does not fit the action, or counting takes too long.
pub async fn preview(db: &Db, ctx: &Ctx, new: &NewBulk) -> Result<Preview, BulkError> {
    let filter = new.checked()?;
    let mut tx = db.begin().await?;
    bound(&mut tx).await?;
    let matched = store::count(&mut tx, &filter, ctx.now())
        .await
        .map_err(SearchError::from)?;
    let sample = super::search::newest(&mut tx, &filter, SAMPLE_JOBS)
        .await
        .map_err(SearchError::from)?;
    Ok(Preview {
        matched: matched.min(MATCHED_MAX),
        at_least: matched > MATCHED_MAX,
        sample,
    })
}

/// Begins an operation on the jobs that match now; jobs enqueued later are left alone.
///
/// # Errors
/// As [`preview`].
pub async fn start(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: NewBulk,
) -> Result<BulkOperation, BulkError> {
    let filter = new.checked()?;
    bound(conn).await?;
    let matched = store::count(conn, &filter, ctx.now())
        .await
        .map_err(SearchError::from)?;
    let operation = store::insert(conn, ctx, &new, &filter, matched).await?;
    enqueue_work(conn, ctx, operation.id).await?;
    let entry = Entry::new("bulk.start", operation.id)
        .after(serde_json::json!({
            "action": operation.action.as_str(),
            "to": operation.action.target(),
            "filter": operation.filter,
            "matched": operation.matched,
        }))
        .reason(&operation.reason);
    audit::record(conn, ctx, entry).await?;
    Ok(operation)
}

/// The operations, newest first.
///
/// # Errors
/// If the cursor is not ours or the database does not answer.
pub async fn list(
    conn: &mut PgConnection,
    page: &PageRequest,
) -> Result<Page<BulkOperation>, BulkError> {
    let before: Option<BulkId> = page.cursor.as_ref().map(Cursor::decode).transpose()?;
    let limit = page.limit();
    Ok(Page::of(
        store::list(conn, before, limit + 1).await?,
        limit,
        |operation| operation.id,
    ))
}

/// One operation.
///
/// # Errors
/// If there is none of that id.
pub async fn find(conn: &mut PgConnection, id: BulkId) -> Result<BulkOperation, BulkError> {
    store::find(conn, id).await?.ok_or(BulkError::NotFound(id))
}

/// Pauses an operation after its present step. Saying it twice is allowed.
///
/// # Errors
/// If there is none of that id, or it is over.
pub async fn pause(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: BulkId,
) -> Result<BulkOperation, BulkError> {
    turn(conn, ctx, id, BulkState::Paused, "bulk.pause").await
}

/// Lets a paused operation go on; one that stands still because its work was lost, too.
///
/// # Errors
/// As [`pause`].
pub async fn resume(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: BulkId,
) -> Result<BulkOperation, BulkError> {
    let operation = turn(conn, ctx, id, BulkState::Running, "bulk.resume").await?;
    enqueue_work(conn, ctx, id).await?;
    Ok(operation)
}

/// Ends an operation after its present step; what it did stays done.
///
/// # Errors
/// As [`pause`].
pub async fn cancel(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: BulkId,
) -> Result<BulkOperation, BulkError> {
    turn(conn, ctx, id, BulkState::Cancelled, "bulk.cancel").await
}

async fn turn(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: BulkId,
    state: BulkState,
    action: &'static str,
) -> Result<BulkOperation, BulkError> {
    let operation = store::lock(conn, id)
        .await?
        .ok_or(BulkError::NotFound(id))?;
    match operation.state {
        BulkState::Completed | BulkState::Failed => Err(BulkError::Over(id)),
        BulkState::Cancelled if state == BulkState::Cancelled => Ok(operation),
        BulkState::Cancelled => Err(BulkError::Over(id)),
        BulkState::Running | BulkState::Paused if operation.state == state => Ok(operation),
        BulkState::Running | BulkState::Paused => {
            let entry = Entry::new(action, id)
                .before(serde_json::json!({ "state": operation.state.as_str() }))
                .after(serde_json::json!({ "state": state.as_str() }));
            audit::record(conn, ctx, entry).await?;
            Ok(store::set_state(conn, id, state, None).await?)
        }
    }
}

async fn enqueue_work(conn: &mut PgConnection, ctx: &Ctx, id: BulkId) -> Result<(), BulkError> {
    enqueue_one(conn, ctx, NewJob::of(&BulkWork { operation_id: id })?).await?;
    Ok(())
}
