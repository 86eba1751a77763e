//! Paying on a chain, through a provider that keeps the keys: nothing here ever signs a transaction.

mod address;
mod client;

pub use address::{Asset, CryptoDestination, InvalidAddress, Network};
#[cfg(any(test, feature = "testing"))]
pub(super) use client::STATUS_WORDS;
pub use client::{CustodyOptions, CustodyProvider};
