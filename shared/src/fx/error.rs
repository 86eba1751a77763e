//! What can go wrong with exchange rates.

use chrono::NaiveDate;
use thiserror::Error;

use super::{DocumentError, InvalidRate, QuoteId};
use crate::kernel::{Classify, ErrorKind, FieldError, InvalidCursor};
use crate::queue::EnqueueError;

/// Why a use case about exchange rates failed.
#[derive(Debug, Error)]
pub enum FxError {
    /// There is no rate that counts.
    #[error(
        "there is no rate of {currency} from {oldest} to {day}: import the rates, or put one by hand"
    )]
    NoRate {
        /// Of which currency.
        currency: String,
        /// For which day.
        day: NaiveDate,
        /// The oldest day that would have counted.
        oldest: NaiveDate,
    },
    /// No rules are in force on the day.
    #[error("no rules of converting are in force on {0}")]
    NoPolicy(NaiveDate),
    /// There is nothing to convert.
    #[error("both currencies are the same: there is nothing to convert")]
    SameCurrency,
    /// The amount is too small: nothing of it would be left.
    #[error("the amount is too small to be converted: nothing would be left of it")]
    TooSmall,
    /// The amount or the rate is beyond what can be counted with.
    #[error("the amount is too large to be converted")]
    OutOfRange,
    /// There is no such quote.
    #[error("there is no quote {0}")]
    NoQuote(QuoteId),
    /// The quote was not used in time.
    #[error("the quote {0} has expired: ask for another one")]
    Expired(QuoteId),
    /// The quote was used for something else.
    #[error("the quote {0} is used already: ask for another one")]
    Used(QuoteId),
    /// What this is for has another quote.
    #[error("there is another quote for {0} already")]
    Converted(String),
    /// Fields break rules.
    #[error("some fields are not acceptable")]
    Invalid(Vec<FieldError>),
    /// The document of rates cannot be used.
    #[error("the document of rates cannot be used")]
    Document(#[from] DocumentError),
    /// The cursor belongs to another list.
    #[error(transparent)]
    Cursor(#[from] InvalidCursor),
    /// The import could not be enqueued.
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    /// The database refused.
    #[error("the exchange rates could not be read or written")]
    Db(#[from] sqlx::Error),
}

impl From<InvalidRate> for FxError {
    fn from(error: InvalidRate) -> Self {
        Self::Invalid(vec![FieldError::new("/rate", error.to_string())])
    }
}

impl Classify for FxError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoRate { .. } | Self::Expired(_) | Self::Used(_) | Self::Converted(_) => {
                ErrorKind::Conflict
            }
            Self::NoPolicy(_) => ErrorKind::Internal,
            Self::SameCurrency
            | Self::TooSmall
            | Self::OutOfRange
            | Self::Invalid(_)
            | Self::Cursor(_)
            | Self::Document(_) => ErrorKind::Invalid,
            Self::NoQuote(_) => ErrorKind::NotFound,
            Self::Enqueue(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoRate { .. } => "no-exchange-rate",
            Self::NoPolicy(_) => "internal",
            Self::SameCurrency => "same-currency",
            Self::TooSmall => "amount-too-small",
            Self::OutOfRange => "amount-too-large",
            Self::NoQuote(_) => "quote-not-found",
            Self::Expired(_) => "quote-expired",
            Self::Used(_) => "quote-used",
            Self::Converted(_) => "already-converted",
            Self::Invalid(_) => "invalid-fields",
            Self::Document(_) => "rates-unreadable",
            Self::Cursor(error) => error.code(),
            Self::Enqueue(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::Cursor(error) => error.fields(),
            Self::Enqueue(error) => error.fields(),
            Self::NoRate { .. }
            | Self::NoPolicy(_)
            | Self::SameCurrency
            | Self::TooSmall
            | Self::OutOfRange
            | Self::NoQuote(_)
            | Self::Expired(_)
            | Self::Used(_)
            | Self::Converted(_)
            | Self::Document(_)
            | Self::Db(_) => Vec::new(),
        }
    }
}
