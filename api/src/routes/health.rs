//! Whether this process lives, and whether what it needs answers.

use std::future::Future;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

/// How long an answer is waited for.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(live))
        .routes(routes!(ready))
        .routes(routes!(database))
        .routes(routes!(redis))
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Health {
    /// `ok` or `failed`.
    status: &'static str,
    /// This program's version.
    version: &'static str,
    /// What was asked.
    checks: Vec<Check>,
}

/// One thing that was asked.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Check {
    /// `database` or `redis`.
    name: &'static str,
    /// `ok` or `failed`; why is in the log.
    status: &'static str,
    /// How long the answer took, in milliseconds.
    latency_ms: f64,
}

/// This process lives
#[utoipa::path(get, path = "/health", operation_id = "healthLive", tag = "health", responses((status = 200, body = Health)))]
async fn live() -> (StatusCode, Json<Health>) {
    report(Vec::new())
}

/// Everything this process needs answers
#[utoipa::path(get, path = "/health/ready", operation_id = "healthReady", tag = "health",
    responses((status = 200, body = Health), (status = 503, body = Health)))]
async fn ready(State(app): State<App>) -> (StatusCode, Json<Health>) {
    let (database, redis) = tokio::join!(check_database(&app), check_redis(&app));
    report(vec![database, redis])
}

/// Postgres answers
#[utoipa::path(get, path = "/health/database", operation_id = "healthDatabase", tag = "health",
    responses((status = 200, body = Health), (status = 503, body = Health)))]
async fn database(State(app): State<App>) -> (StatusCode, Json<Health>) {
    report(vec![check_database(&app).await])
}

/// Redis answers
#[utoipa::path(get, path = "/health/redis", operation_id = "healthRedis", tag = "health",
    responses((status = 200, body = Health), (status = 503, body = Health)))]
async fn redis(State(app): State<App>) -> (StatusCode, Json<Health>) {
    report(vec![check_redis(&app).await])
}

fn report(checks: Vec<Check>) -> (StatusCode, Json<Health>) {
    let ok = checks.iter().all(|check| check.status == "ok");
    let (code, status) = if ok {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "failed")
    };
    (
        code,
        Json(Health {
            status,
            version: env!("CARGO_PKG_VERSION"),
            checks,
        }),
    )
}

async fn check_database(app: &App) -> Check {
    check("database", app.db.ping()).await
}

async fn check_redis(app: &App) -> Check {
    check("redis", app.signals.ready.ping()).await
}

async fn check<E: std::error::Error>(
    name: &'static str,
    asked: impl Future<Output = Result<(), E>>,
) -> Check {
    let began = Instant::now();
    let status = match tokio::time::timeout(CHECK_TIMEOUT, asked).await {
        Ok(Ok(())) => "ok",
        Ok(Err(error)) => {
            tracing::warn!(%error, name, "a health check failed");
            "failed"
        }
        Err(_) => {
            tracing::warn!(name, "a health check was not answered in time");
            "failed"
        }
    };
    Check {
        name,
        status,
        latency_ms: began.elapsed().as_secs_f64() * 1000.0,
    }
}
