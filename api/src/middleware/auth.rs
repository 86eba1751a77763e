//! Who asks: a token, an API key, or the cookie of a web page.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use shared::access::{API_KEY_PREFIX, TokenError, WebSession};
use shared::kernel::Actor;

use super::cookie;
use crate::app::App;
use crate::error::Problem;

/// What pages send along with every change, as `GET /api/auth/session` told them.
pub const CSRF_HEADER: &str = "x-csrf-token";
/// Where nobody has to be known: what is sent there proves who it comes from.
pub const OPEN_PATHS: [&str; 5] = [
    "/api/auth/login",
    "/api/auth/refresh",
    "/api/auth/session",
    "/api/auth/password-reset",
    "/api/auth/password-reset/confirm",
];

/// Lets nothing under `/api` pass without proof of who asks, not even to a path that does not exist.
pub async fn guard_api(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let guarded = path == "/api" || path.starts_with("/api/");
    if !guarded || is_open(request.method(), path) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    match authenticate(&app, &parts.method, &parts.headers).await {
        Ok(actor) => parts.extensions.insert(actor),
        Err(problem) => return problem.into_response(),
    };
    next.run(Request::from_parts(parts, body)).await
}

fn is_open(method: &Method, path: &str) -> bool {
    method == Method::POST && OPEN_PATHS.contains(&path)
}

/// Who asks.
///
/// # Errors
/// 401 if it is not proven, 403 for a change that a page of somebody else may have sent with the cookie.
pub async fn authenticate(
    app: &App,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Actor, Problem> {
    if headers.contains_key(header::AUTHORIZATION) {
        let token = bearer(headers).ok_or_else(no_proof)?;
        return if token.starts_with(API_KEY_PREFIX) {
            of_key(app, token).await
        } else {
            of_token(app, token).await
        };
    }
    let session = web_session(app, headers).await?;
    let session = session.ok_or_else(no_proof)?;
    if !method.is_safe() {
        ensure_own_page(app, headers, &session)?;
    }
    Ok(session.actor)
}

fn no_proof() -> Problem {
    Problem::unauthenticated("Send an access token or an API key, as `Authorization: Bearer …`.")
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

async fn of_key(app: &App, key: &str) -> Result<Actor, Problem> {
    let holder = app.access.key_holder(key, app.clock.now()).await?;
    holder.ok_or_else(|| Problem::unauthenticated("The API key is not valid."))
}

async fn of_token(app: &App, token: &str) -> Result<Actor, Problem> {
    let now = app.clock.now();
    let believed = app.tokens.read(token, now).map_err(|error| {
        // why a signature failed helps only those who forge one
        let detail = match error {
            TokenError::Invalid(_) | TokenError::NoRole => "The access token is not valid.",
            TokenError::Expired => "The access token has expired.",
            TokenError::NotYet => "The access token is not valid yet.",
        };
        tracing::debug!(%error, "a token was refused");
        Problem::unauthenticated(detail)
    })?;
    match believed.session {
        None => Ok(believed.actor),
        // what the token says of roles is old news: the session tells what its holder may do now
        Some(session) => {
            let holder = app.access.holder(session, now).await?;
            holder.ok_or_else(|| Problem::unauthenticated("This session is over; log in again."))
        }
    }
}

/// The web session of the request's cookie, if it has one that is not over.
///
/// # Errors
/// If Redis or the database does not answer.
pub async fn web_session(app: &App, headers: &HeaderMap) -> Result<Option<WebSession>, Problem> {
    let Some(cookie) = cookie::read(headers, &app.config.http.public_url) else {
        return Ok(None);
    };
    let session = app.access.web_session(&app.web, &cookie, app.clock.now());
    Ok(session.await?)
}

fn ensure_own_page(app: &App, headers: &HeaderMap, session: &WebSession) -> Result<(), Problem> {
    let token = headers
        .get(CSRF_HEADER)
        .and_then(|value| value.to_str().ok());
    if is_same_origin(app, headers) && token.is_some_and(|token| session.is_csrf(token)) {
        return Ok(());
    }
    Err(foreign_page())
}

/// The answer to a change that may come from somebody else's page.
pub fn foreign_page() -> Problem {
    Problem::new(axum::http::StatusCode::FORBIDDEN, "foreign-page").detail(format!(
        "A change by cookie must come from our own pages, with the header `{CSRF_HEADER}`."
    ))
}

/// Whether a browser says that one of our own pages sent this. A program that is no browser says nothing of the kind,
/// and has no business with cookies.
pub fn is_same_origin(app: &App, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => origin == app.config.http.public_url.origin().ascii_serialization(),
        (None, None) => false,
    }
}
