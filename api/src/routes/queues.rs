//! Queues: what stands in them, and what operators set.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::queue::control::{self, QueueChanges, QueueControl};
use shared::queue::depth::Depth;
use shared::queue::settings::Rate;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Allowed, IfMatch, Json, ReadQueues, WriteQueues, etag, told};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show, change))
}

/// All queues.
#[derive(Debug, Serialize, ToSchema)]
struct Queues {
    /// By name.
    items: Vec<QueueView>,
}

/// A queue: its settings, and what stands in it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Queue)]
struct QueueView {
    name: String,
    paused: bool,
    paused_at: Option<DateTime<Utc>>,
    /// Jobs the fleet runs at once; null for no limit.
    concurrency_limit: Option<u32>,
    rate_limit: Option<RateLimit>,
    /// Grows with each change; send it as `If-Match: "N"` to change only this version.
    version: i64,
    updated_at: Option<DateTime<Utc>>,
    depth: DepthView,
}

/// Jobs that may start within a period.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RateLimit {
    /// Jobs that start in one period.
    limit: u32,
    /// The period, in milliseconds; a second if left out.
    #[serde(default = "a_second")]
    period_ms: u32,
}

const fn a_second() -> u32 {
    1000
}

/// What stands in a queue.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Depth)]
struct DepthView {
    /// Jobs that wait: due, scheduled or for their next attempt.
    waiting: u64,
    /// Whether `waiting` is an estimate, because there are too many to count.
    waiting_is_estimate: bool,
    /// Null when there are too many to count.
    due: Option<u64>,
    /// Null when there are too many to count.
    scheduled: Option<u64>,
    /// Null when there are too many to count.
    retryable: Option<u64>,
    running: u64,
    dead: u64,
    /// Whether `dead` is an estimate, because there are too many to count.
    dead_is_estimate: bool,
    /// How long the oldest due job has been due, in seconds; null if none is.
    oldest_age_seconds: Option<f64>,
    /// Waiting jobs of a kind that no live worker of this queue knows.
    stranded: u64,
    /// Slots of the live workers.
    slots: u64,
    /// Ids in the ready lists, all priorities together; null if Redis did not answer.
    listed: Option<usize>,
}

impl DepthView {
    fn new(depth: &Depth, listed: Option<usize>, now: DateTime<Utc>) -> Self {
        Self {
            waiting: depth.waiting,
            waiting_is_estimate: depth.estimated,
            due: depth.due,
            scheduled: depth.scheduled,
            retryable: depth.retryable,
            running: depth.running,
            dead: depth.dead,
            dead_is_estimate: depth.dead_estimated,
            oldest_age_seconds: depth
                .oldest_due
                .map(|at| (now - at).as_seconds_f64().max(0.0)),
            stranded: depth.stranded,
            slots: depth.slots,
            listed,
        }
    }
}

impl QueueView {
    fn new(control: QueueControl, depth: DepthView) -> Self {
        Self {
            name: control.name,
            paused: control.paused_at.is_some(),
            paused_at: control.paused_at,
            concurrency_limit: control.concurrency_limit,
            rate_limit: control.rate.map(|rate| RateLimit {
                limit: rate.limit,
                period_ms: rate.period_ms,
            }),
            version: control.version,
            updated_at: control.updated_at,
            depth,
        }
    }
}

/// List the queues, with what stands in them
///
/// The figures are at most two seconds old.
#[utoipa::path(get, path = "/api/queues", operation_id = "listQueues", tag = "queues", security(("bearer" = ["queues:read"])),
    responses((status = 200, body = Queues)))]
async fn list(_: Allowed<ReadQueues>, State(app): State<App>) -> Result<Json<Queues>> {
    Ok(Json(Queues {
        items: all(&app).await?.into_values().collect(),
    }))
}

