//! Logging in to the pages.

use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use dashboard::LoginPage;
use secrecy::SecretString;
use serde::Deserialize;
use shared::access::{AccessError, Login};
use shared::kernel::Ctx;

use super::screen::{Refusal, Screen};
use crate::app::App;
use crate::error::Problem;
use crate::extract::Anybody;
use crate::middleware::{cookie, foreign_page, is_same_origin, web_session};
use crate::routes::auth::refused;

/// Where to go afterwards.
#[derive(Debug, Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

/// `GET /login`
pub(super) async fn show(
    State(app): State<App>,
    headers: HeaderMap,
    Query(asked): Query<Next>,
) -> Result<Response, Refusal> {
    let next = own_path(&asked.next);
    if web_session(&app, &headers).await?.is_some() {
        return Ok(Redirect::to(next).into_response());
    }
    let page = LoginPage {
        next,
        ..LoginPage::default()
    };
    Ok(Screen::plain(StatusCode::OK, dashboard::login(&page)).into_response())
}

/// What the form sends.
#[derive(Debug, Deserialize)]
pub(super) struct LoginForm {
    email: String,
    password: SecretString,
    #[serde(default)]
    code: String,
    #[serde(default)]
    next: String,
}

/// `POST /login`
pub(super) async fn login(
    caller: Anybody,
    State(app): State<App>,
    headers: HeaderMap,
    Form(form): Form<LoginForm>,
) -> Result<Response, Refusal> {
    if !is_same_origin(&app, &headers) {
        return Err(foreign_page().into());
    }
    match begin(&app, caller.ctx, &form).await {
        Ok(cookie) => {
            let set =
                cookie::set(&cookie, &app.config.http.public_url).ok_or_else(Problem::internal)?;
            Ok((
                [(header::SET_COOKIE, set)],
                Redirect::to(own_path(&form.next)),
            )
                .into_response())
        }
        Err(error) => refuse(&form, error),
    }
}

async fn begin(app: &App, ctx: Ctx, form: &LoginForm) -> Result<SecretString, AccessError> {
    let code = form.code.trim();
    let login = Login {
        // what is no address logs nobody in
        email: form
            .email
            .trim()
            .parse()
            .map_err(|_| AccessError::Unauthenticated)?,
        password: form.password.clone(),
        code: (!code.is_empty()).then(|| code.to_owned().into()),
    };
    Ok(app.access.web_login(&app.web, ctx, login).await?.cookie)
}

fn refuse(form: &LoginForm, error: AccessError) -> Result<Response, Refusal> {
    let code_wanted = matches!(error, AccessError::CodeWanted);
    let problem = refused(error);
    let status = problem.status();
    if !matches!(
        status,
        StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS
    ) {
        return Err(problem.into());
    }
    let refusal = problem.told().join(" ");
    let page = LoginPage {
        email: &form.email,
        next: own_path(&form.next),
        refusal: Some(&refusal),
        code_wanted,
    };
    Ok(Screen::plain(status, dashboard::login(&page)).into_response())
}

/// A path of ours, never another host: what begins with two slashes, or has a backslash that browsers read as one, is
/// not taken.
fn own_path(next: &str) -> &str {
    let own = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains(['\\', '\r', '\n', '\t']);
    if own { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_login_nobody_is_led_to_another_host() {
        assert_eq!(own_path("/jobs?q=a"), "/jobs?q=a");
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/\t/evil.example",
            "javascript:x",
        ] {
            assert_eq!(own_path(bad), "/", "{bad}");
        }
    }
}
