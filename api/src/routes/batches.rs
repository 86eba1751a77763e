//! Batches of jobs.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::queue::inspect::{self, BatchView};
use shared::queue::{BatchId, JobId};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Allowed, Json, PathId, ReadJobs};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show))
}

/// Jobs that belong together.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Batch {
    #[schema(value_type = String)]
    id: BatchId,
    description: String,
    /// `open` (jobs may still join), `running` or `finished`.
    state: &'static str,
    /// Jobs that have joined.
    total: i64,
    succeeded: i64,
    dead: i64,
    cancelled: i64,
    /// Jobs that have not ended.
    pending: i64,
    sealed_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    /// The job that runs when it has finished; null before, or if there is none.
    #[schema(value_type = Option<String>)]
    callback_job_id: Option<JobId>,
    created_by: String,
    created_at: DateTime<Utc>,
}

impl From<BatchView> for Batch {
    fn from(batch: BatchView) -> Self {
        let state = match (batch.sealed_at, batch.finished_at) {
            (_, Some(_)) => "finished",
            (Some(_), None) => "running",
            (None, None) => "open",
        };
        Self {
            id: batch.id,
            description: batch.description,
            state,
            total: batch.total,
            succeeded: batch.succeeded,
            dead: batch.dead,
            cancelled: batch.cancelled,
            pending: (batch.total - batch.succeeded - batch.dead - batch.cancelled).max(0),
            sealed_at: batch.sealed_at,
            finished_at: batch.finished_at,
            callback_job_id: batch.callback,
            created_by: batch.created_by,
            created_at: batch.created_at,
        }
    }
}

/// Show a batch and how far it is
#[utoipa::path(get, path = "/api/batches/{id}", operation_id = "showBatch", tag = "jobs", security(("bearer" = ["jobs:read"])),
    params(("id" = String, Path, description = "`batch_…`")),
    responses((status = 200, body = Batch), (status = 404, description = "No such batch")))]
async fn show(
    _: Allowed<ReadJobs>,
    State(app): State<App>,
    PathId(id): PathId<BatchId>,
) -> Result<Json<Batch>> {
    let batch = inspect::batch(&mut *app.db.pool().acquire().await?, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(Json(batch.into()))
}
