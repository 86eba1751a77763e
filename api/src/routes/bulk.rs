//! Bulk operations: one decision for all jobs that match a filter.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::kernel::{Cursor, FieldError, PageLimit, PageRequest};
use shared::queue::Priority;
use shared::queue::bulk::{self, Action, BulkId, BulkOperation, NewBulk};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::jobs::{FilterBody, JobView};
use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Allowed, Json, MaybeJson, PathId, Query, ReadJobs, WriteJobs};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, start))
        .routes(routes!(preview))
        .routes(routes!(show))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(cancel))
        .routes(routes!(undo))
}

/// What is done to each job.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = BulkAction)]
enum ActionBody {
    /// Dead jobs wait again with all their attempts.
    Replay,
    /// Dead jobs are left for good.
    Discard,
    /// Jobs that wait are over; those that run, if `state` names them, are asked to stop.
    Cancel,
    /// Jobs that wait get `priority`.
    Prioritise,
    /// Jobs that wait go to `queue`.
    Move,
}

/// An operation to begin, or to look at before.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewBulkOperation)]
struct StartBody {
    action: ActionBody,
    /// For `prioritise`: `critical`, `high`, `normal` or `low`.
    #[schema(value_type = Option<String>, example = "high")]
    priority: Option<Priority>,
    /// For `move`: the queue to wait in from now on.
    queue: Option<String>,
    /// Which jobs; for `cancel`, `prioritise` and `move` it must name something.
    #[serde(default)]
    filter: FilterBody,
    /// Why; kept with jobs that are cancelled.
    #[serde(default)]
    reason: String,
    /// Jobs a second at the most; as fast as it goes in small steps if left out.
    rate_per_second: Option<u32>,
}

impl StartBody {
    /// The action with what it needs, and nothing that belongs to another.
    fn action(&self) -> std::result::Result<Action, FieldError> {
        let extra = |field: &'static str| {
            let message = "belongs to another action; leave it out";
            FieldError::new(field, message)
        };
        match (self.action, self.priority, &self.queue) {
            (ActionBody::Replay, None, None) => Ok(Action::Replay),
            (ActionBody::Discard, None, None) => Ok(Action::Discard),
            (ActionBody::Cancel, None, None) => Ok(Action::Cancel),
            (ActionBody::Prioritise, Some(priority), None) => Ok(Action::Prioritise(priority)),
            (ActionBody::Move, None, Some(queue)) => Ok(Action::Move(queue.clone())),
            (ActionBody::Prioritise, None, _) => Err(FieldError::new(
                "/priority",
                "say which: critical, high, normal or low",
            )),
            (ActionBody::Move, _, None) => Err(FieldError::new("/queue", "say which")),
            (ActionBody::Replay | ActionBody::Discard | ActionBody::Cancel, Some(_), _)
            | (ActionBody::Move, Some(_), Some(_)) => Err(extra("/priority")),
            (_, _, Some(_)) => Err(extra("/queue")),
        }
    }

    fn checked(self, app: &App) -> Result<NewBulk> {
        Ok(NewBulk {
            action: self
                .action()
                .map_err(|field| Problem::invalid(vec![field]))?,
            filter: self.filter.checked(&app.catalog, "/filter")?,
            reason: self.reason,
            rate_per_second: self.rate_per_second,
        })
    }
}

/// What an operation would do now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct BulkPreview {
    /// Jobs that match.
    matched: i64,
    /// Whether there may be more: counting ends at 100,000.
    matched_at_least: bool,
    /// The newest of them.
    sample: Vec<JobView>,
}

/// Show what an operation would do, without doing it
#[utoipa::path(post, path = "/api/bulk-operations/preview", operation_id = "previewBulkOperation", tag = "dead letters", security(("bearer" = ["jobs:write"])),
    request_body = StartBody, responses((status = 200, body = BulkPreview)))]
async fn preview(
    caller: Allowed<WriteJobs>,
    State(app): State<App>,
    Json(body): Json<StartBody>,
) -> Result<Json<BulkPreview>> {
    let seen = bulk::preview(&app.db, &caller.ctx, &body.checked(&app)?).await?;
    Ok(Json(BulkPreview {
        matched: seen.matched,
        matched_at_least: seen.at_least,
        sample: seen.sample.into_iter().map(JobView::from).collect(),
    }))
}

