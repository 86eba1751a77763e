//! The SQL of exchange rates. Numbers cross as text, digit for digit.

pub(super) mod imports;
pub(super) mod policy;
pub(super) mod quotes;
pub(super) mod rates;
