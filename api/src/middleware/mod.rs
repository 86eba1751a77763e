//! What happens around every handler.

mod auth;
mod origin;
mod request;

pub use auth::{authenticate, guard_api};
pub use request::{RequestContext, request};