async fn all(app: &App) -> Result<BTreeMap<String, QueueView>> {
    let sample = app.sampler.sample().await?;
    let mut controls = control::queues(&mut *app.db.pool().acquire().await?).await?;
    let views = sample.queues.iter().map(|(name, depth)| {
        let listed = sample
            .listed
            .as_ref()
            .and_then(|listed| listed.get(name))
            .map(|lengths| lengths.iter().sum());
        let control = controls
            .remove(name)
            .unwrap_or_else(|| QueueControl::untouched(name.clone()));
        (
            name.clone(),
            QueueView::new(control, DepthView::new(depth, listed, sample.at)),
        )
    });
    Ok(views.collect())
}

/// Show a queue
#[utoipa::path(get, path = "/api/queues/{name}", operation_id = "showQueue", tag = "queues", security(("bearer" = ["queues:read"])),
    params(("name" = String, Path)),
    responses((status = 200, body = QueueView, headers(("ETag" = String, description = "Its version")))))]
async fn show(
    _: Allowed<ReadQueues>,
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<Response> {
    let view = all(&app)
        .await?
        .remove(&name)
        .ok_or_else(Problem::not_found)?;
    Ok(([(header::ETAG, etag(view.version))], Json(view)).into_response())
}

/// What is to be different; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = QueueChanges)]
struct ChangesBody {
    /// Nothing new starts while a queue is paused.
    paused: Option<bool>,
    /// Jobs the fleet runs at once; null for no limit.
    #[serde(deserialize_with = "told")]
    #[schema(value_type = Option<u32>)]
    concurrency_limit: Option<Option<u32>>,
    /// Jobs that may start within a period; null for no limit.
    #[serde(deserialize_with = "told")]
    #[schema(value_type = Option<RateLimit>)]
    rate_limit: Option<Option<RateLimit>>,
}

impl From<ChangesBody> for QueueChanges {
    fn from(body: ChangesBody) -> Self {
        let rate = |rate: RateLimit| Rate {
            limit: rate.limit,
            period_ms: rate.period_ms,
        };
        Self {
            paused: body.paused,
            concurrency_limit: body.concurrency_limit,
            rate: body.rate_limit.map(|limit| limit.map(rate)),
        }
    }
}

/// Pause, resume or limit a queue, for the whole fleet
///
/// Workers obey within about a second; jobs that run go on.
#[utoipa::path(patch, path = "/api/queues/{name}", operation_id = "changeQueue", tag = "queues", security(("bearer" = ["queues:write"])),
    params(("name" = String, Path), ("If-Match" = Option<String>, Header, description = "Change only this version")),
    request_body = ChangesBody,
    responses((status = 200, body = QueueSettings, headers(("ETag" = String, description = "Its version"))),
              (status = 412, description = "It was changed meanwhile")))]
async fn change(
    caller: Allowed<WriteQueues>,
    State(app): State<App>,
    Path(name): Path<String>,
    IfMatch(expected): IfMatch,
    Json(body): Json<ChangesBody>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let control = control::change_queue(
        &mut tx,
        &caller.ctx,
        &app.catalog,
        &name,
        body.into(),
        expected,
    )
    .await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok((
        [(header::ETAG, etag(control.version))],
        Json(QueueSettings::from(control)),
    )
        .into_response())
}

/// A queue's settings.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct QueueSettings {
    name: String,
    paused: bool,
    paused_at: Option<DateTime<Utc>>,
    concurrency_limit: Option<u32>,
    rate_limit: Option<RateLimit>,
    version: i64,
    updated_at: Option<DateTime<Utc>>,
}

impl From<QueueControl> for QueueSettings {
    fn from(control: QueueControl) -> Self {
        Self {
            name: control.name,
            paused: control.paused_at.is_some(),
            paused_at: control.paused_at,
            concurrency_limit: control.concurrency_limit,
            rate_limit: control.rate.map(|rate| RateLimit {
                limit: rate.limit,
                period_ms: rate.period_ms,
            }),
            version: control.version,
            updated_at: control.updated_at,
        }
    }
}
