//! What can go wrong with payouts.

use thiserror::Error;

use super::{
    BatchId, DestinationId, DestinationState, EntryState, PayoutId, PayoutMethod, PayoutState,
    Reason, StatementEntryId, StatementId,
};
use crate::compliance::ComplianceError;
use crate::creators::CreatorError;
use crate::kernel::money::{Currency, Money};
use crate::kernel::{Classify, ErrorKind, FieldError, InvalidCursor, NotOpened};
use crate::ledger::LedgerError;
use crate::providers::payout::files::FileError;
use crate::providers::payout::files::statement::StatementError;
use crate::queue::EnqueueError;

/// Why a use case about payouts failed.
#[derive(Debug, Error)]
pub enum PayoutError {
    /// Fields break rules.
    #[error("some fields are not acceptable")]
    Invalid(Vec<FieldError>),
    /// There is no such payout within the caller's reach.
    #[error("there is no payout {0}")]
    NotFound(PayoutId),
    /// There is no such destination of the creator.
    #[error("the creator has no destination {0}")]
    NoDestination(DestinationId),
    /// Something stands against it; all of it is named.
    #[error("it cannot be paid out now: {}", .0.iter().map(|reason| reason.message.as_str()).collect::<Vec<_>>().join("; "))]
    NotEligible(Vec<Reason>),
    /// There is not enough on the creator's balance.
    #[error("there is not enough available")]
    Insufficient(LedgerError),
    /// The payout is not in a state that allows this.
    #[error("a payout that is {from} cannot become {to}; it can become {}", legal(*.from))]
    Illegal {
        /// Where it stands.
        from: PayoutState,
        /// What was wanted.
        to: PayoutState,
    },
    /// Whoever asked for a payout, or entered where it goes, does not approve it.
    #[error(
        "whoever asked for a payout or entered where it goes does not approve it; ask somebody else"
    )]
    OwnPayout,
    /// The same person has approved it already.
    #[error("you have approved it already; somebody else has to")]
    ApprovedAlready,
    /// The destination is not in a state that allows this.
    #[error("the destination is {0} already")]
    Decided(DestinationState),
    /// Whoever entered a destination does not verify it.
    #[error("whoever entered a destination does not verify it; ask somebody else")]
    OwnDestination,
    /// The caller's copy is stale.
    #[error("it was changed meanwhile; read it again")]
    Stale,
    /// No limits are in force for the currency.
    #[error("no limits are in force for {0}")]
    NoLimits(Currency),
    /// Nobody who carries the method's money is connected.
    #[error("no provider is connected for {0}; see docs/payouts-providers.md")]
    NoProvider(PayoutMethod),
    /// There is no such file, or it is not for the caller.
    #[error("there is no file {0}")]
    NoBatch(BatchId),
    /// There is no such statement, or it is not for the caller.
    #[error("there is no statement {0}")]
    NoStatement(StatementId),
    /// There is no such entry of a statement, or it is not for the caller.
    #[error("there is no entry {0}")]
    NoEntry(StatementEntryId),
    /// The file cannot be read as a statement.
    #[error(transparent)]
    Statement(StatementError),
    /// The entry was decided about.
    #[error("the entry is {0}; only one that is unmatched or attention can be decided about")]
    EntryDecided(EntryState),
    /// The entry is of another amount than the payout.
    #[error(
        "the bank says {said}, and the payout is {net}: nothing is closed on that; say the outcome and a reason to decide all the same"
    )]
    AmountsDiffer {
        /// What the bank says.
        said: Money,
        /// What the payee was to get.
        net: Money,
    },
    /// The entry does not fit the payout.
    #[error("it does not fit this payout: {0}")]
    DoesNotFit(String),
    /// The folder could not be read or written.
    #[error("the folder of the bank's files could not be read or written")]
    Folder(#[from] std::io::Error),
    /// Files have payouts of all clusters.
    #[error("a file has payouts of all clusters; ask somebody who is not limited to some")]
    Limited,
    /// A file cannot be made with what is set.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file that is made again is another one than it was: a setting or a key has changed since.
    #[error(
        "the file {0} comes out different from what it was; bring the settings back that it was made with"
    )]
    FileChanged(BatchId),
    /// It is not known that a file was handed over.
    #[error("the file {0} could not be handed over: {1}")]
    NotHandedOver(BatchId, String),
    /// The report is about no payout of ours.
    #[error("the provider reports of {0}, which is no payout")]
    UnknownInstruction(String),
    /// The creator could not be read.
    #[error(transparent)]
    Creator(#[from] CreatorError),
    /// What stands against paying could not be read.
    #[error(transparent)]
    Compliance(#[from] Box<ComplianceError>),
    /// The ledger refused.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Work could not be enqueued.
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    /// A destination cannot be read.
    #[error(transparent)]
    Sealed(#[from] NotOpened),
    /// The cursor belongs to another list.
    #[error(transparent)]
    Cursor(#[from] InvalidCursor),
    /// The database refused.
    #[error("the payouts could not be read or written")]
    Db(#[from] sqlx::Error),
}

impl From<ComplianceError> for PayoutError {
    fn from(error: ComplianceError) -> Self {
        Self::Compliance(Box::new(error))
    }
}

fn legal(from: PayoutState) -> String {
    let next: Vec<&str> = from.next().iter().map(|state| state.as_str()).collect();
    if next.is_empty() {
        "nothing else any more".to_owned()
    } else {
        next.join(", ")
    }
}

impl Classify for PayoutError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) => ErrorKind::Invalid,
            Self::NotFound(_)
            | Self::NoDestination(_)
            | Self::NoBatch(_)
            | Self::NoStatement(_)
            | Self::NoEntry(_) => ErrorKind::NotFound,
            Self::Statement(_) => ErrorKind::Invalid,
            Self::EntryDecided(_) | Self::AmountsDiffer { .. } | Self::DoesNotFit(_) => {
                ErrorKind::Conflict
            }
            Self::Folder(_) => ErrorKind::Unavailable,
            Self::NotEligible(_)
            | Self::Insufficient(_)
            | Self::Illegal { .. }
            | Self::ApprovedAlready
            | Self::Decided(_)
            | Self::NoProvider(_)
            | Self::UnknownInstruction(_) => ErrorKind::Conflict,
            Self::OwnPayout | Self::OwnDestination | Self::Limited => ErrorKind::Forbidden,
            Self::NotHandedOver(..) => ErrorKind::Unavailable,
            Self::Stale => ErrorKind::Stale,
            Self::NoLimits(_) | Self::Sealed(_) | Self::File(_) | Self::FileChanged(_) => {
                ErrorKind::Internal
            }
            Self::Creator(error) => error.kind(),
            Self::Compliance(error) => error.kind(),
            Self::Ledger(error) => error.kind(),
            Self::Enqueue(error) => error.kind(),
            Self::Cursor(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid-fields",
            Self::NotFound(_) => "payout-not-found",
            Self::NoDestination(_) => "destination-not-found",
            Self::NoBatch(_) => "payout-batch-not-found",
            Self::NoStatement(_) => "payout-statement-not-found",
            Self::NoEntry(_) => "statement-entry-not-found",
            Self::Statement(_) => "unreadable-statement",
            Self::EntryDecided(_) => "statement-entry-decided",
            Self::AmountsDiffer { .. } => "amounts-differ",
            Self::DoesNotFit(_) => "entry-does-not-fit",
            Self::Folder(_) => "folder-unavailable",
            Self::Limited => "limited-to-clusters",
            Self::NotHandedOver(..) => "not-handed-over",
            Self::NotEligible(_) => "not-eligible",
            Self::Insufficient(_) => "insufficient-balance",
            Self::Illegal { .. } => "illegal-payout-transition",
            Self::OwnPayout => "own-payout",
            Self::ApprovedAlready => "approved-already",
            Self::Decided(_) => "destination-decided",
            Self::OwnDestination => "own-destination",
            Self::Stale => "stale",
            Self::NoLimits(_) | Self::Sealed(_) | Self::File(_) | Self::FileChanged(_) => {
                "internal"
            }
            Self::NoProvider(_) => "no-provider",
            Self::UnknownInstruction(_) => "unknown-instruction",
            Self::Creator(error) => error.code(),
            Self::Compliance(error) => error.code(),
            Self::Ledger(error) => error.code(),
            Self::Enqueue(error) => error.code(),
            Self::Cursor(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::Creator(error) => error.fields(),
            Self::Cursor(error) => error.fields(),
            Self::Statement(error) => vec![FieldError::new("", error.to_string())],
            Self::NotFound(_)
            | Self::NoDestination(_)
            | Self::NoBatch(_)
            | Self::NoStatement(_)
            | Self::NoEntry(_)
            | Self::EntryDecided(_)
            | Self::AmountsDiffer { .. }
            | Self::DoesNotFit(_)
            | Self::Folder(_)
            | Self::Limited
            | Self::File(_)
            | Self::FileChanged(_)
            | Self::NotHandedOver(..)
            | Self::NotEligible(_)
            | Self::Insufficient(_)
            | Self::Illegal { .. }
            | Self::OwnPayout
            | Self::ApprovedAlready
            | Self::Decided(_)
            | Self::OwnDestination
            | Self::Stale
            | Self::NoLimits(_)
            | Self::NoProvider(_)
            | Self::UnknownInstruction(_)
            | Self::Compliance(_)
            | Self::Ledger(_)
            | Self::Enqueue(_)
            | Self::Sealed(_)
            | Self::Db(_) => Vec::new(),
        }
    }

    fn reasons(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::NotEligible(reasons) => reasons
                .iter()
                .map(|reason| (reason.code, reason.message.clone()))
                .collect(),
            Self::Insufficient(_) => vec![("insufficient_balance", self.to_string())],
            Self::Invalid(_)
            | Self::NotFound(_)
            | Self::NoDestination(_)
            | Self::NoBatch(_)
            | Self::NoStatement(_)
            | Self::NoEntry(_)
            | Self::Statement(_)
            | Self::EntryDecided(_)
            | Self::AmountsDiffer { .. }
            | Self::DoesNotFit(_)
            | Self::Folder(_)
            | Self::Limited
            | Self::File(_)
            | Self::FileChanged(_)
            | Self::NotHandedOver(..)
            | Self::Illegal { .. }
            | Self::OwnPayout
            | Self::ApprovedAlready
            | Self::Decided(_)
            | Self::OwnDestination
            | Self::Stale
            | Self::NoLimits(_)
            | Self::NoProvider(_)
            | Self::UnknownInstruction(_)
            | Self::Creator(_)
            | Self::Compliance(_)
            | Self::Ledger(_)
            | Self::Enqueue(_)
            | Self::Sealed(_)
            | Self::Cursor(_)
            | Self::Db(_) => Vec::new(),
        }
    }
}
