//! Requests to services whose addresses stand in the configuration.
//!
//! What follows from a request that failed depends on whether it may have arrived. So an exchange never ends with just
//! "error": it was [answered](Exchange::Answered), [not sent](Exchange::NotSent) for sure, or [its fate is
//! unknown](Exchange::Unknown). Nothing is repeated in here, and no redirect is followed: requests carry secrets, and an
//! address that nobody configured is talked to by nobody.

mod client;
mod endpoint;
#[cfg(any(test, feature = "testing"))]
pub mod test_server;
#[cfg(test)]
mod tests;

pub use client::{Answer, Exchange, HttpClient, HttpLimits, Request};
pub use endpoint::{Endpoint, InvalidEndpoint};
