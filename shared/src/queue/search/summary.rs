//! A job as a list shows it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::JobStatus;
use crate::queue::{BatchId, JobId, Priority, WorkerId};

/// One job, without its payload.
#[derive(Debug, Clone, PartialEq)]
pub struct JobSummary {
    /// Which.
    pub id: JobId,
    /// Its kind.
    pub kind: String,
    /// Its queue.
    pub queue: String,
    /// Its priority.
    pub priority: Priority,
    /// Where it stands.
    pub status: JobStatus,
    /// The group it takes turns in.
    pub group: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// When it is or was due.
    pub run_at: DateTime<Utc>,
    /// Attempts made.
    pub attempt: u32,
    /// Attempts before it is dead.
    pub max_attempts: u32,
    /// The batch it counts in.
    pub batch: Option<BatchId>,
    /// The job that enqueued it, or that it repeats.
    pub parent: Option<JobId>,
    /// Who enqueued it.
    pub created_by: String,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
    /// The worker that runs it or ran it last.
    pub worker: Option<WorkerId>,
    /// When its last attempt began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it was over.
    pub finished_at: Option<DateTime<Utc>>,
    /// How far it is, 0 to 1, as its handler told.
    pub progress: Option<f32>,
    /// What its handler said about that.
    pub progress_note: Option<String>,
    /// The last error's own text.
    pub last_error: Option<String>,
    /// Groups errors of the same sort.
    pub fingerprint: Option<String>,
    /// It runs and was asked to stop.
    pub cancel_requested: bool,
}

/// What [`super::sql::COLUMNS_HOT`] and [`super::sql::COLUMNS_HISTORY`] select.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Row {
    id: Uuid,
    kind: String,
    queue: String,
    priority: i16,
    state: String,
    in_history: bool,
    later: bool,
    group_key: String,
    tags: Option<Vec<String>>,
    run_at: DateTime<Utc>,
    attempt: i32,
    max_attempts: i32,
    batch_id: Option<Uuid>,
    parent_id: Option<Uuid>,
    created_by: String,
    created_at: DateTime<Utc>,
    worker_id: Option<Uuid>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    progress: Option<f32>,
    progress_note: Option<String>,
    last_error: Option<String>,
    fingerprint: Option<String>,
    cancel_requested: bool,
}

impl From<Row> for JobSummary {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            status: JobStatus::of(&row.state, row.in_history, row.later, row.attempt > 0),
            kind: row.kind,
            queue: row.queue,
            priority: Priority::from_rank(row.priority).unwrap_or_default(),
            group: Some(row.group_key).filter(|group| !group.is_empty()),
            tags: row.tags.unwrap_or_default(),
            run_at: row.run_at,
            attempt: row.attempt.unsigned_abs(),
            max_attempts: row.max_attempts.unsigned_abs(),
            batch: row.batch_id.map(BatchId::from),
            parent: row.parent_id.map(JobId::from),
            created_by: row.created_by,
            created_at: row.created_at,
            worker: row.worker_id.map(WorkerId::from),
            started_at: row.started_at,
            finished_at: row.finished_at,
            progress: row.progress,
            progress_note: row.progress_note,
            last_error: row.last_error,
            fingerprint: row.fingerprint,
            cancel_requested: row.cancel_requested,
        }
    }
}
