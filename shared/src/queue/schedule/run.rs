//! One run of a schedule: its job, and the note of which tick it stands for.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::kernel::{Ctx, FieldError, TypedId};
use crate::queue::submit::Submission;
use crate::queue::{Catalog, EnqueueError, Enqueued, JobId, NewJob, Priority, enqueue_one};

/// What a schedule says of its jobs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan<'a> {
    pub(super) name: &'a str,
    pub(super) kind: &'a str,
    pub(super) args: &'a Value,
    pub(super) queue: Option<&'a str>,
    pub(super) priority: Option<Priority>,
}

impl Plan<'_> {
    /// The job of one run.
    ///
    /// # Errors
    /// With the fields that are wrong: the kind is gone, or the arguments no longer fit it.
    pub(super) fn job(
        &self,
        catalog: &Catalog,
        now: DateTime<Utc>,
    ) -> Result<NewJob, Vec<FieldError>> {
        let job = Submission {
            kind: self.kind.to_owned(),
            args: self.args.clone(),
            queue: self.queue.map(str::to_owned),
            priority: self.priority,
            tags: vec![format!("schedule:{}", self.name)],
            ..Submission::default()
        };
        job.checked(catalog, now)
    }
}

/// Enqueues `job` for `tick` and notes it; none if that tick has run.
///
/// # Errors
/// If the queue refuses the job.
pub(super) async fn run(
    conn: &mut PgConnection,
    ctx: &Ctx,
    schedule: Uuid,
    tick: DateTime<Utc>,
    manual: bool,
    job: NewJob,
) -> Result<Option<JobId>, EnqueueError> {
    let id = job.id;
    let new = sqlx::query!(
        "insert into schedule_runs (schedule_id, tick, job_id, manual) values ($1, $2, $3, $4) on conflict do nothing",
        schedule,
        tick,
        id.uuid(),
        manual,
    )
    .execute(&mut *conn)
    .await?;
    if new.rows_affected() == 0 {
        return Ok(None);
    }
    let Enqueued::Found(standing) = enqueue_one(conn, ctx, job).await? else {
        return Ok(Some(id));
    };
    sqlx::query!(
        "update schedule_runs set job_id = $3 where schedule_id = $1 and tick = $2",
        schedule,
        tick,
        standing.uuid(),
    )
    .execute(conn)
    .await?;
    Ok(Some(standing))
}
