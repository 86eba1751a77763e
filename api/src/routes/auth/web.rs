//! Sessions of web pages.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use shared::access;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{AccountView, LoginBody, own, refused};
use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Allowed, Anybody, Json, OwnAccount};
use crate::middleware::{cookie, foreign_page, is_same_origin, web_session};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(begin, show, end))
}

/// A web session.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct WebSessionView {
    /// To be sent with every change, as the header `X-CSRF-Token`.
    csrf_token: String,
    account: AccountView,
}

impl WebSessionView {
    fn answer(csrf: &SecretString, account: AccountView) -> Response {
        let view = Self {
            csrf_token: csrf.expose_secret().to_owned(),
            account,
        };
        let headers = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
        (headers, Json(view)).into_response()
    }
}

/// Log in to the web pages
///
/// The answer sets a cookie (HttpOnly, SameSite=Lax, Secure over https), and ends the session of a former one. Only our
/// own pages may ask.
#[utoipa::path(post, path = "/api/auth/session", operation_id = "beginWebSession", tag = "auth", request_body = LoginBody,
    responses((status = 200, body = WebSessionView, headers(("Set-Cookie" = String, description = "The session"))),
              (status = 401, description = "This does not log anybody in"), (status = 403, description = "Another site's page asked"),
              (status = 429, description = "Too many tries", headers(("Retry-After" = u64, description = "Seconds to wait")))))]
async fn begin(
    caller: Anybody,
    State(app): State<App>,
    headers: HeaderMap,
    Json(body): Json<LoginBody>,
) -> Result<Response> {
    if !is_same_origin(&app, &headers) {
        return Err(foreign_page());
    }
    let begun = app
        .access
        .web_login(&app.web, caller.ctx, body.login()?)
        .await;
    let begun = begun.map_err(refused)?;
    let ctx = begun.ctx;
    let public_url = &app.config.http.public_url;
    if let Some(former) = cookie::read(&headers, public_url) {
        app.access
            .end_web_session(&app.web, &ctx, &former)
            .await
            .map_err(refused)?;
    }
    let mut response = WebSessionView::answer(&begun.csrf, own(&app, &ctx).await?);
    let cookie = cookie::set(&begun.cookie, public_url);
    let cookie = cookie.ok_or_else(Problem::internal)?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Show the web session of the request's cookie
#[utoipa::path(get, path = "/api/auth/session", operation_id = "showWebSession", tag = "auth", security(("bearer" = ["account:self"])),
    responses((status = 200, body = WebSessionView), (status = 404, description = "Whoever asks has no web session")))]
async fn show(
    caller: Allowed<OwnAccount>,
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Response> {
    let session = web_session(&app, &headers).await?;
    let session = session.ok_or_else(Problem::not_found)?;
    let account = own(&app, &caller.ctx).await?;
    Ok(WebSessionView::answer(session.csrf(), account))
}

/// Log out of the web pages
#[utoipa::path(delete, path = "/api/auth/session", operation_id = "endWebSession", tag = "auth", security(("bearer" = ["account:self"])),
    responses((status = 204, description = "The session is over", headers(("Set-Cookie" = String, description = "Removes the cookie")))))]
async fn end(
    caller: Allowed<OwnAccount>,
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    access::logout(&mut tx, &caller.ctx).await?;
    app.db.commit(tx, &caller.ctx).await?;
    let public_url = &app.config.http.public_url;
    if let Some(cookie) = cookie::read(&headers, public_url) {
        app.web.forget(&cookie).await?;
    }
    let cleared = cookie::clear(public_url).ok_or_else(Problem::internal)?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cleared)]).into_response())
}
