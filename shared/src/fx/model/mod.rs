//! Rates, rules and quotes; pure.

mod convert;
mod quote;
mod rate;

pub use convert::{Cross, convert, worth};
pub use quote::{FxPolicy, Quote, QuoteId, Used};
pub(crate) use rate::parse_per_eur;
pub use rate::{CurrencyCode, FxImportId, InvalidRate, Rate, RateFilter, RateSource};
