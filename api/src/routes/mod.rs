//! The routes, a file a resource.

mod health;
mod job_kinds;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// All of them.
pub fn all() -> OpenApiRouter<App> {
    OpenApiRouter::new().merge(health::routes()).merge(job_kinds::routes())
}
