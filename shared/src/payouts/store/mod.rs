//! The SQL of payouts.

pub(super) mod approvals;
pub(super) mod batches;
pub(super) mod checks;
pub(super) mod destinations;
pub(super) mod entries;
pub(super) mod events;
pub(super) mod payouts;
pub(super) mod reconciliation;
pub(super) mod rules;
pub(super) mod schedules;
pub(super) mod statements;
