//! What can go wrong with earnings.

use thiserror::Error;

use super::{EarningId, Month};
use crate::creators::CreatorError;
use crate::fx::FxError;
use crate::kernel::{Classify, ErrorKind, FieldError, InvalidCursor};
use crate::ledger::LedgerError;
use crate::reactions::ReactionError;
use crate::tiers::TierError;

/// Why a use case about earnings failed.
#[derive(Debug, Error)]
pub enum EarningError {
    /// Fields break rules.
    #[error("some fields are not acceptable")]
    Invalid(Vec<FieldError>),
    /// There is no such earning of the creator.
    #[error("the creator has no earning {0}")]
    NotFound(EarningId),
    /// The external id stands for something else.
    #[error(
        "`{0}` was reported with another content already; it is not changed by reporting it again"
    )]
    ExternalIdReused(String),
    /// More earnings at once than [`super::RECORD_MAX`].
    #[error("report from 1 to {} earnings at once", super::RECORD_MAX)]
    TooMany,
    /// There was nothing yet in that month, or it has not begun.
    #[error("there is no statement of {0}")]
    NoStatement(Month),
    /// No rule for fee, reserve or maturity is in force.
    #[error("no rule for fee, reserve or maturity is in force for that day")]
    NoRule,
    /// Money of the creator is held for payouts.
    #[error("payouts of {0} are under way; wait for them, or cancel them")]
    PayoutsUnderWay(crate::creators::CreatorId),
    /// The creator could not be read.
    #[error(transparent)]
    Creator(Box<CreatorError>),
    /// The ledger refused.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The rules of tiers, which name the reporting currency, could not be read.
    #[error(transparent)]
    Tier(#[from] TierError),
    /// An exchange rate could not be read or used.
    #[error(transparent)]
    Fx(#[from] FxError),
    /// What follows could not be done.
    #[error(transparent)]
    Reaction(Box<ReactionError>),
    /// The cursor belongs to another list.
    #[error(transparent)]
    Cursor(#[from] InvalidCursor),
    /// The database refused.
    #[error("the earnings could not be read or written")]
    Db(#[from] sqlx::Error),
}

impl From<ReactionError> for EarningError {
    fn from(error: ReactionError) -> Self {
        Self::Reaction(Box::new(error))
    }
}

impl From<CreatorError> for EarningError {
    fn from(error: CreatorError) -> Self {
        Self::Creator(Box::new(error))
    }
}

impl EarningError {
    /// One wrong field.
    pub(super) fn field(field: &'static str, message: impl ToString) -> Self {
        Self::Invalid(vec![FieldError::new(field, message.to_string())])
    }
}

impl Classify for EarningError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) | Self::TooMany => ErrorKind::Invalid,
            Self::NotFound(_) | Self::NoStatement(_) => ErrorKind::NotFound,
            Self::ExternalIdReused(_) | Self::PayoutsUnderWay(_) => ErrorKind::Conflict,
            Self::NoRule => ErrorKind::Internal,
            Self::Creator(error) => error.kind(),
            Self::Ledger(error) => error.kind(),
            Self::Tier(error) => error.kind(),
            Self::Fx(error) => error.kind(),
            Self::Reaction(error) => error.kind(),
            Self::Cursor(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid-fields",
            Self::TooMany => "too-many-earnings",
            Self::NotFound(_) => "earning-not-found",
            Self::NoStatement(_) => "statement-not-found",
            Self::ExternalIdReused(_) => "external-id-reused",
            Self::PayoutsUnderWay(_) => "payouts-under-way",
            Self::NoRule => "internal",
            Self::Creator(error) => error.code(),
            Self::Ledger(error) => error.code(),
            Self::Tier(error) => error.code(),
            Self::Fx(error) => error.code(),
            Self::Reaction(error) => error.code(),
            Self::Cursor(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::Creator(error) => error.fields(),
            Self::Tier(error) => error.fields(),
            Self::Fx(error) => error.fields(),
            Self::Cursor(error) => error.fields(),
            Self::TooMany
            | Self::NotFound(_)
            | Self::NoStatement(_)
            | Self::ExternalIdReused(_)
            | Self::PayoutsUnderWay(_)
            | Self::NoRule
            | Self::Ledger(_)
            | Self::Reaction(_)
            | Self::Db(_) => Vec::new(),
        }
    }
}
