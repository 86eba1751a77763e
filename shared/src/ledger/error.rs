//! What can go wrong with the ledger.

use thiserror::Error;

use super::{Account, Outcome, TransferId};
use crate::kernel::money::{Currency, Money};
use crate::kernel::{Classify, ErrorKind};

/// Why the ledger refused. Whatever the caller's transaction did before must then be rolled back.
#[derive(Debug, Error)]
pub enum LedgerError {
    /// A transfer is not well formed: a mistake of the code that made it.
    #[error("{id} cannot be: {why}")]
    Malformed {
        /// Which.
        id: TransferId,
        /// What is wrong.
        why: &'static str,
    },
    /// Debits and credits differ: a mistake of the code that made it.
    #[error("{id} does not balance in {currency}")]
    Unbalanced {
        /// Which.
        id: TransferId,
        /// In which currency.
        currency: Currency,
    },
    /// More transfers at once than [`super::POST_MAX`].
    #[error("{0} transfers at once are too many")]
    TooMany(usize),
    /// The id stands for another transfer.
    #[error("{0} stands for another transfer; take a new id")]
    IdReused(TransferId),
    /// There is not enough on an account.
    #[error("{account} has {available}, which is not enough")]
    Insufficient {
        /// Where.
        account: Account,
        /// What can be spent there.
        available: Money,
    },
    /// The transfer that is to be resolved or taken back is not there.
    #[error("there is no such transfer as {0}, or it holds nothing")]
    NotFound(TransferId),
    /// What was held is resolved.
    #[error("{id} is {outcome} already")]
    AlreadyResolved {
        /// What was held.
        id: TransferId,
        /// What became of it.
        outcome: Outcome,
    },
    /// What was held can no longer be posted.
    #[error("the time of {0} is over")]
    HoldExpired(TransferId),
    /// What is held cannot expire yet.
    #[error("the time of {0} is not over")]
    HoldStands(TransferId),
    /// More would be posted of a hold, or taken back of a transfer, than there is.
    #[error("of {id} there are only {left} left")]
    Exceeds {
        /// What was held or posted.
        id: TransferId,
        /// What is left of it.
        left: Money,
    },
    /// The check found that something does not hold.
    #[error("the ledger does not hold: {}", .0.join("; "))]
    DoesNotHold(Vec<String>),
    /// The database refused.
    #[error("the ledger could not be read or written")]
    Db(#[from] sqlx::Error),
}

impl Classify for LedgerError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Malformed { .. }
            | Self::Unbalanced { .. }
            | Self::TooMany(_)
            | Self::DoesNotHold(_) => ErrorKind::Internal,
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::IdReused(_)
            | Self::Insufficient { .. }
            | Self::AlreadyResolved { .. }
            | Self::HoldExpired(_)
            | Self::HoldStands(_)
            | Self::Exceeds { .. } => ErrorKind::Conflict,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. }
            | Self::Unbalanced { .. }
            | Self::TooMany(_)
            | Self::DoesNotHold(_) => "internal",
            Self::NotFound(_) => "transfer-not-found",
            Self::IdReused(_) => "transfer-id-reused",
            Self::Insufficient { .. } => "insufficient-funds",
            Self::AlreadyResolved { .. } => "transfer-already-resolved",
            Self::HoldExpired(_) => "hold-expired",
            Self::HoldStands(_) => "hold-stands",
            Self::Exceeds { .. } => "exceeds-transfer",
            Self::Db(error) => error.code(),
        }
    }
}