/// An operation and how far it is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BulkOperation)]
struct BulkView {
    #[schema(value_type = String)]
    id: BulkId,
    /// `replay`, `discard`, `cancel`, `prioritise`, `move` or `undo`.
    action: &'static str,
    /// The priority that jobs get, the queue they go to, or the operation that is taken back; null for other actions.
    to: Option<String>,
    /// The jobs it is for.
    filter: FilterBody,
    reason: String,
    /// `running`, `paused`, `completed`, `cancelled` or `failed`.
    state: &'static str,
    /// Jobs that matched when it was asked for.
    matched: i64,
    /// Whether there were more.
    matched_at_least: bool,
    /// Jobs that were changed, or asked to stop.
    done: i64,
    /// Jobs that, when their turn came, no longer could be changed.
    skipped: i64,
    /// 0 to 1; null if it is not known how many there are.
    progress: Option<f64>,
    rate_per_second: Option<u32>,
    /// Why it could not go on.
    error: Option<String>,
    /// Whether `POST /api/bulk-operations/{id}/undo` would take it back now.
    undoable: bool,
    /// The operation that takes it back.
    #[schema(value_type = Option<String>)]
    undone_by: Option<BulkId>,
    created_by: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
}

impl From<BulkOperation> for BulkView {
    fn from(operation: BulkOperation) -> Self {
        let visited = operation.done + operation.skipped;
        let known = operation.matched > 0 && !operation.at_least;
        Self {
            id: operation.id,
            action: operation.action.as_str(),
            to: operation.action.target(),
            undoable: operation.can_be_undone(),
            undone_by: operation.undone_by,
            filter: operation.filter.into(),
            reason: operation.reason,
            state: operation.state.as_str(),
            matched: operation.matched,
            matched_at_least: operation.at_least,
            done: operation.done,
            skipped: operation.skipped,
            progress: known.then(|| (visited as f64 / operation.matched as f64).min(1.0)),
            rate_per_second: operation.rate_per_second,
            error: operation.error,
            created_by: operation.created_by,
            created_at: operation.created_at,
            updated_at: operation.updated_at,
            finished_at: operation.finished_at,
        }
    }
}

/// Replay, discard, cancel, reorder or move all jobs that match
///
/// It is carried on by a job in small steps; jobs that are enqueued later are left alone.
#[utoipa::path(post, path = "/api/bulk-operations", operation_id = "startBulkOperation", tag = "dead letters", security(("bearer" = ["jobs:write"])),
    request_body = StartBody,
    responses((status = 202, body = BulkView, headers(("Location" = String, description = "Where its progress is shown")))))]
async fn start(
    caller: Allowed<WriteJobs>,
    State(app): State<App>,
    Json(body): Json<StartBody>,
) -> Result<Response> {
    let new = body.checked(&app)?;
    let mut tx = app.db.begin().await?;
    let operation = bulk::start(&mut tx, &caller.ctx, new).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(accepted(operation))
}

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListParams {
    cursor: Option<String>,
    /// 1 to 200, else 50.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<PageLimit>,
}

/// A page of operations.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct BulkOperations {
    /// Newest first.
    items: Vec<BulkView>,
    next_cursor: Option<String>,
}

/// List bulk operations
#[utoipa::path(get, path = "/api/bulk-operations", operation_id = "listBulkOperations", tag = "dead letters", security(("bearer" = ["jobs:read"])),
    params(ListParams), responses((status = 200, body = BulkOperations)))]
async fn list(
    _: Allowed<ReadJobs>,
    State(app): State<App>,
    Query(params): Query<ListParams>,
) -> Result<Json<BulkOperations>> {
    let page = PageRequest {
        cursor: params.cursor.map(Cursor::from),
        limit: params.limit,
    };
    let found = bulk::list(&mut *app.db.pool().acquire().await?, &page).await?;
    Ok(Json(BulkOperations {
        items: found.items.into_iter().map(BulkView::from).collect(),
        next_cursor: found.next.map(|cursor| cursor.as_str().to_owned()),
    }))
}

