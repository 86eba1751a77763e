//! The outermost layer: gives each request an id and a trace, writes problems, and logs one line.

use std::net::SocketAddr;
use std::time::Instant;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use shared::kernel::{Ctx, Origin, TraceContext};
use tracing::Instrument;

use super::origin;
use crate::app::App;
use crate::error::Problem;

/// Characters of a caller's own request id at the most.
const REQUEST_ID_MAX_CHARS: usize = 64;
static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What identifies a request; an extension of each.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// `X-Request-Id`: the caller's own, if it is well formed, or the trace's id.
    pub id: String,
    /// The caller's trace (`traceparent`), or a new one.
    pub trace: TraceContext,
    /// Where it comes from.
    pub origin: Origin,
}

impl RequestContext {
    fn of(headers: &HeaderMap, origin: Origin) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let trace = text("traceparent")
            .and_then(|text| text.parse().ok())
            .map(|trace: TraceContext| trace.child());
        let trace = trace.unwrap_or_else(TraceContext::random);
        let id = text(REQUEST_ID.as_str())
            .filter(|id| is_well_formed(id))
            .map(str::to_owned);
        Self {
            id: id.unwrap_or_else(|| trace.trace_id()),
            trace,
            origin,
        }
    }
}

impl RequestContext {
    /// The context of what is done for this request.
    pub fn apply(&self, ctx: Ctx) -> Ctx {
        ctx.within(self.trace, self.id.clone())
            .from_origin(self.origin.clone())
    }
}

/// What a log line can hold without surprises.
fn is_well_formed(id: &str) -> bool {
    (1..=REQUEST_ID_MAX_CHARS).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// Wraps everything: see the module.
pub async fn request(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map(|ConnectInfo(address)| address.ip());
    let proxies = &app.config.http.trusted_proxies;
    let origin = origin::of(request.headers(), peer, proxies);
    let context = RequestContext::of(request.headers(), origin);
    let (method, began) = (request.method().clone(), Instant::now());
    // the route's pattern, not the path: ids and tokens in paths stay out of the log
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("(no route)", MatchedPath::as_str)
        .to_owned();
    let span = tracing::info_span!("request", request_id = %context.id, trace_id = %context.trace.trace_id(), %method, route);
    request.extensions_mut().insert(context.clone());
    async {
        let mut response = problem_written(next.run(request).await, &context.id);
        if let Ok(id) = HeaderValue::from_str(&context.id) {
            response.headers_mut().insert(REQUEST_ID.clone(), id);
        }
        let seconds = began.elapsed().as_secs_f64();
        app.metrics
            .answered(&method, &route, response.status(), seconds);
        tracing::info!(
            status = response.status().as_u16(),
            ms = seconds * 1000.0,
            "answered"
        );
        response
    }
    .instrument(span)
    .await
}

/// Writes the problem that a handler left in the response; makes one out of every other failure (the framework's own
/// answers, such as 405).
fn problem_written(mut response: Response, request_id: &str) -> Response {
    let problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        None if is_bare_failure(&response) => {
            Problem::new(response.status(), code_of(response.status()))
        }
        None => return response,
    };
    let mut written = (problem.status(), axum::Json(problem.body(request_id))).into_response();
    for (name, value) in response.headers() {
        if !matches!(*name, header::CONTENT_TYPE | header::CONTENT_LENGTH) {
            written.headers_mut().insert(name, value.clone());
        }
    }
    written.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    written
}

fn is_bare_failure(response: &Response) -> bool {
    let status = response.status();
    let kind = response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    (status.is_client_error() || status.is_server_error())
        && (kind.is_empty() || kind.starts_with("text/plain"))
}

fn code_of(status: StatusCode) -> String {
    status
        .canonical_reason()
        .unwrap_or("failure")
        .to_ascii_lowercase()
        .replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_request_id_is_kept_only_if_it_is_well_formed() {
        for (id, kept) in [
            ("abc-1.2_3", true),
            ("", false),
            ("a b", false),
            ("a\"b", false),
            (&*"x".repeat(65), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(
                REQUEST_ID.clone(),
                HeaderValue::from_str(id).expect("a header"),
            );
            assert_eq!(
                RequestContext::of(&headers, Origin::default()).id == id,
                kept,
                "{id:?}"
            );
        }
    }

    #[test]
    fn a_callers_trace_goes_on_and_a_broken_one_is_replaced() {
        let mut headers = HeaderMap::new();
        let trace = TraceContext::random();
        headers.insert(
            "traceparent",
            HeaderValue::from_str(&trace.to_string()).expect("a header"),
        );
        assert_eq!(
            RequestContext::of(&headers, Origin::default())
                .trace
                .trace_id(),
            trace.trace_id()
        );
        headers.insert("traceparent", HeaderValue::from_static("00-xyz"));
        assert_ne!(
            RequestContext::of(&headers, Origin::default())
                .trace
                .trace_id(),
            trace.trace_id()
        );
    }
}
