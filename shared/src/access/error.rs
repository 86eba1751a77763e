//! What can go wrong with access.

use thiserror::Error;

use super::Permission;
use crate::kernel::{Classify, ErrorKind, FieldError};

/// Why a use case about access failed.
#[derive(Debug, Error)]
pub enum AccessError {
    /// The caller may not do this.
    #[error("this needs the permission `{0}`")]
    Lacking(Permission),
    /// Fields break rules.
    #[error("some fields are not acceptable")]
    Invalid(Vec<FieldError>),
    /// The database refused.
    #[error("access could not be read or written")]
    Db(#[from] sqlx::Error),
}

impl Classify for AccessError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Lacking(_) => ErrorKind::Forbidden,
            Self::Invalid(_) => ErrorKind::Invalid,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Lacking(_) => "forbidden",
            Self::Invalid(_) => "invalid-fields",
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::Lacking(_) | Self::Db(_) => Vec::new(),
        }
    }
}
