//! The SQL of access.

pub(super) mod attempts;
pub(super) mod keys;
pub(super) mod passwords;
pub(super) mod sessions;
pub(super) mod users;
