//! Notes: what staff wrote about creators.
//!
//! Promises: a note is read by those its visibility names and by nobody else; every earlier wording is kept; only its
//! author changes what a note says. Owns: `notes`, `note_revisions`, the view `timeline_notes`. Emits: nothing.
//! Calls: `creators`, `audit`.

mod error;
mod model;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use error::NoteError;
pub use model::{
    NewNote, Note, NoteChanges, NoteFilter, NoteId, NotePriority, NoteType, Reader, Revision,
    TEXT_MAX_CHARS, Visibility,
};
pub use service::{change, delete, follow_merge, follow_ups, get, list, revisions, write};
