//! The timeline: everything that happened around a creator, in one stream.
//!
//! Promises: each entry is shown once, in the order of time, to those who may know of it. Reads others through the views
//! `timeline_…` that they own; each has an index on (creator, time, id), so that a page costs no more at the end of a
//! long story than at its beginning. Owns nothing. Calls: `creators`, `notes` for who reads.

mod model;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use model::{Entry, TimelineError, TimelineKind};
pub use service::timeline;
