//! Earnings, the rules that part them, and sums of them; pure.

mod conversion;
mod earning;
mod parts;
mod rules;
mod summary;
mod transfers;

pub(super) use conversion::{Both, ConvertedSum, Lot, is_settled};
pub use conversion::{WaitReason, Waiting};
pub use earning::{
    BACKDATED_MAX_DAYS, Due, DueKind, Earning, EarningId, EarningSource, NewEarning, NewReversal,
    Reversal, ReversalKind, TEXT_MAX_CHARS,
};
pub use parts::Parts;
pub(super) use rules::{FeeRule, MaturityRule, ReserveRule};
pub use rules::{Rules, Terms};
pub use summary::{BreakdownKey, CurrencySummary, Reporting, Summary};
pub(super) use summary::{Conversion, MonthSum};
pub use transfers::About;
