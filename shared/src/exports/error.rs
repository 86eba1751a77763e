//! What can go wrong with exports.

use thiserror::Error;

use super::{EXPORT_MAX_BYTES, ExportId, ExportState};
use crate::access::{AccessError, Permission};
use crate::creators::CreatorError;
use crate::custom_fields::CustomFieldError;
use crate::kernel::{Classify, ErrorKind, FieldError, InvalidCursor};
use crate::queue::EnqueueError;
use crate::tags::TagError;

/// Why a use case about exports failed.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The caller has no such export.
    #[error("you have no export {0}")]
    NotFound(ExportId),
    /// The file is not whole.
    #[error("the export is `{0}`; only one that is `completed` has a file")]
    NotReady(ExportState),
    /// The file is not kept any more.
    #[error("the file has expired; export again")]
    Expired,
    /// The caller may not see a column.
    #[error("this needs the permission `{0}`")]
    Lacking(Permission),
    /// The file would be too large.
    #[error("the file is larger than {EXPORT_MAX_BYTES} bytes; narrow the filter")]
    TooLarge,
    /// Fields break rules.
    #[error("some fields are not acceptable")]
    Invalid(Vec<FieldError>),
    /// The page's cursor is not ours.
    #[error(transparent)]
    Cursor(#[from] InvalidCursor),
    /// People's data may not be shown.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The creators could not be read.
    #[error(transparent)]
    Creator(#[from] CreatorError),
    /// The custom fields could not be read.
    #[error(transparent)]
    Field(#[from] CustomFieldError),
    /// The tags could not be read.
    #[error(transparent)]
    Tag(#[from] TagError),
    /// The queue refused a job.
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    /// A line could not be written.
    #[error("a line could not be written")]
    Csv(#[from] csv::Error),
    /// The database refused.
    #[error("the exports could not be read or written")]
    Db(#[from] sqlx::Error),
}

impl Classify for ExportError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) | Self::Expired => ErrorKind::NotFound,
            Self::NotReady(_) => ErrorKind::Conflict,
            Self::Lacking(_) => ErrorKind::Forbidden,
            Self::TooLarge | Self::Invalid(_) => ErrorKind::Invalid,
            Self::Cursor(error) => error.kind(),
            Self::Access(error) => error.kind(),
            Self::Creator(error) => error.kind(),
            Self::Field(error) => error.kind(),
            Self::Tag(error) => error.kind(),
            Self::Enqueue(error) => error.kind(),
            Self::Csv(_) => ErrorKind::Internal,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "export-not-found",
            Self::NotReady(_) => "export-not-ready",
            Self::Expired => "export-expired",
            Self::Lacking(_) => "forbidden",
            Self::TooLarge => "export-too-large",
            Self::Invalid(_) => "invalid",
            Self::Cursor(error) => error.code(),
            Self::Access(error) => error.code(),
            Self::Creator(error) => error.code(),
            Self::Field(error) => error.code(),
            Self::Tag(error) => error.code(),
            Self::Enqueue(error) => error.code(),
            Self::Csv(_) => "internal",
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::Cursor(error) => error.fields(),
            Self::Access(error) => error.fields(),
            Self::Creator(error) => error.fields(),
            Self::Field(error) => error.fields(),
            Self::Tag(error) => error.fields(),
            Self::NotFound(_)
            | Self::NotReady(_)
            | Self::Expired
            | Self::Lacking(_)
            | Self::TooLarge
            | Self::Enqueue(_)
            | Self::Csv(_)
            | Self::Db(_) => Vec::new(),
        }
    }
}
