//! Enqueueing.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde::Serialize;
use serde::de::IgnoredAny;
use shared::idempotency::{self, Answer};
use shared::queue::submit::{Submission, submit};
use shared::queue::{Enqueued, JobId};
use utoipa::ToSchema;

use super::body::{EnqueueBody, JobBody, ManyBody};
use crate::app::App;
use crate::error::Result;
use crate::extract::{Allowed, IdempotencyKey, JsonBytes, WriteJobs, answered, parse_json};

/// A job that was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EnqueuedJob {
    #[schema(value_type = String)]
    id: JobId,
    /// False if a job with the same unique key waited already; it is this one.
    inserted: bool,
}

/// The jobs that were asked for, in the order of the request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EnqueuedJobs {
    jobs: Vec<EnqueuedJob>,
}

impl From<Enqueued> for EnqueuedJob {
    fn from(enqueued: Enqueued) -> Self {
        Self {
            id: enqueued.id(),
            inserted: enqueued.inserted(),
        }
    }
}

/// Enqueue one job, or up to 10,000 at once
///
/// One job is answered with its `Location`. Of many, all are enqueued or none.
#[utoipa::path(post, path = "/api/jobs", operation_id = "enqueueJobs", tag = "jobs", security(("bearer" = ["jobs:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key with the same body has its effect once")),
    request_body = EnqueueBody,
    responses(
        (status = 202, body = EnqueuedJob, headers(("Location" = String, description = "Where the job is shown"))),
        (status = 422, description = "Some fields are wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
pub(super) async fn enqueue(
    caller: Allowed<WriteJobs>,
    State(app): State<App>,
    key: IdempotencyKey,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response> {
    let (jobs, alone) = read(&bytes)?;
    let request = key.request("POST /api/jobs", &bytes);
    let mut tx = app.db.begin().await?;
    if let Some(request) = &request
        && let Some(answer) = idempotency::seen(&mut tx, &caller.ctx, request).await?
    {
        return Ok(answered(answer));
    }
    let enqueued = submit(&mut tx, &caller.ctx, &app.catalog, jobs, alone).await?;
    let answer = answer(enqueued, alone);
    if let Some(request) = &request {
        idempotency::remember(&mut tx, &caller.ctx, request, &answer).await?;
    }
    app.db.commit(tx, &caller.ctx).await?;
    Ok(answered(answer))
}

/// The jobs in a body, and whether it was one by itself.
fn read(bytes: &[u8]) -> Result<(Vec<Submission>, bool)> {
    #[derive(Deserialize)]
    struct Probe {
        jobs: Option<IgnoredAny>,
    }
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    let jobs: Vec<JobBody> = if first == Some(&b'[') {
        parse_json(bytes, "/jobs")?
    } else if serde_json::from_slice::<Probe>(bytes).is_ok_and(|probe| probe.jobs.is_some()) {
        parse_json::<ManyBody>(bytes, "")?.jobs
    } else {
        return Ok((vec![parse_json::<JobBody>(bytes, "")?.into()], true));
    };
    Ok((jobs.into_iter().map(Submission::from).collect(), false))
}

fn answer(enqueued: Vec<Enqueued>, alone: bool) -> Answer {
    let jobs: Vec<EnqueuedJob> = enqueued.into_iter().map(EnqueuedJob::from).collect();
    let location = jobs
        .first()
        .filter(|_| alone)
        .map(|job| format!("/api/jobs/{}", job.id));
    let body = match jobs.first() {
        Some(job) if alone => serde_json::json!(job),
        Some(_) | None => serde_json::json!(EnqueuedJobs { jobs }),
    };
    Answer {
        status: StatusCode::ACCEPTED.as_u16(),
        location,
        body: body.to_string(),
    }
}
