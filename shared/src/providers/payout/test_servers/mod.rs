//! Providers for tests: servers that speak each provider's language, remember ids as it does, sign as it does, and
//! misbehave when told to. What they hold at the end is what was really paid.

mod book;
mod paypal;
mod signed;

pub use book::{Fault, Paid};
pub use paypal::PayPalServer;
pub use signed::{Dialect, SignedServer};

/// What both sides of a test know.
pub const SECRET: &str = "a secret of tests";
