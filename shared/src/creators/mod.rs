//! Creators: who they are, which cluster they belong to, what they agreed to, what stands against them.
//!
//! Promises: an address and a username are taken once in a cluster; every consent and withdrawal is kept with its source.
//! Owns: `clusters`, `creators`, `creator_consents`, `creator_blocks`. Emits: nothing yet. Calls: nobody.

mod error;
mod model;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use error::CreatorError;
pub use model::{
    Block, BlockedThing, Channel, Cluster, Consent, ConsentState, Creator, CreatorId,
    CreatorStatus, NewConsent, NewCreator, Phone, Tier, Username,
};
pub use service::{clusters, consents, get, record_consent, register};
pub(crate) use store::{SeedColumns, seed as insert_seed};
