//! The catalogue of job kinds.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::queue::Kind;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::{Allowed, ReadJobs};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// All kinds of jobs.
#[derive(Debug, Serialize, ToSchema)]
struct JobKinds {
    /// By name.
    items: Vec<JobKind>,
}

/// What one kind declares.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct JobKind {
    /// The permanent name.
    #[schema(example = "campaign.send")]
    kind: &'static str,
    /// What running it does.
    description: &'static str,
    /// The queue it waits in, unless the one who enqueues says otherwise.
    queue: &'static str,
    /// `critical`, `high`, `normal` or `low`.
    priority: &'static str,
    /// Attempts before it is dead.
    max_attempts: u16,
    /// How long one attempt may take, in seconds.
    timeout_seconds: u64,
    /// The upper bound of the delay after the first attempt, in milliseconds; it doubles with each.
    backoff_base_ms: u64,
    /// The upper bound of the delay after any attempt, in milliseconds.
    backoff_cap_ms: u64,
    /// Arguments to search by, as `args.NAME`.
    searchable: &'static [&'static str],
    /// Days a finished job is kept.
    retention_days: u16,
    /// JSON Schema (2020-12) of the arguments.
    #[schema(value_type = Object)]
    args_schema: serde_json::Value,
}

impl From<&Kind> for JobKind {
    fn from(kind: &Kind) -> Self {
        let (spec, policy) = (&kind.spec, kind.spec.policy);
        Self {
            kind: spec.kind,
            description: spec.description,
            queue: spec.queue,
            priority: policy.priority.as_str(),
            max_attempts: policy.max_attempts,
            timeout_seconds: policy.timeout.as_secs(),
            backoff_base_ms: u64::try_from(policy.backoff.base.as_millis()).unwrap_or(u64::MAX),
            backoff_cap_ms: u64::try_from(policy.backoff.cap.as_millis()).unwrap_or(u64::MAX),
            searchable: spec.searchable,
            retention_days: policy.retention_days,
            args_schema: kind.schema.as_value().clone(),
        }
    }
}

/// List the kinds of jobs, with the schema of their arguments
#[utoipa::path(get, path = "/api/job-kinds", operation_id = "listJobKinds", tag = "jobs", security(("bearer" = ["jobs:read"])),
    responses((status = 200, body = JobKinds)))]
async fn list(_: Allowed<ReadJobs>, State(app): State<App>) -> Json<JobKinds> {
    Json(JobKinds {
        items: app.catalog.iter().map(JobKind::from).collect(),
    })
}
