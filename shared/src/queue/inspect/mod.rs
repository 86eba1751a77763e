//! One job, with everything that is known of it; and batches.

mod batches;

pub use batches::{BatchListError, BatchState, BatchView, batch, list_batches};

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use super::search::{JobFilter, JobStatus, JobSummary, SearchError, bound, find_by_id, newest};
use super::settle::LogLine;
use super::{JobId, WorkerId};
use crate::kernel::{Db, TypedId};

/// Children that a job is shown with; the search by parent lists all.
pub const CHILDREN_SHOWN_MAX: i64 = 50;
/// Attempts that a job is shown with, the last ones.
pub const ATTEMPTS_SHOWN_MAX: i64 = 200;

/// A job with all that is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct JobDetail {
    /// What a list shows.
    pub summary: JobSummary,
    /// The payload.
    pub args: Value,
    /// What its handler had to tell when it was done.
    pub output: Option<Value>,
    /// The key it is unique under.
    pub unique_key: Option<String>,
    /// Why it was cancelled.
    pub cancel_reason: Option<String>,
    /// The trace it belongs to.
    pub trace: Option<String>,
    /// Worker processes that died while its handler ran.
    pub crashes: u16,
    /// Its attempts, first to last.
    pub attempts: Vec<Attempt>,
    /// The job that enqueued it, or that it repeats, while that is kept.
    pub parent: Option<JobSummary>,
    /// The newest jobs it enqueued, or that repeat it.
    pub children: Vec<JobSummary>,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// Which one, 1 for the first. A snooze or a lost worker does not count, so a number may come again.
    pub number: u32,
    /// Who made it.
    pub worker: Option<WorkerId>,
    /// Where that worker runs or ran.
    pub host: Option<String>,
    /// When the handler began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended; none while it runs.
    pub ended_at: Option<DateTime<Utc>>,
    /// `running`, `completed`, `retry`, `failed`, `snoozed`, `cancelled`, `released` or `lost`.
    pub outcome: String,
    /// The error and its causes, outermost first.
    pub errors: Vec<String>,
    /// What the handler logged.
    pub logs: Vec<LogLine>,
}

struct Extra {
    args: Value,
    output: Option<Value>,
    unique_key: Option<String>,
    cancel_reason: Option<String>,
    trace: Option<String>,
    crashes: i16,
}

/// A job, wherever it stands; none if there is none of that id.
///
/// # Errors
/// If the database does not answer in time.
pub async fn job(db: &Db, id: JobId) -> Result<Option<JobDetail>, SearchError> {
    let mut tx = db.begin().await?;
    // what follows must see one state of the job, not two
    sqlx::query!("set transaction isolation level repeatable read, read only")
        .execute(&mut *tx)
        .await?;
    bound(&mut tx).await?;
    let Some(summary) = find_by_id(&mut tx, id).await? else {
        return Ok(None);
    };
    let extra = extra(&mut tx, &summary).await?;
    let attempts = attempts(&mut tx, &summary).await?;
    let parent = match summary.parent {
        Some(parent) => find_by_id(&mut tx, parent).await?,
        None => None,
    };
    let by_parent = JobFilter {
        parent: Some(id),
        ..JobFilter::default()
    };
    let children = newest(&mut tx, &by_parent, CHILDREN_SHOWN_MAX).await?;
    Ok(Some(JobDetail {
        summary,
        args: extra.args,
        output: extra.output,
        unique_key: extra.unique_key,
        cancel_reason: extra.cancel_reason,
        trace: extra.trace,
        crashes: extra.crashes.unsigned_abs(),
        attempts,
        parent,
        children,
    }))
}

async fn extra(conn: &mut PgConnection, job: &JobSummary) -> sqlx::Result<Extra> {
    let id = job.id.uuid();
    if let Some(finished_at) = job.finished_at.filter(|_| job.status.is_over()) {
        return sqlx::query_as!(
            Extra,
            r#"select args, output, unique_key, cancel_reason, trace, 0::int2 as "crashes!"
               from job_history where id = $1 and finished_at = $2"#,
            id,
            finished_at,
        )
        .fetch_one(conn)
        .await;
    }
    sqlx::query_as!(
        Extra,
        r#"select args, null::jsonb as output, unique_key, cancel_reason, trace, crashes from jobs where id = $1"#,
        id,
    )
    .fetch_one(conn)
    .await
}

async fn attempts(conn: &mut PgConnection, job: &JobSummary) -> sqlx::Result<Vec<Attempt>> {
    let rows = sqlx::query!(
        r#"select a.attempt, a.worker_id, w.host as "host?", a.started_at, a.ended_at, a.outcome, a.error_chain, a.logs
           from job_attempts a left join workers w on w.id = a.worker_id
           where a.job_id = $1 and a.ended_at >= $2 order by a.ended_at desc limit $3"#,
        job.id.uuid(),
        job.created_at,
        ATTEMPTS_SHOWN_MAX,
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut attempts: Vec<Attempt> = rows
        .into_iter()
        .rev()
        .map(|row| Attempt {
            number: row.attempt.unsigned_abs(),
            worker: row.worker_id.map(WorkerId::from),
            host: row.host,
            started_at: row.started_at,
            ended_at: Some(row.ended_at),
            outcome: row.outcome,
            errors: row.error_chain.unwrap_or_default(),
            logs: row
                .logs
                .and_then(|logs| serde_json::from_value(logs).ok())
                .unwrap_or_default(),
        })
        .collect();
    if let Some(last) = told_by_the_row(job, &attempts) {
        let host = host_of(conn, last.worker).await?;
        attempts.push(Attempt { host, ..last });
    }
    Ok(attempts)
}

/// The attempt that has no row of its own: one that runs now, or one that completed in silence.
fn told_by_the_row(job: &JobSummary, attempts: &[Attempt]) -> Option<Attempt> {
    let outcome = match job.status {
        JobStatus::Running => "running",
        JobStatus::Completed
            if attempts
                .last()
                .is_none_or(|last| last.outcome != "completed") =>
        {
            "completed"
        }
        JobStatus::Completed
        | JobStatus::Available
        | JobStatus::Scheduled
        | JobStatus::Retryable
        | JobStatus::Dead
        | JobStatus::Cancelled
        | JobStatus::Discarded => return None,
    };
    Some(Attempt {
        number: job.attempt,
        worker: job.worker,
        host: None,
        started_at: job.started_at,
        ended_at: job.finished_at,
        outcome: outcome.to_owned(),
        errors: Vec::new(),
        logs: Vec::new(),
    })
}

async fn host_of(
    conn: &mut PgConnection,
    worker: Option<WorkerId>,
) -> sqlx::Result<Option<String>> {
    let Some(worker) = worker else {
        return Ok(None);
    };
    sqlx::query_scalar!("select host from workers where id = $1", worker.uuid())
        .fetch_optional(conn)
        .await
}
