//! Dead letters: jobs that failed for good, until somebody decides.

use axum::extract::State;
use axum::response::Response;
use shared::queue::JobId;
use shared::queue::steer::{self, Changes};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::jobs::{Retried, Steered, retried, steered};
use crate::app::App;
use crate::error::Result;
use crate::extract::{Allowed, PathId, WriteJobs};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(replay))
        .routes(routes!(discard))
}

/// Let a dead job wait again, with all its attempts
#[utoipa::path(post, path = "/api/dead-letters/{id}/replay", tag = "dead letters", security(("bearer" = ["jobs:write"])),
    params(("id" = String, Path, description = "`job_…`")),
    responses((status = 202, body = Retried), (status = 409, description = "It is not dead, or its unique key is taken")))]
async fn replay(
    caller: Allowed<WriteJobs>,
    State(app): State<App>,
    PathId(id): PathId<JobId>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let repeated = steer::retry(&mut tx, &caller.ctx, &app.catalog, id, Changes::default()).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(retried(repeated))
}

/// Leave a dead job for good
///
/// It moves into the history, where it can still be found and retried.
#[utoipa::path(post, path = "/api/dead-letters/{id}/discard", tag = "dead letters", security(("bearer" = ["jobs:write"])),
    params(("id" = String, Path, description = "`job_…`")),
    responses((status = 200, body = Steered), (status = 409, description = "It is not dead")))]
async fn discard(
    caller: Allowed<WriteJobs>,
    State(app): State<App>,
    PathId(id): PathId<JobId>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let applied = steer::discard(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(steered(id, applied))
}
