//! Schedules: recurring jobs.

mod body;
mod view;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::kernel::{Cursor, PageLimit, PageRequest};
use shared::queue::JobId;
use shared::queue::schedule::{self, PREVIEW_TICKS, Schedule, ScheduleError, ScheduleId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Allowed, IfMatch, Json, PathId, Query, ReadSchedules, WriteSchedules, etag};
use body::{ChangeBody, CreateBody, utc};
use view::{RunView, ScheduleDetail, ScheduleView};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(preview))
        .routes(routes!(show, change, remove))
        .routes(routes!(run_now))
}

fn shown(status: StatusCode, schedule: Schedule, now: DateTime<Utc>) -> Response {
    let tag = etag(schedule.version);
    (
        status,
        [(header::ETAG, tag)],
        Json(ScheduleView::new(schedule, now)),
    )
        .into_response()
}

/// A page of schedules.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Schedules {
    /// By name.
    items: Vec<ScheduleView>,
    next_cursor: Option<String>,
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

/// List schedules
#[utoipa::path(get, path = "/api/schedules", operation_id = "listSchedules", tag = "schedules", security(("bearer" = ["schedules:read"])),
    params(ListParams), responses((status = 200, body = Schedules)))]
async fn list(
    caller: Allowed<ReadSchedules>,
    State(app): State<App>,
    Query(params): Query<ListParams>,
) -> Result<Json<Schedules>> {
    let page = PageRequest {
        cursor: params.cursor.map(Cursor::from),
        limit: params.limit,
    };
    let found = schedule::list(&mut *app.db.pool().acquire().await?, &page).await?;
    let now = caller.ctx.now();
    Ok(Json(Schedules {
        items: found
            .items
            .into_iter()
            .map(|schedule| ScheduleView::new(schedule, now))
            .collect(),
        next_cursor: found.next.map(|cursor| cursor.as_str().to_owned()),
    }))
}

/// Make a schedule
#[utoipa::path(post, path = "/api/schedules", operation_id = "createSchedule", tag = "schedules", security(("bearer" = ["schedules:write"])),
    request_body = CreateBody,
    responses((status = 201, body = ScheduleView, headers(("Location" = String), ("ETag" = String))),
              (status = 409, description = "The name is taken")))]
async fn create(
    caller: Allowed<WriteSchedules>,
    State(app): State<App>,
    Json(body): Json<CreateBody>,
) -> Result<Response> {
    let paused = body.paused;
    let mut tx = app.db.begin().await?;
    let made = schedule::create(&mut tx, &caller.ctx, &app.catalog, body.into(), paused).await?;
    app.db.commit(tx, &caller.ctx).await?;
    let location = format!("/api/schedules/{}", made.id);
    Ok((
        [(header::LOCATION, location)],
        shown(StatusCode::CREATED, made, caller.ctx.now()),
    )
        .into_response())
}

/// A pattern to look at.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct PreviewParams {
    cron: String,
    /// UTC if left out.
    #[serde(default = "utc")]
    timezone: String,
}

/// When a pattern would run.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Preview {
    /// The pattern in English.
    description: String,
    next_ticks: Vec<DateTime<Utc>>,
}

/// Show when a pattern would run
#[utoipa::path(get, path = "/api/schedules/preview", operation_id = "previewSchedule", tag = "schedules", security(("bearer" = ["schedules:read"])),
    params(PreviewParams), responses((status = 200, body = Preview)))]
async fn preview(
    caller: Allowed<ReadSchedules>,
    Query(params): Query<PreviewParams>,
) -> Result<Json<Preview>> {
    let now = caller.ctx.now();
    let recurrence =
        schedule::recurrence(&params.cron, &params.timezone, now).map_err(|mut error| {
            error.field = error.field.trim_start_matches('/').to_owned().into();
            Problem::invalid(vec![error])
        })?;
    Ok(Json(Preview {
        description: recurrence.describe(),
        next_ticks: recurrence.after(now).take(PREVIEW_TICKS).collect(),
    }))
}

/// Show a schedule
#[utoipa::path(get, path = "/api/schedules/{id}", operation_id = "showSchedule", tag = "schedules", security(("bearer" = ["schedules:read"])),
    params(("id" = String, Path, description = "`schedule_…`")),
    responses((status = 200, body = ScheduleDetail, headers(("ETag" = String)))))]
async fn show(
    caller: Allowed<ReadSchedules>,
    State(app): State<App>,
    PathId(id): PathId<ScheduleId>,
) -> Result<Response> {
    let found = schedule::find(&mut *app.db.pool().acquire().await?, id).await?;
    let (schedule, runs) = found.ok_or(ScheduleError::NotFound(id))?;
    let tag = etag(schedule.version);
    let detail = ScheduleDetail {
        schedule: ScheduleView::new(schedule, caller.ctx.now()),
        runs: runs.into_iter().map(RunView::from).collect(),
    };
    Ok(([(header::ETAG, tag)], Json(detail)).into_response())
}

/// Change, pause or resume a schedule
#[utoipa::path(patch, path = "/api/schedules/{id}", operation_id = "changeSchedule", tag = "schedules", security(("bearer" = ["schedules:write"])),
    params(("id" = String, Path, description = "`schedule_…`"),
           ("If-Match" = Option<String>, Header, description = "Change only this version")),
    request_body = ChangeBody,
    responses((status = 200, body = ScheduleView, headers(("ETag" = String))),
              (status = 412, description = "It was changed meanwhile")))]
async fn change(
    caller: Allowed<WriteSchedules>,
    State(app): State<App>,
    PathId(id): PathId<ScheduleId>,
    IfMatch(expected): IfMatch,
    Json(body): Json<ChangeBody>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let changed = schedule::change(
        &mut tx,
        &caller.ctx,
        &app.catalog,
        id,
        body.into(),
        expected,
    )
    .await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(shown(StatusCode::OK, changed, caller.ctx.now()))
}

/// Remove a schedule; jobs that it enqueued stay
#[utoipa::path(delete, path = "/api/schedules/{id}", operation_id = "removeSchedule", tag = "schedules", security(("bearer" = ["schedules:write"])),
    params(("id" = String, Path, description = "`schedule_…`"),
           ("If-Match" = Option<String>, Header, description = "Remove only this version")),
    responses((status = 204, description = "It is gone"), (status = 412, description = "It was changed meanwhile")))]
async fn remove(
    caller: Allowed<WriteSchedules>,
    State(app): State<App>,
    PathId(id): PathId<ScheduleId>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode> {
    let mut tx = app.db.begin().await?;
    schedule::remove(&mut tx, &caller.ctx, id, expected).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The job of a run by hand.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Started {
    #[schema(value_type = String)]
    job_id: JobId,
}

/// Run a schedule's job now, beside its ticks
#[utoipa::path(post, path = "/api/schedules/{id}/run-now", operation_id = "runScheduleNow", tag = "schedules", security(("bearer" = ["schedules:write"])),
    params(("id" = String, Path, description = "`schedule_…`")),
    responses((status = 202, body = Started, headers(("Location" = String, description = "Where the job is shown")))))]
async fn run_now(
    caller: Allowed<WriteSchedules>,
    State(app): State<App>,
    PathId(id): PathId<ScheduleId>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let job_id = schedule::run_now(&mut tx, &caller.ctx, &app.catalog, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok((
        StatusCode::ACCEPTED,
        [(header::LOCATION, format!("/api/jobs/{job_id}"))],
        Json(Started { job_id }),
    )
        .into_response())
}
