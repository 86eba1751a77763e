//! The link in every marketing mail: a page that asks, and a POST that stops the mails (RFC 8058).
//!
//! No login, no cookies, no redirects. Opening the link changes nothing, because mail scanners open every link.

use std::sync::LazyLock;

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};
use shared::kernel::{Actor, Classify, Ctx, ErrorKind};
use shared::messaging::{self, MessagingError, Subscription};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{Problem, Result};

/// A mail program posts `List-Unsubscribe=One-Click`, a browser the empty form; nobody needs to send more.
const BODY_MAX_BYTES: usize = 4 * 1024;
/// The page runs nothing, loads nothing and is shown nowhere but by itself.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
const PAGE: &str = "unsubscribe.html";

static PAGES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut env = Environment::empty();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_auto_escape_callback(|_| AutoEscape::Html);
    env.add_template(PAGE, include_str!("../pages/unsubscribe.html"))
        .expect("the page is a template; tests render it");
    env
});

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(ask, stop))
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
}

/// Show a page that asks whether to stop the mails; changes nothing
#[utoipa::path(get, path = "/u/{token}", operation_id = "askToUnsubscribe", tag = "unsubscribe",
    params(("token" = String, Path, description = "From the link in a mail")),
    responses((status = 200, content_type = "text/html", body = String),
              (status = 404, description = "The link is not valid", content_type = "text/html", body = String)))]
async fn ask(State(app): State<App>, Path(token): Path<String>) -> Result<Response> {
    let look = async {
        let link = app.links.read(&token)?;
        let mut tx = app.db.begin().await?;
        messaging::subscription(&mut tx, link).await
    };
    match look.await {
        Ok(Subscription { cluster, active }) => page(
            StatusCode::OK,
            if active { "ask" } else { "stopped" },
            &cluster,
        ),
        Err(error) => not_valid(error),
    }
}

/// Stop the mails; once is enough, and twice does no harm
///
/// Mail programs send `List-Unsubscribe=One-Click` (RFC 8058); what is in the body does not matter.
#[utoipa::path(post, path = "/u/{token}", operation_id = "unsubscribe", tag = "unsubscribe",
    params(("token" = String, Path, description = "From the link in a mail")),
    responses((status = 200, content_type = "text/html", body = String),
              (status = 404, description = "The link is not valid", content_type = "text/html", body = String)))]
async fn stop(State(app): State<App>, Path(token): Path<String>) -> Result<Response> {
    let ctx = Ctx::new(Actor::Anonymous, &app.clock);
    let act = async {
        let link = app.links.read(&token)?;
        let mut tx = app.db.begin().await?;
        messaging::unsubscribe(&mut tx, &ctx, link).await?;
        let subscription = messaging::subscription(&mut tx, link).await?;
        app.db.commit(tx, &ctx).await?;
        Ok::<_, MessagingError>(subscription)
    };
    match act.await {
        Ok(subscription) => page(StatusCode::OK, "stopped", &subscription.cluster),
        Err(error) => not_valid(error),
    }
}

/// A link that is not ours, or whose creator is gone, is told apart from nothing; a failure of ours is a failure.
fn not_valid(error: MessagingError) -> Result<Response> {
    match error.kind() {
        ErrorKind::NotFound => page(StatusCode::NOT_FOUND, "not valid", ""),
        ErrorKind::Invalid
        | ErrorKind::Conflict
        | ErrorKind::Stale
        | ErrorKind::Forbidden
        | ErrorKind::Unavailable
        | ErrorKind::Internal => Err(error.into()),
    }
}

fn page(status: StatusCode, state: &str, cluster: &str) -> Result<Response> {
    let render = || {
        PAGES
            .get_template(PAGE)?
            .render(context! { state => state, cluster => cluster })
    };
    let html = render().map_err(|error| {
        tracing::error!(%error, "the unsubscribe page cannot be rendered");
        Problem::internal()
    })?;
    let headers = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    Ok((status, headers, Html(html)).into_response())
}
