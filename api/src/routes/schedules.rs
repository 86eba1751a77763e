//! Schedules: recurring jobs.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::kernel::{Cursor, PageRequest};
use shared::queue::schedule::{
    self, Misfire, PREVIEW_TICKS, Recurrence, Schedule, ScheduleChanges, ScheduleError, ScheduleId,
    ScheduleRun, ScheduleSpec,
};
use shared::queue::{JobId, Priority};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{
    Allowed, IfMatch, Json, PathId, Query, ReadSchedules, WriteSchedules, etag, told,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(preview))
        .routes(routes!(show, change, remove))
        .routes(routes!(run_now))
}

/// A recurring job.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Schedule)]
struct ScheduleView {
    #[schema(value_type = String)]
    id: ScheduleId,
    name: String,
    kind: String,
    #[schema(value_type = Object)]
    args: serde_json::Value,
    /// Null for that of the kind.
    queue: Option<String>,
    /// Null for that of the kind.
    priority: Option<&'static str>,
    cron: String,
    timezone: String,
    /// The pattern in English.
    description: String,
    misfire: &'static str,
    paused: bool,
    paused_at: Option<DateTime<Utc>>,
    /// Occurrences up to this moment are settled.
    last_tick: DateTime<Utc>,
    /// When it runs next; empty while it is paused.
    next_ticks: Vec<DateTime<Utc>>,
    version: i64,
    created_by: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl ScheduleView {
    fn new(schedule: Schedule, now: DateTime<Utc>) -> Self {
        let spec = schedule.spec;
        // a stored pattern was checked; should it no longer be readable, it has no next ticks
        let recurrence = Recurrence::parse(&spec.cron, &spec.timezone, now).ok();
        let paused = schedule.paused_at.is_some();
        let from = schedule.last_tick.max(now);
        let next = recurrence
            .as_ref()
            .filter(|_| !paused)
            .map(|r| r.after(from).take(PREVIEW_TICKS).collect());
        Self {
            id: schedule.id,
            name: spec.name,
            kind: spec.kind,
            args: spec.args,
            queue: spec.queue,
            priority: spec.priority.map(Priority::as_str),
            cron: spec.cron,
            timezone: spec.timezone,
            description: recurrence.map(|r| r.describe()).unwrap_or_default(),
            misfire: spec.misfire.as_str(),
            paused,
            paused_at: schedule.paused_at,
            last_tick: schedule.last_tick,
            next_ticks: next.unwrap_or_default(),
            version: schedule.version,
            created_by: schedule.created_by,
            created_at: schedule.created_at,
            updated_at: schedule.updated_at,
        }
    }
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
    limit: Option<u32>,
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

/// What to do with ticks that were missed.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Misfire)]
enum MisfireBody {
    /// Nothing: wait for the next one.
    Skip,
    /// Run once for all of them.
    Once,
    /// Run each.
    All,
}

impl From<MisfireBody> for Misfire {
    fn from(body: MisfireBody) -> Self {
        match body {
            MisfireBody::Skip => Self::Skip,
            MisfireBody::Once => Self::Once,
            MisfireBody::All => Self::All,
        }
    }
}

/// A schedule to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewSchedule)]
struct CreateBody {
    /// No two have the same.
    name: String,
    kind: String,
    #[serde(default = "no_args")]
    #[schema(value_type = Object)]
    args: serde_json::Value,
    queue: Option<String>,
    #[schema(value_type = Option<String>)]
    priority: Option<Priority>,
    /// Five fields (minute, hour, day, month, weekday), or six with seconds first.
    #[schema(example = "30 9 * * 1-5")]
    cron: String,
    /// An IANA name; UTC if left out.
    #[serde(default = "utc")]
    #[schema(example = "Europe/Berlin")]
    timezone: String,
    /// `once` if left out.
    #[serde(default = "once")]
    misfire: MisfireBody,
    #[serde(default)]
    paused: bool,
}

fn no_args() -> serde_json::Value {
    serde_json::json!({})
}

fn utc() -> String {
    "UTC".to_owned()
}

const fn once() -> MisfireBody {
    MisfireBody::Once
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
    let spec = ScheduleSpec {
        name: body.name,
        kind: body.kind,
        args: body.args,
        queue: body.queue,
        priority: body.priority,
        cron: body.cron,
        timezone: body.timezone,
        misfire: body.misfire.into(),
    };
    let mut tx = app.db.begin().await?;
    let made = schedule::create(&mut tx, &caller.ctx, &app.catalog, spec, body.paused).await?;
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

/// A schedule with its last runs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ScheduleDetail {
    #[serde(flatten)]
    schedule: ScheduleView,
    /// The last ones, newest first.
    runs: Vec<RunView>,
}

/// One run of a schedule.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ScheduleRun)]
struct RunView {
    /// The occurrence it stands for; of a run by hand, when that was asked for.
    tick: DateTime<Utc>,
    #[schema(value_type = String)]
    job_id: JobId,
    /// Whether somebody asked for it.
    manual: bool,
    created_at: DateTime<Utc>,
}

impl From<ScheduleRun> for RunView {
    fn from(run: ScheduleRun) -> Self {
        Self {
            tick: run.tick,
            job_id: run.job,
            manual: run.manual,
            created_at: run.created_at,
        }
    }
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

/// What is to be different; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = ScheduleChanges)]
struct ChangeBody {
    name: Option<String>,
    #[schema(value_type = Option<Object>)]
    args: Option<serde_json::Value>,
    /// Null for that of the kind.
    #[serde(deserialize_with = "told")]
    #[schema(value_type = Option<String>)]
    queue: Option<Option<String>>,
    /// Null for that of the kind.
    #[serde(deserialize_with = "told")]
    #[schema(value_type = Option<String>)]
    priority: Option<Option<Priority>>,
    cron: Option<String>,
    timezone: Option<String>,
    misfire: Option<MisfireBody>,
    /// What would have run while it was paused is not made up for.
    paused: Option<bool>,
}

impl From<ChangeBody> for ScheduleChanges {
    fn from(body: ChangeBody) -> Self {
        Self {
            name: body.name,
            args: body.args,
            queue: body.queue,
            priority: body.priority,
            cron: body.cron,
            timezone: body.timezone,
            misfire: body.misfire.map(Misfire::from),
            paused: body.paused,
        }
    }
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
    schedule::remove(&mut tx, id, expected).await?;
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
