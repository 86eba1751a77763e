//! What moved on a creator's accounts in one currency.

use chrono::{DateTime, Utc};

use super::{TransferId, TransferKind};

/// What is posted on a creator's accounts in one currency, or by how much that changed; in minor units. Money that is held
/// for payouts is still there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Funds {
    /// Earned and not available yet.
    pub pending: i64,
    /// Kept back for a time.
    pub reserved: i64,
    /// Can be paid out; negative is what the creator owes.
    pub available: i64,
}

impl Funds {
    /// All together.
    pub const fn total(&self) -> i64 {
        self.pending + self.reserved + self.available
    }

    /// Both together.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            pending: self.pending + other.pending,
            reserved: self.reserved + other.reserved,
            available: self.available + other.available,
        }
    }
}

/// What one transfer moved on them, or all transfers of a kind on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Movement {
    /// The transfer; none if there are several.
    pub transfer: Option<TransferId>,
    /// How many transfers.
    pub count: i64,
    /// Why money moved.
    pub kind: TransferKind,
    /// When it was recorded; of several the first.
    pub at: DateTime<Utc>,
    /// By how much the accounts changed.
    pub change: Funds,
    /// What the platform kept of it (negative) or gave back of what it had kept, in the same currency.
    pub fee: i64,
}

/// Everything that moved in a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movements {
    /// What there was before.
    pub opening: Funds,
    /// What moved, the earliest first.
    pub moved: Vec<Movement>,
    /// Whether they are sums by day and kind, as there are too many.
    pub by_day: bool,
}

impl Movements {
    /// What there was afterwards.
    pub fn closing(&self) -> Funds {
        self.moved
            .iter()
            .fold(self.opening, |sum, moved| sum.plus(&moved.change))
    }
}
