//! Steering single jobs.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shared::queue::JobId;
use shared::queue::steer::{self, Applied, Repeated};
use utoipa::ToSchema;

use super::body::{ReasonBody, RetryBody};
use crate::app::App;
use crate::error::Result;
use crate::extract::{Allowed, Json, MaybeJson, PathId, WriteJobs};

/// What became of what was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Steered {
    #[schema(value_type = String)]
    id: JobId,
    /// `now`, `requested` (a worker was asked to, and will obey within seconds) or `before` (it had been done already).
    applied: &'static str,
}

/// 202 if a worker still has to obey, else 200.
pub(crate) fn steered(id: JobId, applied: Applied) -> Response {
    let (status, applied) = match applied {
        Applied::Now => (StatusCode::OK, "now"),
        Applied::Before => (StatusCode::OK, "before"),
        Applied::Requested => (StatusCode::ACCEPTED, "requested"),
    };
    (status, Json(Steered { id, applied })).into_response()
}

/// Cancel a job
///
/// One that waits is over at once; one that runs is asked to stop, and is cancelled unless it ends with success first.
#[utoipa::path(post, path = "/api/jobs/{id}/cancel", operation_id = "cancelJob", tag = "jobs", security(("bearer" = ["jobs:write"])),
    params(("id" = String, Path, description = "`job_…`")), request_body = Option<ReasonBody>,
    responses((status = 200, body = Steered), (status = 202, body = Steered),
              (status = 409, description = "It is over or dead")))]
pub(super) async fn cancel(
    caller: Allowed<WriteJobs>,
    State(app): State<App>,
    PathId(id): PathId<JobId>,
    MaybeJson(body): MaybeJson<ReasonBody>,
) -> Result<Response> {
    let reason = body
        .reason
        .unwrap_or_else(|| format!("cancelled by {}", caller.ctx.actor));
    let mut tx = app.db.begin().await?;
    let applied = steer::cancel(&mut tx, &caller.ctx, id, &reason).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(steered(id, applied))
}

/// Let a waiting job run at once
#[utoipa::path(post, path = "/api/jobs/{id}/run-now", operation_id = "runJobNow", tag = "jobs", security(("bearer" = ["jobs:write"])),
    params(("id" = String, Path, description = "`job_…`")),
    responses((status = 200, body = Steered), (status = 409, description = "It does not wait")))]
pub(super) async fn run_now(
    caller: Allowed<WriteJobs>,
    State(app): State<App>,
    PathId(id): PathId<JobId>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let applied = steer::run_now(&mut tx, &caller.ctx, &app.catalog, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(steered(id, applied))
}

/// The job that runs again.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Retried {
    #[schema(value_type = String)]
    id: JobId,
    /// `same` (a dead job waits again), `new` (a job like the one that is over) or `found` (one with the same unique key
    /// waited already).
    how: &'static str,
}

/// Run a job again, perhaps changed
///
/// A dead job waits again with all its attempts; one that is over is repeated by a new job whose parent it is.
#[utoipa::path(post, path = "/api/jobs/{id}/retry", operation_id = "retryJob", tag = "jobs", security(("bearer" = ["jobs:write"])),
    params(("id" = String, Path, description = "`job_…`")), request_body = Option<RetryBody>,
    responses((status = 202, body = Retried, headers(("Location" = String, description = "Where the job is shown"))),
              (status = 409, description = "It waits or runs, or its unique key is taken")))]
pub(super) async fn retry(
    caller: Allowed<WriteJobs>,
    State(app): State<App>,
    PathId(id): PathId<JobId>,
    MaybeJson(body): MaybeJson<RetryBody>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let repeated = steer::retry(&mut tx, &caller.ctx, &app.catalog, id, body.into()).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(retried(repeated))
}

/// 202 with the job's place.
pub(crate) fn retried(repeated: Repeated) -> Response {
    let how = match repeated {
        Repeated::Same(_) => "same",
        Repeated::New(_) => "new",
        Repeated::Found(_) => "found",
    };
    let id = repeated.id();
    (
        StatusCode::ACCEPTED,
        [(header::LOCATION, format!("/api/jobs/{id}"))],
        Json(Retried { id, how }),
    )
        .into_response()
}
