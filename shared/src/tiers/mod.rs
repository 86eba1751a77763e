//! Tiers: how far a creator has come, by what they earn.
//!
//! Promises: the rules are rows with a date and a source; a tier rises at once and falls only after two months below; a
//! legend is one by true rank among all active creators; every change is in the history with its reason; evaluating
//! everybody can be interrupted at any moment and goes on where it was. Owns: `creator_earnings_daily`, `tier_policies`,
//! `tier_bands`, `creator_tier_states`, `tier_overrides`, `tier_runs`, `tier_changes`, `creator_tier_history`, and the
//! tier in `creator_tiers`. Emits: `tier.recalculate`, `tier.evaluate`, `tier.end_override`. Calls: `creators`, `audit`, `queue`.

mod error;
mod jobs;
mod model;
mod run;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use error::TierError;
pub use jobs::{EndTierOverride, EvaluateTier, RecalculateTiers};
pub use model::{Band, Below, Override, Standing, TierFacts, TierPolicy, TierRunId, TierStatus};
pub use run::{APPLY_STEP_MAX, RunStep, TierRun, run_step, runs};
pub use service::{
    OVERRIDE_MAX_DAYS, OverrideEnd, add_earnings, add_earnings_many, clear_override, end_override,
    evaluate, follow_merge, policy, recalculate, reporting_currency, set_override, status,
};
