//! What can go wrong with tiers.

use thiserror::Error;

use crate::creators::{CreatorError, CreatorId};
use crate::kernel::{Classify, ErrorKind, FieldError};
use crate::queue::EnqueueError;

/// Why a use case about tiers failed.
#[derive(Debug, Error)]
pub enum TierError {
    /// No rules are in force on the day.
    #[error("no tier policy is in force on {0}")]
    NoPolicy(chrono::NaiveDate),
    /// Fields break rules.
    #[error("some fields are not acceptable")]
    Invalid(Vec<FieldError>),
    /// No tier is set by hand.
    #[error("no tier is set by hand for {0}")]
    NoOverride(CreatorId),
    /// Somebody set or took back a tier by hand meanwhile.
    #[error("the tier set by hand was changed meanwhile; read it again")]
    Stale,
    /// Who asks is limited to some clusters, and this is about all.
    #[error("this evaluates the creators of all clusters, and you are limited to some")]
    Limited,
    /// The creator could not be read.
    #[error(transparent)]
    Creator(#[from] CreatorError),
    /// The queue refused a job.
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    /// The database refused.
    #[error("the tiers could not be read or written")]
    Db(#[from] sqlx::Error),
}

impl Classify for TierError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoPolicy(_) => ErrorKind::Internal,
            Self::Invalid(_) => ErrorKind::Invalid,
            Self::NoOverride(_) => ErrorKind::NotFound,
            Self::Stale => ErrorKind::Stale,
            Self::Limited => ErrorKind::Forbidden,
            Self::Creator(error) => error.kind(),
            Self::Enqueue(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoPolicy(_) => "internal",
            Self::Invalid(_) => "invalid-fields",
            Self::NoOverride(_) => "no-tier-override",
            Self::Stale => "stale",
            Self::Limited => "limited-to-clusters",
            Self::Creator(error) => error.code(),
            Self::Enqueue(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::Creator(error) => error.fields(),
            Self::Enqueue(error) => error.fields(),
            Self::NoPolicy(_) | Self::NoOverride(_) | Self::Stale | Self::Limited | Self::Db(_) => {
                Vec::new()
            }
        }
    }
}
