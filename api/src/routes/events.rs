//! Events: what happens in the queue, as it happens (server-sent events).

use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::Stream;
use futures_util::stream::unfold;
use serde::Deserialize;
use serde_json::json;
use shared::queue::EventBatch;
use shared::queue::feed::{EventId, FeedItem, Watch};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Allowed, Needs, Query, ReadJobs};
use crate::middleware::authenticate;

/// At least this long between two events of a connection: at most 20 a second.
const EVENT_GAP: Duration = Duration::from_millis(50);
/// A sign of life when nothing happens.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A connection ends after this long; clients come back by themselves and go on where they were.
const WATCH_MAX: Duration = Duration::from_secs(900);
/// How long whoever watches is believed: the next event after that is for those who would still be let in.
const BELIEVED: TimeDelta = TimeDelta::seconds(5);

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(watch))
}

/// What is watched.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct WatchParams {
    /// Only this queue.
    queue: Option<String>,
    /// Only this kind.
    kind: Option<String>,
}

/// Watch what happens in the queue
///
/// An event `hello` comes first; then `changes`, at most 20 a second, each with some of the jobs that changed, counts of
/// all of them, and the queues and workers that changed; and `reset` when something was missed: look at the state itself
/// then. Whoever is no longer let in is not told any more: the stream ends. Send `Last-Event-ID` to go on behind an event that is at most five minutes old.
#[utoipa::path(get, path = "/api/events", operation_id = "watchEvents", tag = "jobs", security(("bearer" = ["jobs:read"])),
    params(WatchParams, ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event seen")),
    responses((status = 200, description = "A stream of events", content_type = "text/event-stream", body = String)))]
async fn watch(
    caller: Allowed<ReadJobs>,
    State(app): State<App>,
    headers: HeaderMap,
    Query(params): Query<WatchParams>,
) -> Result<Response> {
    let Ok(place) = app.watchers.clone().try_acquire_owned() else {
        return Err(
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too-many-watchers")
                .detail("Too many connections watch events."),
        );
    };
    // an id that is none of ours can only come from somewhere else: then everything was missed
    let seen = headers.get("last-event-id").map(|value| {
        value
            .to_str()
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(EventId::ZERO)
    });
    let watch = app.feed.watch(seen, caller.ctx.now()).await?;
    let watcher = Watcher {
        watch,
        params,
        believed_until: caller.ctx.now() + BELIEVED,
        headers,
        app: app.clone(),
        greeted: false,
        reset: false,
        next_at: Instant::now(),
        until: Instant::now() + WATCH_MAX,
        stop: app.stop.clone(),
        _place: place,
    };
    let events = Sse::new(events(watcher)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // proxies must pass events on as they come
    Ok((
        [("x-accel-buffering", "no"), ("cache-control", "no-store")],
        events,
    )
        .into_response())
}

struct Watcher {
    watch: Watch,
    params: WatchParams,
    app: App,
    /// What proved who watches.
    headers: HeaderMap,
    believed_until: DateTime<Utc>,
    greeted: bool,
    /// A reset that was met while changes were gathered.
    reset: bool,
    /// When the next event may be sent.
    next_at: Instant,
    until: Instant,
    stop: CancellationToken,
    _place: OwnedSemaphorePermit,
}

fn events(watcher: Watcher) -> impl Stream<Item = std::result::Result<Event, Infallible>> {
    unfold(watcher, async |mut watcher| {
        let stop = watcher.stop.clone();
        let until = watcher.until;
        tokio::select! {
            event = watcher.next() => event.map(|event| (Ok(event), watcher)),
            () = stop.cancelled() => None,
            () = tokio::time::sleep_until(until.into()) => None,
        }
    })
}

impl Watcher {
    /// The next event for somebody who may still see it; none otherwise, and when Redis failed, so that the client comes
    /// back later.
    async fn next(&mut self) -> Option<Event> {
        let event = self.happened().await?;
        let now = self.app.clock.now();
        if now >= self.believed_until {
            let actor = authenticate(&self.app, &Method::GET, &self.headers).await;
            if !ReadJobs::PERMISSION.granted_to(&actor.ok()?) {
                return None;
            }
            self.believed_until = now + BELIEVED;
        }
        Some(event)
    }

    async fn happened(&mut self) -> Option<Event> {
        if !std::mem::replace(&mut self.greeted, true) {
            return Some(self.event("hello", &json!({})));
        }
        if std::mem::take(&mut self.reset) {
            return Some(self.event("reset", &json!({})));
        }
        loop {
            let mut gathered = EventBatch::default();
            match self.watch.next().await.ok()? {
                FeedItem::Reset => return Some(self.event("reset", &json!({}))),
                FeedItem::Entry(entry) => self.add(&mut gathered, &entry.batch),
            }
            self.gather(&mut gathered).await?;
            if !gathered.is_empty() {
                self.next_at = Instant::now() + EVENT_GAP;
                return Some(self.event("changes", &json!(gathered)));
            }
        }
    }

    /// Adds what comes until the next event may be sent.
    async fn gather(&mut self, gathered: &mut EventBatch) -> Option<()> {
        let send_at = self.next_at.into();
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(send_at) => return Some(()),
                item = self.watch.next() => match item.ok()? {
                    FeedItem::Entry(entry) => self.add(gathered, &entry.batch),
                    FeedItem::Reset => {
                        self.reset = true;
                        return Some(());
                    }
                },
            }
        }
    }

    /// Adds what is wanted of `batch`; first it is sifted, so that others' jobs take no places.
    fn add(&self, gathered: &mut EventBatch, batch: &EventBatch) {
        let mut wanted = batch.clone();
        wanted.keep(self.params.queue.as_deref(), self.params.kind.as_deref());
        gathered.add(&wanted);
    }

    fn event(&self, name: &str, data: &serde_json::Value) -> Event {
        Event::default()
            .event(name)
            .id(self.watch.last().to_string())
            .data(data.to_string())
    }
}
