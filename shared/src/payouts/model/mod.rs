//! Payouts, where they go, what they cost and what may follow what; pure.

mod account;
mod batch;
mod destination;
mod payout;
mod reconciliation;
mod schedule;
mod state;
mod statement;
mod terms;

pub(super) use account::takes;
pub use account::{HOLDER_MAX_CHARS, Payee, PayoutAccount, UsAccountType};
pub(super) use batch::BatchHead;
pub use batch::{BATCH_MAX, Batch, BatchDetail, BatchFormat, BatchState};
pub use destination::{Destination, DestinationNotice, DestinationState};
pub(super) use payout::content_hash;
pub use payout::{
    Approval, NewPayout, Payout, PayoutDetail, PayoutEvent, PayoutFilter, PayoutParts,
    REASON_MAX_CHARS,
};
pub use reconciliation::{
    Books, Explained, Missing, Moves, RECONCILED_DAYS_MAX, Reconciliation, ReconciliationScope,
    Tally, UnderWay,
};
pub use schedule::{Frequency, PayoutSchedule};
pub use state::PayoutState;
pub use statement::{
    BankStatement, BankStatementDetail, EntryFilter, EntryState, EntrySum, Fact, StatementEntry,
    StatementSource, StatementState,
};
pub(super) use statement::{Fingerprints, about_of, about_parts, shown};
pub use terms::{FeeSchedule, Limits, MethodTerms};

use crate::kernel::{typed_id, words};

typed_id!(
    /// Names one payout.
    PayoutId,
    "payout"
);
typed_id!(
    /// Names one place where a creator is paid.
    DestinationId,
    "destination"
);
typed_id!(
    /// Names one file with payouts.
    BatchId,
    "payoutbatch"
);
typed_id!(
    /// Names one file of a bank.
    StatementId,
    "payoutstatement"
);
typed_id!(
    /// Names one entry of a bank's file.
    StatementEntryId,
    "statemententry"
);

words!(
    /// How money gets to creators.
    PayoutMethod {
        /// From bank to bank, in files.
        BankTransfer => "bank_transfer",
        /// An account at PayPal.
        Paypal => "paypal",
        /// An account at Paxum.
        Paxum => "paxum",
        /// An address on a chain, by a custody provider.
        Cryptocurrency => "cryptocurrency",
        /// A printed cheque.
        Check => "check",
    }
);

impl PayoutMethod {
    /// Whether many payouts go out together in one file; else each goes out by itself.
    pub const fn goes_in_files(self) -> bool {
        matches!(self, Self::BankTransfer | Self::Check)
    }
}
