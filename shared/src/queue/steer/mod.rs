//! What people do to jobs that exist: cancel, run now, retry, edit and retry, discard.
//!
//! Promises: a finished job is never changed, only repeated by a new one; saying it twice is allowed; batches count
//! what really happened.

mod again;
mod error;
mod repeat;
pub(super) mod rows;

pub use again::{Changes, Repeated, retry, run_now};
pub use error::SteerError;
pub(super) use repeat::repeat_many;

use sqlx::PgConnection;

use super::{JobId, Notice};
use crate::audit::{self, Entry};
use crate::kernel::{Ctx, TypedId};

/// Characters of a reason that are kept.
pub const REASON_MAX_CHARS: usize = 500;

/// What became of something asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It was done now.
    Now,
    /// A worker was asked to, and will obey at its next heartbeat.
    Requested,
    /// It had been done before.
    Before,
}

/// Cancels a job: one that waits is over at once, one that runs is asked to stop.
///
/// # Errors
/// If there is no such job, or it is dead or done.
pub async fn cancel(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: JobId,
    reason: &str,
) -> Result<Applied, SteerError> {
    let reason = super::settle::clean(reason, REASON_MAX_CHARS);
    let Some(job) = rows::lock(conn, id).await? else {
        return match rows::over(conn, id)
            .await?
            .ok_or(SteerError::NotFound(id))?
            .as_str()
        {
            "cancelled" => Ok(Applied::Before),
            _ => Err(SteerError::Over(id)),
        };
    };
    let entry = Entry::new("job.cancel", id)
        .before(serde_json::json!({ "state": job.state }))
        .reason(&reason);
    match job.state.as_str() {
        "available" => {
            audit::record(conn, ctx, entry).await?;
            let gone = rows::cancel_waiting(conn, &[id.uuid()], &reason).await?;
            super::batch::finish(&mut *conn, &rows::batches_of(&gone)).await?;
            rows::tell(ctx, &gone, "cancelled");
            Ok(Applied::Now)
        }
        "running" if job.cancel_requested => Ok(Applied::Before),
        "running" => {
            audit::record(conn, ctx, entry).await?;
            rows::request_cancel(conn, &[id.uuid()], &reason).await?;
            ctx.tell(Notice::job(id, job.kind, job.queue, "running"));
            Ok(Applied::Requested)
        }
        _ => Err(SteerError::Dead(id)),
    }
}

/// Leaves a dead job for good: it moves into the history, where it can still be found and repeated.
///
/// # Errors
/// If there is no such job or it is not dead.
pub async fn discard(conn: &mut PgConnection, ctx: &Ctx, id: JobId) -> Result<Applied, SteerError> {
    let Some(job) = rows::lock(conn, id).await? else {
        return match rows::over(conn, id)
            .await?
            .ok_or(SteerError::NotFound(id))?
            .as_str()
        {
            "dead" => Ok(Applied::Before),
            _ => Err(SteerError::Over(id)),
        };
    };
    if job.state != "dead" {
        return Err(SteerError::NotOver(id));
    }
    let gone = rows::discard(conn, &[id.uuid()]).await?;
    audit::record(conn, ctx, Entry::new("job.discard", id)).await?;
    rows::tell(ctx, &gone, "discarded");
    Ok(Applied::Now)
}
