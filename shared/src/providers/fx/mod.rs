//! Where documents of exchange rates come from.

mod bank;
#[cfg(test)]
mod contract;
#[cfg(any(test, feature = "testing"))]
mod fake;

use std::fmt;

use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use thiserror::Error;

use crate::kernel::words;

pub use bank::{InvalidRatesUrl, RatesUrl, ReferenceRates};
#[cfg(any(test, feature = "testing"))]
pub use fake::FakeRates;

words!(
    /// Of which time a document has rates.
    Span {
        /// The last day that has any.
        Daily => "daily",
        /// The last weeks.
        Recent => "recent",
        /// All since the beginning.
        History => "history",
    }
);

#[allow(clippy::derivable_impls, reason = "the type is declared by a macro")]
impl Default for Span {
    fn default() -> Self {
        Self::Recent
    }
}

impl JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<_> = Self::ALL.iter().map(|span| span.as_str()).collect();
        schemars::json_schema!({ "type": "string", "enum": names })
    }
}

/// A document, unread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Where it was.
    pub origin: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// There is no document to be had; asking later may help.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("no rates could be fetched from {origin}: {why}")]
pub struct Unavailable {
    /// Where it was looked for.
    pub origin: String,
    /// What went wrong.
    pub why: String,
}

/// Somebody who publishes exchange rates. Asking is harmless and may be repeated.
pub trait RatePublisher: Send + Sync + fmt::Debug {
    /// The document of a time.
    fn fetch(&self, span: Span) -> BoxFuture<'_, Result<Document, Unavailable>>;
}
