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
use crate::{metrics, middleware, pages, routes};

/// Size of a request's body at the most, in bytes, where a route does not say otherwise.
pub const BODY_MAX_BYTES: usize = 1024 * 1024;
/// How long a request may take until its answer begins.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The whole service.
pub fn router(app: App) -> Router {
    let (routes, document) = documented_routes();
    let routes = routes
        .merge(SwaggerUi::new("/docs").config(utoipa_swagger_ui::Config::from("/openapi.json")))
        .merge(metrics::guarded())
        .merge(pages::routes())
        .route("/openapi.json", get(async move || Json(document.clone())))
        .fallback(async || Problem::not_found());
    guarded(routes, app)
}

/// `routes` with everything that happens around them, the outermost first.
fn guarded(routes: Router<App>, app: App) -> Router {
    let around = ServiceBuilder::new()
        .layer(from_fn_with_state(app.clone(), middleware::request))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            REQUEST_TIMEOUT,
        ))
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(from_fn_with_state(app.clone(), middleware::guard_api));
    routes.layer(around).with_state(app)
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

#[cfg(test)]
mod tests {
    use std::error::Error;

    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use shared::config::Config;
    use shared::kernel::{Classify, ErrorKind};
    use tower::ServiceExt;

    use super::*;

    /// A failure with a cause that is nobody's business.
    #[derive(Debug)]
    struct Broken(std::io::Error);

    impl std::fmt::Display for Broken {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("the safe would not open")
        }
    }

    impl Error for Broken {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    impl Classify for Broken {
        fn kind(&self) -> ErrorKind {
            ErrorKind::Internal
        }

        fn code(&self) -> &'static str {
            "internal"
        }
    }

    async fn broken() -> crate::error::Result<()> {
        Err(Broken(std::io::Error::other("wrong combination 1234")).into())
    }

    async fn panics() {
        panic!("secret of the code")
    }

    /// The status and the body of `GET path`; nothing that these routes do needs a server.
    async fn get_from(path: &str) -> (StatusCode, String) {
        let config = Config::read(|name| {
            (name == "DATABASE_URL").then(|| "postgres://nobody@127.0.0.1:1/none".to_owned())
        });
        let app = App::new(config.expect("usable")).expect("usable addresses");
        let routes = Router::new()
            .route("/panics", get(panics))
            .route("/broken", get(broken));
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let response = guarded(routes, app)
            .oneshot(request)
            .await
            .expect("always answers");
        let status = response.status();
        let body = to_bytes(response.into_body(), 65_536)
            .await
            .expect("a body");
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn a_panic_and_a_fault_of_ours_tell_nothing_but_the_request_id() {
        for path in ["/panics", "/broken"] {
            let (status, body) = get_from(path).await;
            assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
            assert!(
                body.contains("urn:creator-crm:problem:internal") && body.contains("requestId"),
                "{path}: {body}"
            );
            for secret in ["secret", "safe", "1234"] {
                assert!(!body.contains(secret), "{path}: {body}");
            }
        }
    }
}
