//! What can go wrong with tasks.

use thiserror::Error;

use super::TaskId;
use crate::creators::CreatorError;
use crate::kernel::{Classify, ErrorKind, FieldError, InvalidCursor};
use crate::queue::EnqueueError;

/// Why a use case about tasks failed.
#[derive(Debug, Error)]
pub enum TaskError {
    /// There is no such task.
    #[error("there is no task {0}")]
    NotFound(TaskId),
    /// Somebody changed it meanwhile.
    #[error("the task was changed meanwhile; it is at version {0}")]
    Stale(i64),
    /// Fields break rules.
    #[error("some fields are not acceptable")]
    Invalid(Vec<FieldError>),
    /// The cursor belongs to another list.
    #[error(transparent)]
    Cursor(#[from] InvalidCursor),
    /// There is no such creator, or it could not be read.
    #[error(transparent)]
    Creator(#[from] CreatorError),
    /// The reminder could not be enqueued.
    #[error("the reminder could not be enqueued")]
    Enqueue(#[from] EnqueueError),
    /// The database refused.
    #[error("the tasks could not be read or written")]
    Db(#[from] sqlx::Error),
}

impl Classify for TaskError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Stale(_) => ErrorKind::Stale,
            Self::Invalid(_) | Self::Cursor(_) => ErrorKind::Invalid,
            Self::Creator(error) => error.kind(),
            Self::Enqueue(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "task-not-found",
            Self::Stale(_) => "stale",
            Self::Invalid(_) => "invalid",
            Self::Cursor(error) => error.code(),
            Self::Creator(error) => error.code(),
            Self::Enqueue(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::Cursor(error) => error.fields(),
            Self::Creator(error) => error.fields(),
            Self::Enqueue(error) => error.fields(),
            Self::NotFound(_) | Self::Stale(_) | Self::Db(_) => Vec::new(),
        }
    }
}
