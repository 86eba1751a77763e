//! Access: who may do what.
//!
//! Promises: a permission is granted by a role and by nothing else; a token is believed only if this service signed it
//! and its time has not passed. Owns no tables yet. Calls: nobody.

mod permission;
mod token;

pub use permission::Permission;
pub use token::{CLOCK_SKEW_SECONDS, TOKEN_TTL_MAX, TokenError, Tokens};
