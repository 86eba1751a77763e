//! The business of CreatorCRM, in vertical slices; `api` and `worker` are thin doors into it.
//!
//! Read `ARCHITECTURE.md` for who may call whom.

pub mod config;
pub mod kernel;
pub mod queue;
