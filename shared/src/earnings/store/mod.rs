//! The SQL of earnings.

pub(super) mod conversion;
pub(super) mod dues;
pub(super) mod earnings;
pub(super) mod keys;
pub(super) mod merge;
pub(super) mod rules;
pub(super) mod sums;
