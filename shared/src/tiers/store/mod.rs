//! The SQL of tiers.

pub(super) mod one;
pub(super) mod plan;
pub(super) mod policy;
pub(super) mod run;
