//! Worker processes.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::queue::WorkerId;
use shared::queue::control;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::Result;
use crate::extract::{Allowed, Json, PathId, ReadWorkers, WriteWorkers};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(drain))
}

/// Worker processes.
#[derive(Debug, Serialize, ToSchema)]
struct Workers {
    /// The live ones, then those that ended last.
    items: Vec<WorkerView>,
}

/// One start of a worker process.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Worker)]
struct WorkerView {
    #[schema(value_type = String)]
    id: WorkerId,
    host: String,
    pid: u32,
    version: String,
    /// Slots by queue.
    #[schema(value_type = std::collections::BTreeMap<String, u32>)]
    queues: serde_json::Value,
    kinds: Vec<String>,
    /// `running`, `draining`, `stopped` or `lost`.
    state: String,
    drain_requested_at: Option<DateTime<Utc>>,
    /// Jobs it holds.
    running: u64,
    started_at: DateTime<Utc>,
    /// When its heart was last heard.
    seen_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

impl From<control::WorkerView> for WorkerView {
    fn from(worker: control::WorkerView) -> Self {
        Self {
            id: worker.id,
            host: worker.host,
            pid: worker.pid,
            version: worker.version,
            queues: worker.queues,
            kinds: worker.kinds,
            state: worker.state,
            drain_requested_at: worker.drain_requested_at,
            running: worker.running,
            started_at: worker.started_at,
            seen_at: worker.seen_at,
            ended_at: worker.ended_at,
        }
    }
}

/// List worker processes
#[utoipa::path(get, path = "/api/workers", operation_id = "listWorkers", tag = "workers", security(("bearer" = ["workers:read"])),
    responses((status = 200, body = Workers)))]
async fn list(_: Allowed<ReadWorkers>, State(app): State<App>) -> Result<Json<Workers>> {
    let workers = control::workers(&mut *app.db.pool().acquire().await?).await?;
    Ok(Json(Workers {
        items: workers.into_iter().map(WorkerView::from).collect(),
    }))
}

/// Ask a worker to finish what it runs and stop
///
/// It obeys at its next heartbeat. Saying it twice is allowed.
#[utoipa::path(post, path = "/api/workers/{id}/drain", operation_id = "drainWorker", tag = "workers", security(("bearer" = ["workers:write"])),
    params(("id" = String, Path, description = "`worker_…`")),
    responses((status = 202, description = "It was asked"), (status = 404, description = "No such live worker")))]
async fn drain(
    caller: Allowed<WriteWorkers>,
    State(app): State<App>,
    PathId(id): PathId<WorkerId>,
) -> Result<StatusCode> {
    let mut tx = app.db.begin().await?;
    control::drain(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(StatusCode::ACCEPTED)
}
