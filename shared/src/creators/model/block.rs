//! What stands against a creator.

use chrono::{DateTime, Utc};

use crate::kernel::{typed_id, words};

typed_id!(
    /// Names one block.
    BlockId,
    "block"
);

words!(
    /// What a block keeps a creator from.
    BlockedThing {
        /// Being written to.
        Mail => "mail",
        /// Being paid.
        Payout => "payout",
        /// Being made active again.
        Reactivation => "reactivation",
    }
);

/// A standing reason not to do something with a creator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Which.
    pub id: BlockId,
    /// The slice that set it.
    pub source: String,
    /// Why.
    pub reason: String,
    /// What it keeps them from.
    pub blocks: Vec<BlockedThing>,
    /// Since when.
    pub starts_at: DateTime<Utc>,
    /// Until when; none until somebody lifts it.
    pub ends_at: Option<DateTime<Utc>>,
}

impl Block {
    /// Whether it stands at `now` and keeps the creator from `thing`.
    pub fn keeps_from(&self, thing: BlockedThing, now: DateTime<Utc>) -> bool {
        self.stands(now) && self.blocks.contains(&thing)
    }

    /// Whether it stands at `now`: it has begun and has not ended.
    pub fn stands(&self, now: DateTime<Utc>) -> bool {
        self.starts_at <= now && self.ends_at.is_none_or(|end| end > now)
    }
}
