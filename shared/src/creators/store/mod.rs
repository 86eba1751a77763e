//! The SQL of creators, a file a table or two.

pub(super) mod blocks;
pub(super) mod bulk;
pub(super) mod consents;
pub(super) mod creators;
pub(super) mod history;
pub(super) mod many;
pub(super) mod merge;
pub(super) mod people;
pub(super) mod search;
pub(super) mod views;
