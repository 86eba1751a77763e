//! What can go wrong with creators.

use thiserror::Error;

use super::CreatorId;
use crate::kernel::{Classify, ErrorKind, FieldError};

/// Why a use case about creators failed.
#[derive(Debug, Error)]
pub enum CreatorError {
    /// There is no such creator.
    #[error("there is no creator {0}")]
    NotFound(CreatorId),
    /// There is no such cluster.
    #[error("there is no cluster `{0}`; GET /api/clusters lists them")]
    UnknownCluster(String),
    /// The address is taken in this cluster.
    #[error("a creator of this cluster has this e-mail address already")]
    EmailTaken,
    /// The username is taken in this cluster.
    #[error("a creator of this cluster has this username already")]
    UsernameTaken,
    /// Fields break rules.
    #[error("some fields are not acceptable")]
    Invalid(Vec<FieldError>),
    /// The database refused.
    #[error("the creators could not be read or written")]
    Db(#[from] sqlx::Error),
}

impl Classify for CreatorError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::UnknownCluster(_) | Self::Invalid(_) => ErrorKind::Invalid,
            Self::EmailTaken | Self::UsernameTaken => ErrorKind::Conflict,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "creator-not-found",
            Self::UnknownCluster(_) | Self::Invalid(_) => "invalid-fields",
            Self::EmailTaken => "email-taken",
            Self::UsernameTaken => "username-taken",
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::UnknownCluster(_) => vec![FieldError::new("/clusterId", self.to_string())],
            Self::EmailTaken => vec![FieldError::new("/email", self.to_string())],
            Self::UsernameTaken => vec![FieldError::new("/username", self.to_string())],
            Self::Invalid(fields) => fields.clone(),
            Self::NotFound(_) | Self::Db(_) => Vec::new(),
        }
    }
}
