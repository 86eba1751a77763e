//! What can go wrong with tags.

use thiserror::Error;

use super::{SET_MAX, TAGS_MAX};
use crate::creators::CreatorError;
use crate::kernel::{Classify, ErrorKind, FieldError};

/// Why a use case about tags failed.
#[derive(Debug, Error)]
pub enum TagError {
    /// More creators than one call takes.
    #[error("name from 1 to {SET_MAX} creators")]
    TooMany,
    /// A creator would have more tags than allowed.
    #[error("a creator has at most {TAGS_MAX} tags")]
    Full,
    /// Somebody changed the tags meanwhile.
    #[error("the tags were changed meanwhile; read them again")]
    Stale,
    /// There is no such creator, or it could not be read.
    #[error(transparent)]
    Creator(#[from] CreatorError),
    /// The database refused.
    #[error("the tags could not be read or written")]
    Db(#[from] sqlx::Error),
}

impl Classify for TagError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::TooMany | Self::Full => ErrorKind::Invalid,
            Self::Stale => ErrorKind::Stale,
            Self::Creator(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TooMany | Self::Full => "invalid",
            Self::Stale => "stale",
            Self::Creator(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::TooMany => vec![FieldError::new("/creatorIds", self.to_string())],
            Self::Full => vec![FieldError::new("/tags", self.to_string())],
            Self::Creator(error) => error.fields(),
            Self::Stale | Self::Db(_) => Vec::new(),
        }
    }
}
