//! What can go wrong with imports.

use thiserror::Error;

use super::{IMPORT_MAX_BYTES, ImportId, ImportState};
use crate::creators::CreatorError;
use crate::custom_fields::CustomFieldError;
use crate::kernel::{Classify, ErrorKind, FieldError, InvalidCursor};
use crate::queue::EnqueueError;

/// Why a use case about imports failed.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The caller has no such import.
    #[error("you have no import {0}")]
    NotFound(ImportId),
    /// The import is not where this can be done.
    #[error("the import is `{state}`; {remedy}")]
    NotNow {
        /// Where it is.
        state: ImportState,
        /// When it can be done.
        remedy: &'static str,
    },
    /// The file has expired.
    #[error("the file of this import has expired; upload it again")]
    FileGone,
    /// There is no file with rows that were not imported.
    #[error("there is no report: no row was refused, or its file has expired")]
    NoReport,
    /// More bytes than an import takes.
    #[error("the file is larger than {IMPORT_MAX_BYTES} bytes; split it")]
    TooLarge,
    /// The file or the settings break rules.
    #[error("some fields are not acceptable")]
    Invalid(Vec<FieldError>),
    /// No record ends within what one step reads.
    #[error(
        "behind row {0} no row ends within 256 KiB; look for a quotation mark that is not closed"
    )]
    EndlessRow(i64),
    /// The page's cursor is not ours.
    #[error(transparent)]
    Cursor(#[from] InvalidCursor),
    /// The creators could not be read or written.
    #[error(transparent)]
    Creator(#[from] CreatorError),
    /// The custom fields could not be read or written.
    #[error(transparent)]
    Field(#[from] CustomFieldError),
    /// The queue refused a job.
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    /// The database refused.
    #[error("the imports could not be read or written")]
    Db(#[from] sqlx::Error),
}

impl Classify for ImportError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) | Self::NoReport => ErrorKind::NotFound,
            Self::NotNow { .. } | Self::FileGone => ErrorKind::Conflict,
            Self::TooLarge | Self::Invalid(_) | Self::EndlessRow(_) => ErrorKind::Invalid,
            Self::Cursor(error) => error.kind(),
            Self::Creator(error) => error.kind(),
            Self::Field(error) => error.kind(),
            Self::Enqueue(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "import-not-found",
            Self::NotNow { .. } => "import-not-now",
            Self::FileGone => "import-file-gone",
            Self::NoReport => "import-report-not-found",
            Self::TooLarge => "file-too-large",
            Self::Invalid(_) => "invalid",
            Self::EndlessRow(_) => "endless-row",
            Self::Cursor(error) => error.code(),
            Self::Creator(error) => error.code(),
            Self::Field(error) => error.code(),
            Self::Enqueue(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::Cursor(error) => error.fields(),
            Self::Creator(error) => error.fields(),
            Self::Field(error) => error.fields(),
            Self::NotFound(_)
            | Self::NotNow { .. }
            | Self::FileGone
            | Self::NoReport
            | Self::TooLarge
            | Self::EndlessRow(_)
            | Self::Enqueue(_)
            | Self::Db(_) => Vec::new(),
        }
    }
}
