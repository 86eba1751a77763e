//! Privacy: what is held about a person, handing it out, and erasing it.
//!
//! Promises: every table that refers to a person is named in [`HOLDINGS`] or [`REFERENCES`]; an export is all of it as one
//! JSON document; an erasure is all or nothing, says class by class what becomes of the data and on what basis something
//! is kept, and the audit chain still holds; erased addresses are not written to again. Owns: `privacy_requests`,
//! `retention_rules`. Emits: `privacy.export`, `privacy.erase`. Calls: `creators`, `messaging`, `files`,
//! `audit`, `queue`; reads and erases in the tables of all slices, as [`HOLDINGS`] says.

mod erase;
mod error;
mod export;
mod holdings;
mod jobs;
mod model;
mod requests;
mod store;
#[cfg(test)]
mod tests;

pub use erase::erase;
pub use error::PrivacyError;
pub use export::{EXPORT_BYTES_MAX, EXPORT_KEPT_DAYS, open_document, write};
pub use holdings::{ELSEWHERE, HOLDINGS, Holding, REFERENCES, Treatment};
pub use jobs::{ErasePerson, ExportPerson};
pub use model::{Fate, Outcome, Request, RequestId, RequestKind, RequestState};
pub use requests::{ask_for_export, confirm_erasure, fail, find, plan_erasure};
