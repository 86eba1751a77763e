//! What can go wrong with custom fields.

use thiserror::Error;

use super::FIELDS_MAX;
use crate::creators::CreatorError;
use crate::kernel::{Classify, ErrorKind, FieldError};

/// Why a use case about custom fields failed.
#[derive(Debug, Error)]
pub enum CustomFieldError {
    /// There is no such field.
    #[error("there is no custom field `{0}`; GET /api/custom-fields lists them")]
    NotFound(String),
    /// There is one of this key.
    #[error("there is a custom field of this key already")]
    KeyTaken,
    /// There are as many as there may be.
    #[error("there are {FIELDS_MAX} custom fields, the most there may be")]
    Full,
    /// Creators have an option that is to go.
    #[error("creators have the option `{0}`; give them another one first")]
    OptionInUse(String),
    /// Somebody changed it meanwhile.
    #[error("the field was changed meanwhile; it is at version {0}")]
    Stale(i64),
    /// Somebody changed a creator's values meanwhile.
    #[error("the values were changed meanwhile; read them again")]
    StaleValues,
    /// Fields break rules.
    #[error("some fields are not acceptable")]
    Invalid(Vec<FieldError>),
    /// There is no such creator, or it could not be read.
    #[error(transparent)]
    Creator(#[from] CreatorError),
    /// The database refused.
    #[error("the custom fields could not be read or written")]
    Db(#[from] sqlx::Error),
}

impl Classify for CustomFieldError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::KeyTaken | Self::Full | Self::OptionInUse(_) => ErrorKind::Conflict,
            Self::Stale(_) | Self::StaleValues => ErrorKind::Stale,
            Self::Invalid(_) => ErrorKind::Invalid,
            Self::Creator(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "custom-field-not-found",
            Self::KeyTaken => "custom-field-key-taken",
            Self::Full => "custom-fields-full",
            Self::OptionInUse(_) => "custom-field-option-in-use",
            Self::Stale(_) | Self::StaleValues => "stale",
            Self::Invalid(_) => "invalid",
            Self::Creator(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::Creator(error) => error.fields(),
            Self::NotFound(_)
            | Self::KeyTaken
            | Self::Full
            | Self::OptionInUse(_)
            | Self::Stale(_)
            | Self::StaleValues
            | Self::Db(_) => Vec::new(),
        }
    }
}
