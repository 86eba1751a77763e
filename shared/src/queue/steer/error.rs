//! Why a job was not changed.

use thiserror::Error;

use crate::kernel::{Classify, ErrorKind, FieldError};
use crate::queue::{EnqueueError, JobId};

/// Why a job was not changed; nothing happened.
#[derive(Debug, Error)]
pub enum SteerError {
    /// There is no such job, or it was dropped when its days were over.
    #[error("there is no job {0}")]
    NotFound(JobId),
    /// It is done, cancelled or discarded.
    #[error("{0} is over; retry makes a new job like it")]
    Over(JobId),
    /// It is dead, so it does not run.
    #[error("{0} is dead; replay or discard it")]
    Dead(JobId),
    /// It waits or runs.
    #[error("{0} is not over; cancel it, or run it now")]
    NotOver(JobId),
    /// It runs, so it cannot be changed.
    #[error("{0} runs now; cancel it first")]
    Running(JobId),
    /// Another job holds its unique key.
    #[error("another job with the same unique key waits or runs")]
    KeyTaken,
    /// This version knows no such kind.
    #[error("this version knows no kind `{0}`")]
    UnknownKind(String),
    /// The new values are not acceptable.
    #[error("the changes are not acceptable; `errors` names the fields")]
    Invalid(Vec<FieldError>),
    /// The queue refused the new job.
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    /// The database refused.
    #[error("the job could not be changed")]
    Db(#[source] sqlx::Error),
}

impl From<sqlx::Error> for SteerError {
    fn from(error: sqlx::Error) -> Self {
        let unique = error
            .as_database_error()
            .is_some_and(|error| error.constraint() == Some("jobs_unique"));
        if unique {
            Self::KeyTaken
        } else {
            Self::Db(error)
        }
    }
}

impl Classify for SteerError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Over(_)
            | Self::Dead(_)
            | Self::NotOver(_)
            | Self::Running(_)
            | Self::KeyTaken
            | Self::UnknownKind(_) => ErrorKind::Conflict,
            Self::Invalid(_) => ErrorKind::Invalid,
            Self::Enqueue(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "job-not-found",
            Self::Over(_) => "job-over",
            Self::Dead(_) => "job-dead",
            Self::NotOver(_) => "job-not-over",
            Self::Running(_) => "job-running",
            Self::KeyTaken => "unique-key-taken",
            Self::UnknownKind(_) => "unknown-kind",
            Self::Invalid(_) => "invalid-job",
            Self::Enqueue(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::Enqueue(error) => error.fields(),
            Self::NotFound(_)
            | Self::Over(_)
            | Self::Dead(_)
            | Self::NotOver(_)
            | Self::Running(_)
            | Self::KeyTaken
            | Self::UnknownKind(_)
            | Self::Db(_) => Vec::new(),
        }
    }
}
