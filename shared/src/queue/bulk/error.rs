//! Why a bulk operation was refused.

use thiserror::Error;

use super::BulkId;
use crate::kernel::{Classify, ErrorKind, FieldError, InvalidCursor};
use crate::queue::EnqueueError;
use crate::queue::search::SearchError;

/// Why a bulk operation was not begun or changed.
#[derive(Debug, Error)]
pub enum BulkError {
    /// There is no such operation.
    #[error("there is no bulk operation {0}")]
    NotFound(BulkId),
    /// It has ended.
    #[error("{0} is over")]
    Over(BulkId),
    /// It goes on, so it cannot be taken back yet.
    #[error("{0} is not over; cancel it, or wait until it is, then take it back")]
    GoesOn(BulkId),
    /// Nothing of it can be taken back: it is of another sort, changed nothing, was taken back before, or is too long ago.
    #[error("nothing of {0} can be taken back")]
    NotUndoable(BulkId),
    /// The filter does not fit the action.
    #[error("the operation is not acceptable; `errors` names the fields")]
    Invalid(Vec<FieldError>),
    /// Its jobs could not be counted.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// The page's cursor is not ours.
    #[error(transparent)]
    Cursor(#[from] InvalidCursor),
    /// The queue refused its job.
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    /// What is stored of it cannot be read.
    #[error("the stored operation cannot be read")]
    Stored(#[source] serde_json::Error),
    /// A later version stored it.
    #[error("this version knows no operation `{0}`")]
    UnknownAction(String),
    /// The database refused.
    #[error("the operation could not be stored")]
    Db(#[from] sqlx::Error),
}

impl Classify for BulkError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Over(_) | Self::GoesOn(_) | Self::NotUndoable(_) => ErrorKind::Conflict,
            Self::Invalid(_) => ErrorKind::Invalid,
            Self::Search(error) => error.kind(),
            Self::Cursor(error) => error.kind(),
            Self::Enqueue(error) => error.kind(),
            Self::Stored(_) | Self::UnknownAction(_) => ErrorKind::Internal,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "bulk-operation-not-found",
            Self::Over(_) => "bulk-operation-over",
            Self::GoesOn(_) => "bulk-operation-not-over",
            Self::NotUndoable(_) => "bulk-operation-not-undoable",
            Self::Invalid(_) => "invalid-bulk-operation",
            Self::Search(error) => error.code(),
            Self::Cursor(error) => error.code(),
            Self::Enqueue(error) => error.code(),
            Self::Stored(_) | Self::UnknownAction(_) => "internal",
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::Search(error) => error.fields(),
            Self::Cursor(error) => error.fields(),
            Self::Enqueue(error) => error.fields(),
            Self::NotFound(_)
            | Self::Over(_)
            | Self::GoesOn(_)
            | Self::NotUndoable(_)
            | Self::Stored(_)
            | Self::UnknownAction(_)
            | Self::Db(_) => Vec::new(),
        }
    }
}
