//! Tasks.

mod body;
mod view;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use shared::creators::CreatorId;
use shared::idempotency::{self, Answer};
use shared::kernel::{Cursor, PageLimit, PageRequest};
use shared::tasks::{self, Task, TaskFilter, TaskId};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::Result;
use crate::extract::{
    Allowed, IdempotencyKey, IfMatch, Json, JsonBytes, PathId, Query, ReadTasks, WriteTasks,
    answered, etag, parse_json,
};
use crate::fields::Fields;
use body::{ChangesBody, TaskBody};
use view::{TaskPage, TaskView};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(show, change))
        .routes(routes!(done))
        .routes(routes!(reopen))
}

fn tagged(task: Task) -> Response {
    (
        [(header::ETAG, etag(task.version))],
        Json(TaskView::from(task)),
    )
        .into_response()
}

/// Which tasks are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TaskParams {
    /// About this creator.
    #[param(example = "creator_0192f0c1a2b37c4d8e5f60718293a4b5")]
    creator_id: Option<String>,
    /// Of this user, by their subject.
    assignee: Option<String>,
    /// `open` or `done`.
    state: Option<String>,
    /// Due before this.
    due_before: Option<DateTime<Utc>>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// Rows wanted, 50 unless given, 200 at the most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<PageLimit>,
}

/// List tasks, those due first before the others
#[utoipa::path(get, path = "/api/tasks", operation_id = "listTasks", tag = "tasks", security(("bearer" = ["tasks:read"])),
    params(TaskParams),
    responses((status = 200, body = TaskPage), (status = 404, description = "No such creator"),
              (status = 422, description = "A parameter is wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
async fn list(
    caller: Allowed<ReadTasks>,
    State(app): State<App>,
    Query(params): Query<TaskParams>,
) -> Result<Json<TaskPage>> {
    let mut fields = Fields::default();
    let creator: Option<CreatorId> = fields.parsed_if("creatorId", params.creator_id.as_deref());
    let state = fields.parsed_if("state", params.state.as_deref());
    fields.finish()?;
    let filter = TaskFilter {
        creator,
        assignee: params.assignee,
        state,
        due_before: params.due_before,
    };
    let page = PageRequest {
        cursor: params.cursor.map(Cursor::from),
        limit: params.limit,
    };
    let mut tx = app.db.begin().await?;
    Ok(Json(TaskPage::of(
        tasks::list(&mut tx, &caller.ctx, &filter, &page).await?,
    )))
}

/// Add a task
#[utoipa::path(post, path = "/api/tasks", operation_id = "addTask", tag = "tasks", security(("bearer" = ["tasks:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key with the same body has its effect once")),
    request_body = TaskBody,
    responses(
        (status = 201, body = TaskView, headers(("Location" = String, description = "Where the task is shown"), ("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 404, description = "No such creator"),
        (status = 422, description = "Some fields are wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
async fn add(
    caller: Allowed<WriteTasks>,
    State(app): State<App>,
    key: IdempotencyKey,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response> {
    let (creator, new) = parse_json::<TaskBody>(&bytes, "")?.task()?;
    let request = key.request("POST /api/tasks", &bytes);
    let mut tx = app.db.begin().await?;
    if let Some(request) = &request
        && let Some(answer) = idempotency::seen(&mut tx, &caller.ctx, request).await?
    {
        return Ok(answered(answer));
    }
    let task = tasks::add(&mut tx, &caller.ctx, creator, new).await?;
    let answer = Answer {
        status: StatusCode::CREATED.as_u16(),
        location: Some(format!("/api/tasks/{}", task.id)),
        body: serde_json::json!(TaskView::from(task)).to_string(),
    };
    if let Some(request) = &request {
        idempotency::remember(&mut tx, &caller.ctx, request, &answer).await?;
    }
    app.db.commit(tx, &caller.ctx).await?;
    Ok(answered(answer))
}

/// Show a task
#[utoipa::path(get, path = "/api/tasks/{id}", operation_id = "showTask", tag = "tasks", security(("bearer" = ["tasks:read"])),
    params(("id" = String, Path, description = "`task_…`")),
    responses((status = 200, body = TaskView, headers(("ETag" = String, description = "The version, for `If-Match`"))),
              (status = 404, description = "No such task")))]
async fn show(
    caller: Allowed<ReadTasks>,
    State(app): State<App>,
    PathId(id): PathId<TaskId>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    Ok(tagged(tasks::get(&mut tx, &caller.ctx, id).await?))
}

/// Change a task
///
/// A reminder that is moved comes anew, at its new time.
#[utoipa::path(patch, path = "/api/tasks/{id}", operation_id = "changeTask", tag = "tasks", security(("bearer" = ["tasks:write"])),
    params(("id" = String, Path, description = "`task_…`"), ("If-Match" = Option<String>, Header, description = "Only this version is changed")),
    request_body = ChangesBody,
    responses((status = 200, body = TaskView), (status = 404, description = "No such task"), (status = 412, description = "It was changed meanwhile"),
              (status = 422, description = "Some fields are wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
async fn change(
    caller: Allowed<WriteTasks>,
    State(app): State<App>,
    PathId(id): PathId<TaskId>,
    IfMatch(version): IfMatch,
    Json(body): Json<ChangesBody>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let task = tasks::change(&mut tx, &caller.ctx, id, body.changes(), version).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(tagged(task))
}

/// Note that a task is done
///
/// One that recurs comes back with its next date. Doing it twice is doing it once.
#[utoipa::path(post, path = "/api/tasks/{id}/done", operation_id = "finishTask", tag = "tasks", security(("bearer" = ["tasks:write"])),
    params(("id" = String, Path, description = "`task_…`")),
    responses((status = 200, body = TaskView), (status = 404, description = "No such task")))]
async fn done(
    caller: Allowed<WriteTasks>,
    State(app): State<App>,
    PathId(id): PathId<TaskId>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let task = tasks::done(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(tagged(task))
}

/// Take a task up again that was done
#[utoipa::path(post, path = "/api/tasks/{id}/reopen", operation_id = "reopenTask", tag = "tasks", security(("bearer" = ["tasks:write"])),
    params(("id" = String, Path, description = "`task_…`")),
    responses((status = 200, body = TaskView), (status = 404, description = "No such task")))]
async fn reopen(
    caller: Allowed<WriteTasks>,
    State(app): State<App>,
    PathId(id): PathId<TaskId>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let task = tasks::reopen(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(tagged(task))
}
