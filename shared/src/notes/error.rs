//! What can go wrong with notes.

use thiserror::Error;

use super::NoteId;
use crate::creators::CreatorError;
use crate::kernel::{Classify, ErrorKind, FieldError, InvalidCursor};

/// Why a use case about notes failed.
#[derive(Debug, Error)]
pub enum NoteError {
    /// There is no such note, or not for this reader.
    #[error("there is no note {0}")]
    NotFound(NoteId),
    /// Somebody else wrote it.
    #[error("only its author may change or delete a note; everybody may pin it")]
    NotAuthor,
    /// Somebody changed it meanwhile.
    #[error("the note was changed meanwhile; it is at version {0}")]
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
    /// The database refused.
    #[error("the notes could not be read or written")]
    Db(#[from] sqlx::Error),
}

impl Classify for NoteError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::NotAuthor => ErrorKind::Forbidden,
            Self::Stale(_) => ErrorKind::Stale,
            Self::Invalid(_) | Self::Cursor(_) => ErrorKind::Invalid,
            Self::Creator(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "note-not-found",
            Self::NotAuthor => "not-author",
            Self::Stale(_) => "stale",
            Self::Invalid(_) => "invalid",
            Self::Cursor(error) => error.code(),
            Self::Creator(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::Cursor(error) => error.fields(),
            Self::Creator(error) => error.fields(),
            Self::NotFound(_) | Self::NotAuthor | Self::Stale(_) | Self::Db(_) => Vec::new(),
        }
    }
}