/// Show a bulk operation and how far it is
#[utoipa::path(get, path = "/api/bulk-operations/{id}", operation_id = "showBulkOperation", tag = "dead letters", security(("bearer" = ["jobs:read"])),
    params(("id" = String, Path, description = "`bulk_…`")), responses((status = 200, body = BulkView)))]
async fn show(
    _: Allowed<ReadJobs>,
    State(app): State<App>,
    PathId(id): PathId<BulkId>,
) -> Result<Json<BulkView>> {
    Ok(Json(
        bulk::find(&mut *app.db.pool().acquire().await?, id)
            .await?
            .into(),
    ))
}

/// Pause a bulk operation after its present step
#[utoipa::path(post, path = "/api/bulk-operations/{id}/pause", operation_id = "pauseBulkOperation", tag = "dead letters", security(("bearer" = ["jobs:write"])),
    params(("id" = String, Path, description = "`bulk_…`")),
    responses((status = 200, body = BulkView), (status = 409, description = "It is over")))]
async fn pause(
    caller: Allowed<WriteJobs>,
    State(app): State<App>,
    PathId(id): PathId<BulkId>,
) -> Result<Json<BulkView>> {
    let mut tx = app.db.begin().await?;
    let operation = bulk::pause(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(Json(operation.into()))
}

/// Let a bulk operation go on
#[utoipa::path(post, path = "/api/bulk-operations/{id}/resume", operation_id = "resumeBulkOperation", tag = "dead letters", security(("bearer" = ["jobs:write"])),
    params(("id" = String, Path, description = "`bulk_…`")),
    responses((status = 200, body = BulkView), (status = 409, description = "It is over")))]
async fn resume(
    caller: Allowed<WriteJobs>,
    State(app): State<App>,
    PathId(id): PathId<BulkId>,
) -> Result<Json<BulkView>> {
    let mut tx = app.db.begin().await?;
    let operation = bulk::resume(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(Json(operation.into()))
}

/// End a bulk operation after its present step; what it did stays done
#[utoipa::path(post, path = "/api/bulk-operations/{id}/cancel", operation_id = "cancelBulkOperation", tag = "dead letters", security(("bearer" = ["jobs:write"])),
    params(("id" = String, Path, description = "`bulk_…`")),
    responses((status = 200, body = BulkView), (status = 409, description = "It is over")))]
async fn cancel(
    caller: Allowed<WriteJobs>,
    State(app): State<App>,
    PathId(id): PathId<BulkId>,
) -> Result<Json<BulkView>> {
    let mut tx = app.db.begin().await?;
    let operation = bulk::cancel(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(Json(operation.into()))
}

/// Why an operation is taken back.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = UndoRequest)]
struct UndoBody {
    reason: String,
}

/// Take a bulk operation back, as far as its jobs have not gone on since
///
/// Jobs that still wait get back the priority or queue they had; for each job that was cancelled or discarded a new one
/// like it waits, whose parent it is. Possible once, for seven days after the end; a replay cannot be taken back. It is an
/// operation itself, carried on in the same small steps.
#[utoipa::path(post, path = "/api/bulk-operations/{id}/undo", operation_id = "undoBulkOperation", tag = "dead letters", security(("bearer" = ["jobs:write"])),
    params(("id" = String, Path, description = "`bulk_…`")), request_body = Option<UndoBody>,
    responses((status = 202, body = BulkView, headers(("Location" = String, description = "Where its progress is shown"))),
              (status = 409, description = "It goes on, or nothing of it can be taken back")))]
async fn undo(
    caller: Allowed<WriteJobs>,
    State(app): State<App>,
    PathId(id): PathId<BulkId>,
    MaybeJson(body): MaybeJson<UndoBody>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let operation = bulk::undo(&mut tx, &caller.ctx, id, body.reason).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(accepted(operation))
}

/// 202 with the operation's place.
fn accepted(operation: BulkOperation) -> Response {
    let location = format!("/api/bulk-operations/{}", operation.id);
    let headers = [(header::LOCATION, location)];
    (
        StatusCode::ACCEPTED,
        headers,
        Json(BulkView::from(operation)),
    )
        .into_response()
}
