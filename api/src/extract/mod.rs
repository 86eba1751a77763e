//! How handlers get what they need from a request; every refusal is a [`crate::error::Problem`].

mod allowed;
mod idempotency;
mod json;
mod page;
mod path;
mod query;
mod told;
mod version;

pub use allowed::{
    Allowed, ConfigureOnboarding, DecideAge, DecideOnboarding, MergeCreators, Needs, OwnAccount,
    OwnCreator, OwnOr, ReadAnalytics, ReadAudit, ReadCampaigns, ReadCreators, ReadJobs, ReadKeys,
    ReadMetrics, ReadOnboarding, ReadPeople, ReadQueues, ReadSchedules, ReadUsers, ReadWorkers,
    RevealBank, RevealContact, RevealIdentity, RevealTax, RunCampaigns, SteerCreators,
    WriteCampaigns, WriteCreators, WriteJobs, WriteKeys, WriteOnboarding, WritePeople, WriteQueues,
    WriteSchedules, WriteTiers, WriteUsers, WriteWorkers,
};
pub use idempotency::{IdempotencyKey, answered};
pub use json::{Json, JsonBytes, MaybeJson, parse_json};
pub use page::PageParams;
pub use path::{PathId, PathIds};
pub use query::Query;
pub use told::told;
pub use version::{IfMatch, etag};
