//! What a statement says; pure.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Month;
use crate::creators::CreatorId;
use crate::earnings::EarningSource;
use crate::kernel::TypedId;
use crate::kernel::money::Currency;
use crate::ledger::{Funds, Movement, Movements};

/// A creator's statement of a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Whose.
    pub creator: CreatorId,
    /// Which month.
    pub month: Month,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// Whether the month is under way, so that more may come.
    pub provisional: bool,
    /// A section for each currency.
    pub sections: Vec<Section>,
}

/// One currency; opening and all lines make up closing exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Which.
    pub currency: Currency,
    /// What there was as the month began.
    pub opening: Funds,
    /// What moved, the earliest first.
    pub lines: Vec<Line>,
    /// Whether the lines are sums by day, as there are too many.
    pub by_day: bool,
    /// What there was as it ended.
    pub closing: Funds,
}

/// One movement, or all of a kind on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What moved, in minor units.
    pub moved: Movement,
    /// What was paid for, of earnings and what was taken back of them.
    pub source: Option<EarningSource>,
}

impl Line {
    /// What it was before the platform's fee: what the fan paid, or what left for the creator's bank (negative).
    pub const fn gross(&self) -> i64 {
        self.moved.change.total() - self.moved.fee
    }
}

impl Section {
    pub(super) fn of(
        currency: Currency,
        movements: Movements,
        sources: &HashMap<Uuid, EarningSource>,
    ) -> Self {
        let closing = movements.closing();
        let line = |moved: Movement| Line {
            source: moved
                .transfer
                .and_then(|id| sources.get(&id.uuid()).copied()),
            moved,
        };
        Self {
            currency,
            opening: movements.opening,
            lines: movements.moved.into_iter().map(line).collect(),
            by_day: movements.by_day,
            closing,
        }
    }
}
