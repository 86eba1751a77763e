//! What can go wrong with onboarding.

use thiserror::Error;

use super::StepKey;
use super::model::Refusal;
use crate::creators::{CreatorError, CreatorId};
use crate::kernel::{Classify, ErrorKind, FieldError, InvalidCursor};
use crate::reactions::ReactionError;
use crate::verification::VerificationError;

/// Why a use case about onboarding failed.
#[derive(Debug, Error)]
pub enum OnboardingError {
    /// The creator has no run.
    #[error("creator {0} has no onboarding; POST /api/creators/{0}/onboarding begins one")]
    NoRun(CreatorId),
    /// There is no such cluster, or nobody published a flow for it.
    #[error("there is no onboarding flow for `{0}`")]
    NoFlow(String),
    /// The run does not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The step is completed by staff only.
    #[error(
        "`{0}` is completed by a decision of staff: POST /api/creators/{{id}}/onboarding/decisions"
    )]
    NeedsDecision(StepKey),
    /// What would show that the step is done is not there.
    #[error("`{step}` is not done yet; still missing: {}", missing.join(", "))]
    NotProven {
        /// Which.
        step: StepKey,
        /// What is not filled in or on record.
        missing: Vec<&'static str>,
    },
    /// Fields break rules.
    #[error("some fields are not acceptable")]
    Invalid(Vec<FieldError>),
    /// The cursor belongs to another list.
    #[error(transparent)]
    Cursor(#[from] InvalidCursor),
    /// There is no such creator, or it could not be read.
    #[error(transparent)]
    Creator(#[from] Box<CreatorError>),
    /// What is verified of the creator could not be read.
    #[error(transparent)]
    Verification(#[from] Box<VerificationError>),
    /// What follows from the end of the run could not be done.
    #[error("what follows from it could not be done")]
    Reaction(#[source] Box<ReactionError>),
    /// The database refused.
    #[error("the onboarding could not be read or written")]
    Db(#[from] sqlx::Error),
}

impl From<CreatorError> for OnboardingError {
    fn from(error: CreatorError) -> Self {
        Self::Creator(Box::new(error))
    }
}

impl Classify for OnboardingError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoRun(_) | Self::NoFlow(_) => ErrorKind::NotFound,
            Self::Refused(Refusal::NoSuchStep { .. }) | Self::Invalid(_) | Self::Cursor(_) => {
                ErrorKind::Invalid
            }
            Self::Refused(_) | Self::NeedsDecision(_) | Self::NotProven { .. } => {
                ErrorKind::Conflict
            }
            Self::Creator(error) => error.kind(),
            Self::Verification(error) => error.kind(),
            Self::Reaction(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoRun(_) => "onboarding-not-found",
            Self::NoFlow(_) => "onboarding-flow-not-found",
            Self::Refused(refusal) => code_of(refusal),
            Self::NeedsDecision(_) => "onboarding-needs-decision",
            Self::NotProven { .. } => "onboarding-step-not-proven",
            Self::Invalid(_) => "invalid",
            Self::Cursor(error) => error.code(),
            Self::Creator(error) => error.code(),
            Self::Verification(error) => error.code(),
            Self::Reaction(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::Refused(refusal @ Refusal::NoSuchStep { .. }) => {
                vec![FieldError::new("/stepId", refusal.to_string())]
            }
            Self::Cursor(error) => error.fields(),
            Self::Creator(error) => error.fields(),
            Self::NoRun(_)
            | Self::NoFlow(_)
            | Self::Refused(_)
            | Self::NeedsDecision(_)
            | Self::NotProven { .. }
            | Self::Verification(_)
            | Self::Reaction(_)
            | Self::Db(_) => Vec::new(),
        }
    }
}

const fn code_of(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::NoSuchStep { .. } => "invalid",
        Refusal::OutOfOrder { .. } => "onboarding-out-of-order",
        Refusal::Ended { .. } => "onboarding-step-ended",
        Refusal::NotEnded { .. } => "onboarding-step-not-ended",
        Refusal::Required { .. } => "onboarding-step-required",
        Refusal::ByItself { .. } => "onboarding-step-by-itself",
    }
}
