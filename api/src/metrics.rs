//! What this process tells Prometheus.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{Method, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus::{GaugeVec, HistogramOpts, HistogramVec, Opts, Registry, TextEncoder};
use shared::ledger;
use shared::queue::Signals;
use shared::queue::gauges::SampleGauges;

use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Allowed, ReadMetrics};
use crate::middleware;

/// Upper bounds of answer times, in seconds.
const ANSWER_BUCKETS: [f64; 10] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// The figures of one process.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    gauges: Arc<SampleGauges>,
    requests: HistogramVec,
    ledger: GaugeVec,
}

impl Metrics {
    /// All figures, with those that the queue counts.
    ///
    /// # Panics
    /// If two figures have the same name, which a test would show.
    pub fn new(signals: &Signals) -> Self {
        let registry = Registry::new();
        let gauges = SampleGauges::register(&registry).expect("names are distinct");
        signals
            .metrics
            .register(&registry)
            .expect("names are distinct");
        let options = HistogramOpts::new(
            "http_request_seconds",
            "How long answers took, by route and status",
        );
        let requests = HistogramVec::new(
            options.buckets(ANSWER_BUCKETS.to_vec()),
            &["method", "route", "status"],
        )
        .expect("the labels are constants");
        registry
            .register(Box::new(requests.clone()))
            .expect("names are distinct");
        let options = Opts::new(
            "ledger_check",
            "The latest check of the ledger: findings (0 if it holds), and when it was, in seconds since 1970",
        );
        let ledger = GaugeVec::new(options, &["figure"]).expect("the label is a constant");
        registry
            .register(Box::new(ledger.clone()))
            .expect("names are distinct");
        Self {
            registry,
            gauges: Arc::new(gauges),
            requests,
            ledger,
        }
    }

    /// Shows the latest check of the ledger; nothing before the first.
    async fn show_ledger(&self, app: &App) -> Result<()> {
        let mut tx = app.db.begin().await?;
        if let Some(check) = ledger::latest_check(&mut tx).await? {
            let show =
                |figure: &str, value: f64| self.ledger.with_label_values(&[figure]).set(value);
            show("findings", check.findings.len() as f64);
            show("at", check.at.timestamp() as f64);
        }
        Ok(())
    }

    /// A request was answered. `route` is the route's pattern, so that there are as many as routes.
    pub fn answered(&self, method: &Method, route: &str, status: StatusCode, seconds: f64) {
        // a method is whatever the caller writes
        let method = if method.as_str().len() <= "OPTIONS".len() && is_standard(method) {
            method.as_str()
        } else {
            "other"
        };
        self.requests
            .with_label_values(&[method, route, status.as_str()])
            .observe(seconds);
    }

    async fn text(&self, app: &App) -> Result<String> {
        let sample = app.sampler.sample().await?;
        self.gauges.set(&sample);
        self.show_ledger(app).await?;
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .map_err(|error| {
                tracing::error!(%error, "the figures could not be written");
                Problem::internal()
            })
    }
}

fn is_standard(method: &Method) -> bool {
    [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::HEAD,
        Method::OPTIONS,
    ]
    .contains(method)
}

/// `GET /metrics` for METRICS_PORT, which only the monitoring reaches.
pub fn router(app: App) -> Router {
    let around = from_fn_with_state(app.clone(), middleware::request);
    Router::new()
        .route("/metrics", get(open))
        .layer(around)
        .with_state(app)
}

/// `GET /metrics` on PORT, which the world reaches: with a token only.
pub(crate) fn guarded() -> Router<App> {
    Router::new().route("/metrics", get(for_callers))
}

async fn open(State(app): State<App>) -> Result<Response> {
    let text = app.metrics.text(&app).await?;
    Ok(([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response())
}

async fn for_callers(_: Allowed<ReadMetrics>, app: State<App>) -> Result<Response> {
    open(app).await
}
