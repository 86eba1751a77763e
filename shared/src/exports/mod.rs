//! Exports: creators into CSV files.
//!
//! Promises: a file has only what its owner may see, and is for its owner only; showing people's data takes a reason and is
//! recorded, as every fetching is; no program takes a cell for a formula, and what is exported can be imported again as it
//! was; a job that dies goes on behind the last whole step. Owns: `creator_exports`. Emits: `creator.export`. Calls:
//! `files`, `creators`, `custom_fields`, `tags`, `access`, `audit`, `queue`.

mod error;
mod jobs;
mod model;
mod service;
mod store;
#[cfg(test)]
mod tests;
mod write;

pub use error::ExportError;
pub use jobs::ExportWork;
pub use model::{Column, Export, ExportId, ExportState, NewExport, PlainColumn, UnknownColumn};
pub use service::{EXPORT_ROWS_MAX, FILE_DAYS, cancel, fail, file, find, list, purge, start};
pub use write::{EXPORT_MAX_BYTES, STEP_ROWS, step};
