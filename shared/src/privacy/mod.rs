//! Privacy: what is held about a person, handing it out, and erasing it.
//!
//! Promises: every table that refers to a person is named in [`HOLDINGS`] or [`REFERENCES`]; an export is all of it as one
//! JSON document; an erasure is all or nothing, says class by class what becomes of the data and on what basis something
//! is kept, and the audit chain still holds; erased addresses are not written to again; what was kept is removed when its
//! time is over; a legal hold overrides both, and a restriction keeps campaigns away. Owns: `privacy_requests`,
//! `privacy_measures`, `retention_rules`, `retention_removals`, `retention_runs`. Emits: `privacy.export`,
//! `privacy.erase`, `privacy.remove_retained`. Calls: `creators`, `messaging`, `files`, `audit`, `queue`; reads and erases
//! in the tables of all slices, as [`HOLDINGS`] says.

mod erase;
mod error;
mod export;
mod holdings;
mod jobs;
mod measures;
mod model;
mod requests;
mod retention;
mod store;
#[cfg(test)]
mod tests;

pub use erase::erase;
pub use error::PrivacyError;
pub use export::{EXPORT_BYTES_MAX, EXPORT_KEPT_DAYS, open_document, write};
pub use holdings::{ELSEWHERE, HOLDINGS, Holding, REFERENCES, Treatment};
pub use jobs::{ErasePerson, ExportPerson, RemoveRetained};
pub use measures::{find_measure, lift_measure, measures, take_measure};
pub use model::{
    Fate, Measure, MeasureId, MeasureKind, Outcome, Request, RequestId, RequestKind, RequestState,
    RetentionRunId,
};
pub use requests::{ask_for_export, confirm_erasure, fail, find, plan_erasure};
pub use retention::{
    DRY_RUN_PEOPLE_MAX, Due, REMOVAL_STEP_MAX, RemovalStep, Removed, RetentionRule, RetentionRun,
    RunOutcome, dry_run, removal_step, remove, retention_runs,
};
