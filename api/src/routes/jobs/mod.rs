//! Jobs: enqueue, find, look at, and steer.

mod body;
mod create;
mod search;
mod steer;
mod view;

use axum::extract::{DefaultBodyLimit, State};
use serde::Deserialize;
use shared::access::{self, PersonalField};
use shared::queue::{JobId, inspect};
use utoipa::ToSchema;
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
pub(crate) use view::hide;

use view::JobDetailView;

/// Size of a body with up to 10,000 jobs, in bytes.
const ENQUEUE_BODY_MAX_BYTES: usize = 32 * 1024 * 1024;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create::enqueue))
        .layer(DefaultBodyLimit::max(ENQUEUE_BODY_MAX_BYTES))
        .routes(routes!(search::list))
        .routes(routes!(show))
        .routes(routes!(reveal))
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
    Ok(Json(JobDetailView::masked(job)))
}

/// Why people's data is wanted in clear.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = JobRevealRequest)]
struct RevealBody {
    /// At most 500 characters; kept in the audit trail.
    reason: String,
}

/// Show a job with its payload and output in clear
///
/// It takes the permission for each sort of people's data in them, such as `creators:reveal-contact` for addresses, and is
/// recorded.
#[utoipa::path(post, path = "/api/jobs/{id}/reveal", operation_id = "revealJob", tag = "jobs", security(("bearer" = ["jobs:read"])),
    params(("id" = String, Path, description = "`job_…`")), request_body = RevealBody,
    responses((status = 200, body = JobDetailView), (status = 404, description = "No such job"),
              (status = 403, description = "A permission for something in it is missing")))]
async fn reveal(
    caller: Allowed<ReadJobs>,
    State(app): State<App>,
    PathId(id): PathId<JobId>,
    Json(body): Json<RevealBody>,
) -> Result<Json<JobDetailView>> {
    let job = inspect::job(&app.db, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let hidden: Vec<PersonalField> = hide(&mut job.clone()).into_iter().collect();
    let mut tx = app.db.begin().await?;
    access::record_reveal(&mut tx, &caller.ctx, id, &hidden, &body.reason).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(Json(JobDetailView::in_clear(job)))
}
