//! What can go wrong with compliance.

use std::fmt;

use thiserror::Error;

use super::{PAYABLE_MAX, Reason};
use crate::creators::{CreatorError, CreatorId};
use crate::kernel::{Classify, ErrorKind, FieldError};

/// Somebody may not be paid, and everything that keeps them from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotPayable {
    /// Who.
    pub creator: CreatorId,
    /// Why; never empty.
    pub reasons: Vec<Reason>,
}

impl fmt::Display for NotPayable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told: Vec<String> = self.reasons.iter().map(ToString::to_string).collect();
        write!(f, "{} may not be paid: {}", self.creator, told.join("; "))
    }
}

impl std::error::Error for NotPayable {}

impl NotPayable {
    /// Each reason with its code, for a refusal over HTTP.
    pub fn fields(&self) -> Vec<FieldError> {
        let one = |reason: &Reason| FieldError::new("", format!("{}: {reason}", reason.code()));
        self.reasons.iter().map(one).collect()
    }
}

/// Why a use case of compliance failed.
#[derive(Debug, Error)]
pub enum ComplianceError {
    /// The creator may not be paid.
    #[error(transparent)]
    NotPayable(#[from] NotPayable),
    /// More creators at once than [`PAYABLE_MAX`].
    #[error("ask about {PAYABLE_MAX} creators at once at the most")]
    TooMany,
    /// There is no such creator, or it could not be read.
    #[error(transparent)]
    Creator(#[from] Box<CreatorError>),
    /// The database refused.
    #[error("what compliance looks at could not be read")]
    Db(#[from] sqlx::Error),
}

impl From<CreatorError> for ComplianceError {
    fn from(error: CreatorError) -> Self {
        Self::Creator(Box::new(error))
    }
}

impl Classify for ComplianceError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotPayable(_) => ErrorKind::Conflict,
            Self::TooMany => ErrorKind::Internal,
            Self::Creator(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotPayable(_) => "creator-not-payable",
            Self::TooMany => "internal",
            Self::Creator(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::NotPayable(error) => error.fields(),
            Self::Creator(error) => error.fields(),
            Self::TooMany | Self::Db(_) => Vec::new(),
        }
    }
}
