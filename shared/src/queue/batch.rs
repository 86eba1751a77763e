//! Batches: jobs enqueued together, counted as they end, with a job that runs when the last one has.
//!
//! A batch is created open, jobs join it, and it is sealed; it is finished once it is sealed and as many jobs have ended
//! as have joined. The counters change in the statement that ends the jobs, by the rows it really ended.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{BatchId, EnqueueError, JobId, NewJob};
use crate::kernel::{Ctx, TypedId};

/// The job that runs when a batch has finished, as the batch's row keeps it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Callback {
    kind: String,
    queue: String,
    priority: i16,
    max_attempts: u16,
    args: Value,
}

/// Creates an open batch; `callback` runs once, when the last of its jobs has ended.
///
/// # Errors
/// If the database refuses.
pub async fn create(
    conn: &mut PgConnection,
    ctx: &Ctx,
    description: &str,
    callback: Option<&NewJob>,
) -> Result<BatchId, EnqueueError> {
    let id = BatchId::new();
    let callback = callback
        .map(|job| {
            let args = serde_json::from_str(&job.args)?;
            serde_json::to_value(Callback {
                kind: job.kind.to_owned(),
                queue: job.queue.clone(),
                priority: job.priority.rank(),
                max_attempts: job.max_attempts,
                args,
            })
        })
        .transpose()
        .map_err(EnqueueError::Encode)?;
    sqlx::query!(
        "insert into batches (id, description, callback, created_by) values ($1, $2, $3, $4)",
        id.uuid(),
        description,
        callback,
        ctx.actor.to_string(),
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// Seals a batch: no job can join from now on, and it may finish. Saying it twice is allowed.
///
/// An empty batch, or one whose jobs have all ended before, finishes here.
///
/// # Errors
/// If the database refuses.
pub async fn seal(conn: &mut PgConnection, batch: BatchId) -> sqlx::Result<()> {
    sqlx::query!(
        "update batches set sealed_at = coalesce(sealed_at, now()) where id = $1",
        batch.uuid()
    )
    .execute(&mut *conn)
    .await?;
    finish(conn, &[batch.uuid()]).await
}

/// Finishes those of `batches` whose last job has ended, and enqueues their callbacks in the same statement.
pub(super) async fn finish(db: impl sqlx::PgExecutor<'_>, batches: &[Uuid]) -> sqlx::Result<()> {
    if batches.is_empty() {
        return Ok(());
    }
    let callback_ids: Vec<Uuid> = batches.iter().map(|_| JobId::new().uuid()).collect();
    sqlx::query!(
        r#"
        with over as (
            update batches b
            set finished_at = now(), callback_job_id = case when b.callback is not null then n.callback_id end
            from unnest($1::uuid[], $2::uuid[]) as n (id, callback_id)
            where b.id = n.id and b.sealed_at is not null and b.finished_at is null
              and b.succeeded + b.dead + b.cancelled >= b.total
            returning b.id, b.callback, b.callback_job_id
        )
        insert into jobs (id, kind, queue, priority, run_at, max_attempts, args, created_by, created_at)
        select callback_job_id, callback->>'kind', callback->>'queue', (callback->>'priority')::int2, now(),
               (callback->>'maxAttempts')::int4, callback->'args', 'batch:' || id, now()
        from over where callback is not null
        "#,
        batches,
        &callback_ids,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Finishes batches whose last job ended without anybody noticing, because the process died in between. The leader
/// calls it now and then.
///
/// # Errors
/// If the database does not answer.
pub async fn sweep(pool: &PgPool) -> sqlx::Result<usize> {
    let due = sqlx::query_scalar!(
        "select id from batches
         where finished_at is null and sealed_at is not null and succeeded + dead + cancelled >= total limit 1000"
    )
    .fetch_all(pool)
    .await?;
    finish(&mut *pool.acquire().await?, &due).await?;
    Ok(due.len())
}
