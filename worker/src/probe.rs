//! Health and metrics of one worker process, for orchestrators and Prometheus.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::running::Running;

/// What the probe tells of.
#[derive(Debug, Clone)]
pub struct Probe {
    /// What the process runs.
    pub running: Arc<Running>,
    /// Whether it leads.
    pub leads: Arc<AtomicBool>,
    /// Fires when it drains.
    pub drain: CancellationToken,
    /// What Prometheus is told.
    pub metrics: prometheus::Registry,
}

/// Serves `/health` (the process answers), `/health/ready` (its heartbeat is confirmed and it takes jobs) and
/// `/metrics`, until the process ends.
///
/// # Errors
/// If the address cannot be listened on.
pub async fn serve(address: SocketAddr, probe: Probe) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let router = Router::new()
        .route(
            "/health",
            get(|| async { Json(serde_json::json!({ "status": "ok" })) }),
        )
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(probe);
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the probe ended");
        }
    });
    Ok(bound)
}

async fn ready(State(probe): State<Probe>) -> impl IntoResponse {
    let ready = probe.running.may_act() && !probe.drain.is_cancelled();
    let body = serde_json::json!({
        "status": if ready { "ready" } else { "not_ready" },
        "worker": probe.running.worker(),
        "heartbeatConfirmed": probe.running.may_act(),
        "draining": probe.drain.is_cancelled(),
        "leads": probe.leads.load(Ordering::Relaxed),
        "running": probe.running.len(),
    });
    (
        if ready {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        },
        Json(body),
    )
}

async fn metrics(State(probe): State<Probe>) -> Result<String, StatusCode> {
    prometheus::TextEncoder::new()
        .encode_to_string(&probe.metrics.gather())
        .map_err(|error| {
            tracing::error!(%error, "the metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR
        })
}
