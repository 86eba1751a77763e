//! What can go wrong with verifications.

use thiserror::Error;

use super::VerificationKind;
use super::model::Refusal;
use crate::creators::CreatorError;
use crate::kernel::{Classify, ErrorKind, FieldError};
use crate::reactions::ReactionError;

/// Why a use case about verifications failed.
#[derive(Debug, Error)]
pub enum VerificationError {
    /// Fields break rules.
    #[error("some fields are not acceptable")]
    Invalid(Vec<FieldError>),
    /// The age is decided elsewhere.
    #[error(
        "the age is proven by decisions that name the birth date: POST /api/people/{{id}}/age-decisions"
    )]
    AgeIsElsewhere,
    /// There is nothing on file that could be proven.
    #[error("`{kind}` cannot be proven while this is not on file: {missing}")]
    NothingOnFile {
        /// What was to be proven.
        kind: VerificationKind,
        /// What is not there.
        missing: &'static str,
    },
    /// The state does not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The caller's copy is not the present one.
    #[error("it was changed meanwhile and is at version {0}; read it again")]
    Stale(i64),
    /// Of two who are one, one was verified and the other revoked.
    #[error("the merge would hide that `{0}` was revoked of one of them; decide about it first")]
    MergeHides(VerificationKind),
    /// There is no such creator, or it could not be read.
    #[error(transparent)]
    Creator(#[from] Box<CreatorError>),
    /// What follows from it could not be done.
    #[error("what follows from it could not be done")]
    Reaction(#[source] Box<ReactionError>),
    /// The database refused.
    #[error("the verifications could not be read or written")]
    Db(#[from] sqlx::Error),
}

impl From<CreatorError> for VerificationError {
    fn from(error: CreatorError) -> Self {
        Self::Creator(Box::new(error))
    }
}

impl Classify for VerificationError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) => ErrorKind::Invalid,
            Self::AgeIsElsewhere
            | Self::NothingOnFile { .. }
            | Self::Refused(_)
            | Self::MergeHides(_) => ErrorKind::Conflict,
            Self::Stale(_) => ErrorKind::Stale,
            Self::Creator(error) => error.kind(),
            Self::Reaction(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid-fields",
            Self::AgeIsElsewhere => "age-is-decided-elsewhere",
            Self::NothingOnFile { .. } => "nothing-on-file",
            Self::Refused(Refusal::OutOfOrder { .. }) => "illegal-transition",
            Self::Refused(Refusal::DecidedAlready { .. }) => "decided-already",
            Self::Stale(_) => "stale",
            Self::MergeHides(_) => "merge-hides",
            Self::Creator(error) => error.code(),
            Self::Reaction(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::Creator(error) => error.fields(),
            Self::AgeIsElsewhere
            | Self::NothingOnFile { .. }
            | Self::Refused(_)
            | Self::Stale(_)
            | Self::MergeHides(_)
            | Self::Reaction(_)
            | Self::Db(_) => Vec::new(),
        }
    }
}
