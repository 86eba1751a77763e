//! The operators' pages: who may look, what is read, and the answer around what `dashboard` draws.
//!
//! Pages only read; what they offer to do is done through the HTTP API.

mod assets;
mod campaigns;
mod door;
mod jobs;
mod looks;
mod queue;
mod screen;
mod trail;
mod viewer;

use axum::Router;
use axum::routing::get;

pub use looks::{LOOK_TTL, Looks};

use crate::app::App;

/// Pages that somebody has to be logged in for, with an example of each.
pub const PAGES: [&str; 13] = [
    "/",
    "/jobs",
    "/jobs/job_00000000000000000000000000000000",
    "/dead-letters",
    "/campaigns",
    "/campaigns/campaign_00000000000000000000000000000000",
    "/batches",
    "/batches/batch_00000000000000000000000000000000",
    "/bulk",
    "/schedules",
    "/queues",
    "/workers",
    "/audit",
];

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(queue::overview))
        .route("/jobs", get(jobs::list))
        .route("/jobs/{id}", get(jobs::show))
        .route("/dead-letters", get(jobs::dead_letters))
        .route("/campaigns", get(campaigns::list))
        .route("/campaigns/{id}", get(campaigns::show))
        .route("/batches", get(jobs::batches))
        .route("/batches/{id}", get(jobs::batch))
        .route("/bulk", get(jobs::bulk))
        .route("/schedules", get(queue::schedules))
        .route("/queues", get(queue::queues))
        .route("/workers", get(queue::workers))
        .route("/audit", get(trail::audit))
        .route("/login", get(door::show).post(door::login))
        .route("/assets/{name}", get(assets::show))
}
