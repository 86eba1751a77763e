//! The HTTP door of CreatorCRM: it turns requests into calls of `shared` and answers into JSON.
//!
//! No rule and no SQL lives here. A handler extracts, calls one use case and shows the result; begin reading at
//! [`router`], then any file in [`routes`].

pub mod app;
mod download;
pub mod error;
pub mod extract;
pub mod fields;
pub mod metrics;
pub mod middleware;
pub mod openapi;
pub mod pages;
pub mod router;
pub mod routes;
pub mod serve;
