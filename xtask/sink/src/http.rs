//! The API over what arrived, and the routes of the pages.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State as Shared};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;

use crate::State;
use crate::faults::FaultPlan;
use crate::mailbox::{Entry, Summary};
use crate::pages;

/// Messages in one answer unless asked for fewer.
const PAGE_MAX: usize = 1000;
/// Messages on one page of the mailbox.
const LISTED_MAX: usize = 50;
/// Ids in one piece of the streamed list.
const IDS_PER_CHUNK: usize = 1000;
/// Mail is shown, never run: no scripts, no requests anywhere.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; frame-ancestors 'self'";

type App = Shared<Arc<State>>;

/// All routes.
pub(crate) fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/", get(mailbox_page))
        .route("/messages/{number}", get(message_page))
        .route("/api/summary", get(summary))
        .route("/api/messages", get(messages).delete(clear))
        .route("/api/message-ids", get(message_ids))
        .route("/api/faults", get(faults).put(set_faults))
        .with_state(state)
}

#[derive(Debug, Deserialize)]
struct ListQuery {
    before: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct MessagesQuery {
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
}

async fn mailbox_page(Shared(state): App, Query(query): Query<ListQuery>) -> Response {
    let entries = state
        .mailbox
        .before(query.before.unwrap_or(u64::MAX), LISTED_MAX);
    page(pages::mailbox(&state.mailbox.summary(), &entries))
}

async fn message_page(Shared(state): App, Path(number): Path<u64>) -> Response {
    match state.mailbox.get(number) {
        Some((entry, text)) => page(pages::message(&entry, text.as_deref())),
        None => (StatusCode::NOT_FOUND, "this message is not remembered").into_response(),
    }
}

async fn summary(Shared(state): App) -> Json<Summary> {
    Json(state.mailbox.summary())
}

/// Oldest first; the next page begins after the last number of this one.
async fn messages(Shared(state): App, Query(query): Query<MessagesQuery>) -> Json<Vec<Entry>> {
    let limit = query.limit.unwrap_or(PAGE_MAX).min(PAGE_MAX);
    Json(state.mailbox.after(query.after, limit))
}

/// Lines of "times, blank, Message-ID".
async fn message_ids(Shared(state): App) -> Response {
    let ids = state.mailbox.ids();
    let chunks = ids.len().div_ceil(IDS_PER_CHUNK);
    let pieces = (0..chunks).map(move |chunk| {
        let start = chunk * IDS_PER_CHUNK;
        let end = ids.len().min(start + IDS_PER_CHUNK);
        let lines = ids[start..end]
            .iter()
            .map(|(id, times)| format!("{times} {id}\n"));
        Ok::<_, Infallible>(lines.collect::<String>())
    });
    let body = Body::from_stream(futures_util::stream::iter(pieces));
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response()
}

async fn clear(Shared(state): App) -> StatusCode {
    state.mailbox.clear();
    StatusCode::NO_CONTENT
}

async fn faults(Shared(state): App) -> Json<FaultPlan> {
    Json(state.faults.plan())
}

async fn set_faults(Shared(state): App, Json(plan): Json<FaultPlan>) -> Response {
    if let Some(problem) = plan.problem() {
        return (StatusCode::UNPROCESSABLE_ENTITY, problem).into_response();
    }
    state.faults.set(plan);
    StatusCode::NO_CONTENT.into_response()
}

fn page(rendered: Result<String, minijinja::Error>) -> Response {
    match rendered {
        Ok(html) => (
            [(header::CONTENT_SECURITY_POLICY, CONTENT_POLICY)],
            Html(html),
        )
            .into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
