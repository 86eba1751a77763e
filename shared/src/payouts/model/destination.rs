//! Where creators are paid.

use chrono::{DateTime, Duration, Utc};

use super::{DestinationId, Limits, PayoutMethod};
use crate::creators::CreatorId;
use crate::kernel::words;

words!(
    /// Whether money may go there.
    DestinationState {
        /// Nobody has looked at it yet.
        Unverified => "unverified",
        /// Staff has seen proof that it is the creator's.
        Verified => "verified",
        /// Staff has refused it.
        Rejected => "rejected",
        /// It was taken away, or another one took its place.
        Retired => "retired",
    }
);

/// A destination as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// Which.
    pub id: DestinationId,
    /// Whose.
    pub creator: CreatorId,
    /// The method that pays to it.
    pub method: PayoutMethod,
    /// The sort of account.
    pub kind: String,
    /// What may be shown of it.
    pub masked: String,
    /// Whether the holder has the legal name on record.
    pub holder_matches: bool,
    /// Whether money may go there.
    pub state: DestinationState,
    /// Who entered it: may not approve payouts to it.
    pub entered_by: String,
    /// When.
    pub entered_at: DateTime<Utc>,
    /// Who decided about it.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<DateTime<Utc>>,
    /// Why.
    pub reason: Option<String>,
    /// By which the same account is found elsewhere.
    pub(in crate::payouts) fingerprint: Vec<u8>,
}

/// That a bank gave other data for a destination. Nothing is changed by it: somebody enters the right ones anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationNotice {
    /// Which.
    pub destination: DestinationId,
    /// The bank's code, such as `C01`.
    pub code: String,
    /// What may be shown of the right data.
    pub shown: String,
    /// When it was read.
    pub at: DateTime<Utc>,
}

impl Destination {
    /// From when on money may go there, by the rules in force: an account that was changed by somebody who should not have
    /// is noticed before that.
    pub fn usable_from(&self, limits: &Limits) -> DateTime<Utc> {
        self.entered_at + Duration::hours(i64::from(limits.cooling_hours))
    }
}
