//! Jobs: enqueue, find, look at, and steer.

mod body;
mod create;
mod search;
mod steer;
mod view;

use axum::extract::{DefaultBodyLimit, State};
use shared::queue::{JobId, inspect};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Allowed, Json, PathId, ReadJobs};

pub(crate) use body::FilterBody;
pub(crate) use search::filter_of_query;
pub(super) use search::{JobList, SearchParams};
pub(super) use steer::{Retried, Steered, retried, steered};
pub(super) use view::JobView;

use view::JobDetailView;

/// Size of a body with up to 10,000 jobs, in bytes.
const ENQUEUE_BODY_MAX_BYTES: usize = 32 * 1024 * 1024;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create::enqueue))
        .layer(DefaultBodyLimit::max(ENQUEUE_BODY_MAX_BYTES))
        .routes(routes!(search::list))
        .routes(routes!(show))
        .routes(routes!(steer::cancel))
        .routes(routes!(steer::retry))
        .routes(routes!(steer::run_now))
}

/// Show a job with its timeline
#[utoipa::path(get, path = "/api/jobs/{id}", operation_id = "showJob", tag = "jobs", security(("bearer" = ["jobs:read"])),
    params(("id" = String, Path, description = "`job_…`")),
    responses((status = 200, body = JobDetailView), (status = 404, description = "No such job")))]
async fn show(
    _: Allowed<ReadJobs>,
    State(app): State<App>,
    PathId(id): PathId<JobId>,
) -> Result<Json<JobDetailView>> {
    let job = inspect::job(&app.db, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(Json(JobDetailView::from(job)))
}
