//! Imports: creators from CSV files.
//!
//! Promises: a file of any allowed size is read in steps of [`STEP_ROWS`] rows, each one transaction with its checkpoint,
//! so that a job that dies goes on behind the last whole step and no row counts twice; every row follows the rules of
//! single writes and leaves the same history and trail; what is wrong with a row is told beside the row; an import is
//! undone except where somebody changed a creator since. Owns: `creator_imports`, `creator_import_rows`,
//! `creator_import_keys`. Emits: `creator.import`. Calls: `files`, `creators`, `custom_fields`, `audit`, `queue`.

mod apply;
mod error;
mod jobs;
mod model;
mod reader;
mod report;
mod resolve;
mod service;
mod step;
mod store;
#[cfg(test)]
pub(crate) mod tests;
mod undo;
mod upload;

pub use error::ImportError;
pub use jobs::ImportWork;
pub use model::{
    Counts, Existing, Import, ImportId, ImportState, MatchBy, NewStart, Settings, Target,
    UNDO_DAYS, suggested,
};
pub use reader::STEP_ROWS;
pub use service::{cancel, fail, find, forget, list, purge, report, start, undo};
pub use step::step;
pub use upload::{FILE_DAYS, IMPORT_MAX_BYTES, Upload};
