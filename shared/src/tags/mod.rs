//! Tags: words by which staff groups creators.
//!
//! Promises: a creator has a tag once; adding and removing work on whole sets, and tell what they changed. Owns:
//! `creator_tags`, `creator_tag_events`, the views `timeline_tags` and `findable_tags`. Emits: nothing. Calls: `creators`, `audit`.

mod error;
mod model;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use error::TagError;
pub use model::{InvalidTag, SET_MAX, TAGS_MAX, Tag, TagCount, Tagged};
pub use service::{add, counts, follow_merge, of_creator, of_many, remove, set, version};
