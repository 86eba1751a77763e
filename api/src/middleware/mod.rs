//! What happens around every handler.

mod auth;
pub(crate) mod cookie;
mod origin;
mod request;

pub use auth::{
    CSRF_HEADER, OPEN_PATHS, authenticate, foreign_page, guard_api, is_same_origin, web_session,
};
pub use request::{RequestContext, request};
