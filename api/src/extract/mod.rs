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
    Allowed, Anybody, ApprovePayouts, ConfigureFields, ConfigureOnboarding, DecideAge,
    DecideDestinations, DecideOnboarding, DecideVerifications, ErasePeople, ExportCreators,
    ExportPeople, HoldPeople, ImportCreators, MergeCreators, Needs, OwnAccount, OwnCreator, OwnOr,
    ReadAnalytics, ReadAudit, ReadCampaigns, ReadComplianceNotes, ReadCreators, ReadDeliveries,
    ReadEarnings, ReadJobs, ReadKeys, ReadLedger, ReadMetrics, ReadNotes, ReadOnboarding,
    ReadPayouts, ReadPeople, ReadQueues, ReadRates, ReadSchedules, ReadTasks, ReadUsers,
    ReadVerifications, ReadWorkers, RecordEarnings, RequestPayouts, RevealBank, RevealContact,
    RevealIdentity, RevealTax, ReverseEarnings, RunCampaigns, SteerCreators, SubmitVerifications,
    WriteCampaigns, WriteCreators, WriteDestinations, WriteJobs, WriteKeys, WriteNotes,
    WriteOnboarding, WritePeople, WriteQueues, WriteRates, WriteSchedules, WriteTasks, WriteTiers,
    WriteUsers, WriteWorkers,
};
pub use idempotency::{IdempotencyKey, answered};
pub use json::{Json, JsonBytes, MaybeJson, parse_json};
pub use page::PageParams;
pub use path::{PathId, PathIds};
pub use query::Query;
pub use told::told;
pub use version::{IfMatch, etag};
