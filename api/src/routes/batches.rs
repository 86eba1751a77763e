//! Batches of jobs.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::kernel::{Cursor, PageLimit, PageRequest};
use shared::queue::inspect::{self, BatchView};
use shared::queue::{BatchId, JobId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Allowed, Json, PathId, Query, ReadJobs};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
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
        let (state, pending) = (batch.state().as_str(), batch.pending());
        Self {
            id: batch.id,
            description: batch.description,
            state,
            total: batch.total,
            succeeded: batch.succeeded,
            dead: batch.dead,
            cancelled: batch.cancelled,
            pending,
            sealed_at: batch.sealed_at,
            finished_at: batch.finished_at,
            callback_job_id: batch.callback,
            created_by: batch.created_by,
            created_at: batch.created_at,
        }
    }
}

/// Which batches are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListParams {
    /// Only those whose last job has not ended.
    #[serde(default)]
    unfinished: bool,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// 1 to 200, else 50.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<PageLimit>,
}

/// A page of batches.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct BatchPage {
    /// Newest first.
    items: Vec<Batch>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

/// List batches
#[utoipa::path(get, path = "/api/batches", operation_id = "listBatches", tag = "jobs", security(("bearer" = ["jobs:read"])),
    params(ListParams), responses((status = 200, body = BatchPage)))]
async fn list(
    _: Allowed<ReadJobs>,
    State(app): State<App>,
    Query(params): Query<ListParams>,
) -> Result<Json<BatchPage>> {
    let page = PageRequest {
        cursor: params.cursor.map(Cursor::from),
        limit: params.limit,
    };
    let mut conn = app.db.pool().acquire().await?;
    let found = inspect::list_batches(&mut conn, params.unfinished, &page).await?;
    Ok(Json(BatchPage {
        items: found.items.into_iter().map(Batch::from).collect(),
        next_cursor: found.next.map(|cursor| cursor.as_str().to_owned()),
    }))
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
