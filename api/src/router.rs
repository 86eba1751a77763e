//! All routes, and what happens around them.

use std::any::Any;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

use crate::app::App;
use crate::error::Problem;
use crate::openapi::{ApiDoc, complete};
use crate::{metrics, middleware, routes};

/// Size of a request's body at the most, in bytes, where a route does not say otherwise.
pub const BODY_MAX_BYTES: usize = 1024 * 1024;
/// How long a request may take until its answer begins.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The whole service.
pub fn router(app: App) -> Router {
    let (routes, document) = documented_routes();
    let around = ServiceBuilder::new()
        .layer(from_fn_with_state(app.clone(), middleware::request))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            REQUEST_TIMEOUT,
        ))
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(from_fn_with_state(app.clone(), middleware::guard_api));
    routes
        .merge(SwaggerUi::new("/docs").config(utoipa_swagger_ui::Config::from("/openapi.json")))
        .merge(metrics::guarded())
        .route("/openapi.json", get(async move || Json(document.clone())))
        .fallback(async || Problem::not_found())
        .layer(around)
        .with_state(app)
}

/// The OpenAPI document.
pub fn document() -> utoipa::openapi::OpenApi {
    documented_routes().1
}

fn documented_routes() -> (Router<App>, utoipa::openapi::OpenApi) {
    let (router, document) = OpenApiRouter::with_openapi(ApiDoc::openapi())
        .merge(routes::all())
        .split_for_parts();
    (router, complete(document))
}

/// The answer to a request whose handler panicked; the panic itself is in the log.
fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    Problem::internal().into_response()
}
