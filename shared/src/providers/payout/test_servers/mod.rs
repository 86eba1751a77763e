//! Providers for tests: servers that speak each provider's language, remember ids as it does, sign as it does, and
//! misbehave when told to. What they hold at the end is what was really paid.

mod book;
mod paypal;
mod signed;

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};

use super::InstructionId;
pub use book::{Book, Fault, Paid};
pub use paypal::PayPalServer;
pub use signed::{Dialect, SignedServer};

/// What both sides of a test know.
pub const SECRET: &str = "a secret of tests";

/// A callback as it comes in: headers and body.
pub type Sent = (BTreeMap<String, String>, Vec<u8>);

/// The other side of a provider's client.
pub trait Counterpart: fmt::Debug + Send + Sync {
    /// The provider's name in records.
    fn name(&self) -> &'static str;

    /// Where it is.
    fn url(&self) -> String;

    /// What it keeps, and how it misbehaves.
    fn book(&self) -> &Book;

    /// A callback about a payment as this provider sends it.
    fn callback(&self, event_id: &str, id: &InstructionId, now: DateTime<Utc>) -> Sent;

    /// Any body, signed as this provider signs callbacks.
    fn signed(&self, body: Vec<u8>, now: DateTime<Utc>) -> Sent;
}
