//! Foreign exchange: what a euro was worth on a day, and converting amounts by it.
//!
//! Promises: a rate is that of the last day on or before the one asked for, not older than the rules allow, and one that
//! is missing is an error; a rate is never overwritten; a quote's parts add up to the minor unit, and it is used once,
//! before it expires. Owns: `fx_rates`, `fx_imports`, `fx_policies`, `fx_quotes`. Emits: `fx.import`.
//! Calls: `providers::fx`, `audit`, `queue`, `reactions`.

mod document;
mod error;
mod import;
mod jobs;
mod model;
mod quotes;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use document::{DocumentError, EcbDocument};
pub use error::FxError;
pub use import::{FxImport, import, start_import};
pub use jobs::ImportRates;
pub use model::{
    Cross, CurrencyCode, FxImportId, FxPolicy, InvalidRate, Quote, QuoteId, Rate, RateFilter,
    RateSource, Used, convert, worth,
};
pub use quotes::{lock_quote, purge_quotes, quote};
pub use service::{list, lookup, policy, put_rate};
