//! Access: who may do what.
//!
//! Promises: a permission is granted by a role and by nothing else; a token is believed only if this service signed it
//! and its time has not passed. Owns no tables yet. Calls: nobody.

mod error;
pub mod mask;
mod permission;
mod reveal;
mod token;

pub use error::AccessError;
pub use mask::PersonalField;
pub use permission::Permission;
pub use reveal::{REVEAL_REASON_MAX_CHARS, record_reveal};
pub use token::{CLOCK_SKEW_SECONDS, TOKEN_TTL_MAX, TokenError, Tokens};
