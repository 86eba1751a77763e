//! Who asks: the bearer token of a request.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use shared::access::TokenError;
use shared::kernel::Actor;

use crate::app::App;
use crate::error::Problem;

/// Lets nothing under `/api` pass without a token, not even to a path that does not exist.
pub async fn guard_api(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path == "/api" || path.starts_with("/api/") {
        match authenticate(&app, request.headers()) {
            Ok(actor) => request.extensions_mut().insert(actor),
            Err(problem) => return problem.into_response(),
        };
    }
    next.run(request).await
}

/// Who holds the request's token.
///
/// # Errors
/// 401 if there is none or it is not to be believed.
pub fn authenticate(app: &App, headers: &HeaderMap) -> Result<Actor, Problem> {
    let token = bearer(headers).ok_or_else(|| {
        Problem::unauthenticated("Send an access token, as `Authorization: Bearer …`.")
    })?;
    app.tokens.read(token, app.clock.now()).map_err(|error| {
        // why a signature failed helps only those who forge one
        let detail = match error {
            TokenError::Invalid(_) | TokenError::NoRole => "The access token is not valid.",
            TokenError::Expired => "The access token has expired.",
            TokenError::NotYet => "The access token is not valid yet.",
        };
        tracing::debug!(%error, "a token was refused");
        Problem::unauthenticated(detail)
    })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
