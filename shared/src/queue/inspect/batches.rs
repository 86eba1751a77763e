//! Batches and how far they are.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::kernel::{
    Classify, Cursor, ErrorKind, FieldError, InvalidCursor, Page, PageRequest, TypedId,
};
use crate::queue::{BatchId, JobId};

/// How far a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchState {
    /// Jobs may still join.
    Open,
    /// No more jobs join; some have not ended.
    Running,
    /// The last job has ended.
    Finished,
}

impl BatchState {
    /// The word that is sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Running => "running",
            Self::Finished => "finished",
        }
    }
}

/// A batch and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchView {
    /// Which.
    pub id: BatchId,
    /// What it is for.
    pub description: String,
    /// Jobs that have joined.
    pub total: i64,
    /// Those that were done.
    pub succeeded: i64,
    /// Those that are dead.
    pub dead: i64,
    /// Those that were cancelled.
    pub cancelled: i64,
    /// When it was closed to more jobs.
    pub sealed_at: Option<DateTime<Utc>>,
    /// When its last job ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// The job that runs when it has finished.
    pub callback: Option<JobId>,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

impl BatchView {
    /// How far it is.
    pub const fn state(&self) -> BatchState {
        match (self.sealed_at, self.finished_at) {
            (_, Some(_)) => BatchState::Finished,
            (Some(_), None) => BatchState::Running,
            (None, None) => BatchState::Open,
        }
    }

    /// Jobs that have not ended.
    pub fn pending(&self) -> i64 {
        (self.total - self.succeeded - self.dead - self.cancelled).max(0)
    }
}

struct Row {
    id: Uuid,
    description: String,
    total: i64,
    succeeded: i64,
    dead: i64,
    cancelled: i64,
    sealed_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    callback_job_id: Option<Uuid>,
    created_by: String,
    created_at: DateTime<Utc>,
}

impl From<Row> for BatchView {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            description: row.description,
            total: row.total,
            succeeded: row.succeeded,
            dead: row.dead,
            cancelled: row.cancelled,
            sealed_at: row.sealed_at,
            finished_at: row.finished_at,
            callback: row.callback_job_id.map(JobId::from),
            created_by: row.created_by,
            created_at: row.created_at,
        }
    }
}

/// A batch; none if there is none of that id.
///
/// # Errors
/// If the database does not answer.
pub async fn batch(conn: &mut PgConnection, id: BatchId) -> sqlx::Result<Option<BatchView>> {
    let row = sqlx::query_as!(
        Row,
        "select id, description, total, succeeded, dead, cancelled, sealed_at, finished_at, callback_job_id, created_by,
                created_at
         from batches where id = $1",
        id.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(BatchView::from))
}

/// Why batches were not listed.
#[derive(Debug, thiserror::Error)]
pub enum BatchListError {
    /// The page's cursor is not ours.
    #[error(transparent)]
    Cursor(#[from] InvalidCursor),
    /// The database refused.
    #[error("the batches could not be listed")]
    Db(#[from] sqlx::Error),
}

impl Classify for BatchListError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Cursor(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Cursor(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Cursor(error) => error.fields(),
            Self::Db(_) => Vec::new(),
        }
    }
}

/// Batches, newest first; with `unfinished`, only those whose last job has not ended.
///
/// # Errors
/// If the cursor belongs to another list or the database does not answer.
pub async fn list_batches(
    conn: &mut PgConnection,
    unfinished: bool,
    page: &PageRequest,
) -> Result<Page<BatchView>, BatchListError> {
    let before: Option<BatchId> = page.cursor.as_ref().map(Cursor::decode).transpose()?;
    let limit = page.limit();
    let rows = sqlx::query_as!(
        Row,
        "select id, description, total, succeeded, dead, cancelled, sealed_at, finished_at, callback_job_id, created_by,
                created_at
         from batches where ($1::uuid is null or id < $1) and (not $2 or finished_at is null)
         order by id desc limit $3",
        before.map(TypedId::uuid),
        unfinished,
        limit + 1,
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter().map(BatchView::from).collect();
    Ok(Page::of(rows, limit, |batch: &BatchView| batch.id))
}
