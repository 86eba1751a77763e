//! Jobs as they are shown.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::access::{Masked, PersonalField};
use shared::queue::inspect::{Attempt, JobDetail};
use shared::queue::search::JobSummary;
use shared::queue::{BatchId, JobId, WorkerId};
use utoipa::ToSchema;

/// A job in a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Job)]
pub(crate) struct JobView {
    #[schema(value_type = String, example = "job_0192f0c1a2b37c4d8e5f60718293a4b5")]
    id: JobId,
    kind: String,
    queue: String,
    /// `critical`, `high`, `normal` or `low`.
    priority: &'static str,
    /// `available`, `scheduled`, `retryable`, `running`, `completed`, `dead`, `cancelled` or `discarded`.
    state: &'static str,
    /// Groups take turns.
    group: Option<String>,
    tags: Vec<String>,
    /// When it is or was due.
    run_at: DateTime<Utc>,
    /// Attempts made.
    attempt: u32,
    /// Attempts before it is dead.
    max_attempts: u32,
    #[schema(value_type = Option<String>)]
    batch_id: Option<BatchId>,
    /// The job that enqueued it, or that it repeats.
    #[schema(value_type = Option<String>)]
    parent_id: Option<JobId>,
    created_by: String,
    created_at: DateTime<Utc>,
    /// The worker that runs it or ran it last.
    #[schema(value_type = Option<String>)]
    worker_id: Option<WorkerId>,
    /// When its last attempt began.
    started_at: Option<DateTime<Utc>>,
    /// When it was done, cancelled, or dead.
    finished_at: Option<DateTime<Utc>>,
    /// 0 to 1, as its handler told; null if it told nothing.
    progress: Option<f32>,
    progress_note: Option<String>,
    last_error: Option<String>,
    /// The same for errors of the same sort.
    fingerprint: Option<String>,
    /// It runs and was asked to stop.
    cancel_requested: bool,
}

impl From<JobSummary> for JobView {
    fn from(job: JobSummary) -> Self {
        Self {
            id: job.id,
            kind: job.kind,
            queue: job.queue,
            priority: job.priority.as_str(),
            state: job.status.as_str(),
            group: job.group,
            tags: job.tags,
            run_at: job.run_at,
            attempt: job.attempt,
            max_attempts: job.max_attempts,
            batch_id: job.batch,
            parent_id: job.parent,
            created_by: job.created_by,
            created_at: job.created_at,
            worker_id: job.worker,
            started_at: job.started_at,
            finished_at: job.finished_at,
            progress: job.progress,
            progress_note: job.progress_note,
            last_error: job.last_error,
            fingerprint: job.fingerprint,
            cancel_requested: job.cancel_requested,
        }
    }
}

/// A job with its timeline.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = JobDetail)]
pub(crate) struct JobDetailView {
    #[serde(flatten)]
    job: JobView,
    /// The payload, with people's data masked unless it is revealed.
    #[schema(value_type = Object)]
    args: serde_json::Value,
    /// What its handler had to tell when it was done, masked like the payload.
    #[schema(value_type = Option<Object>)]
    output: Option<serde_json::Value>,
    /// What is masked in them, such as `email`; empty if nothing is.
    masked: Vec<&'static str>,
    unique_key: Option<String>,
    cancel_reason: Option<String>,
    /// W3C trace context of whoever enqueued it.
    traceparent: Option<String>,
    /// Worker processes that died while its handler ran.
    crashes: u16,
    /// What happened, in order.
    timeline: Vec<Moment>,
    /// Its attempts, first to last.
    attempts: Vec<AttemptView>,
    /// The newest of the jobs that it enqueued, or that repeat it; `GET /api/jobs?parent=…` lists all.
    children: Vec<JobView>,
}

impl JobDetailView {
    /// The job with people's data masked.
    pub(super) fn masked(mut detail: JobDetail) -> Self {
        let hidden = hide(&mut detail);
        Self {
            masked: hidden.into_iter().map(PersonalField::as_str).collect(),
            ..Self::in_clear(detail)
        }
    }

    /// The job with everything in clear; only for a recorded reveal.
    pub(super) fn in_clear(detail: JobDetail) -> Self {
        let timeline = timeline(&detail);
        Self {
            job: detail.summary.into(),
            args: detail.args,
            output: detail.output,
            masked: Vec::new(),
            unique_key: detail.unique_key,
            cancel_reason: detail.cancel_reason,
            traceparent: detail.trace,
            crashes: detail.crashes,
            timeline,
            attempts: detail.attempts.into_iter().map(AttemptView::from).collect(),
            children: detail.children.into_iter().map(JobView::from).collect(),
        }
    }
}

/// Masks people's data in a job's payload and output; answers what was masked.
pub(crate) fn hide(detail: &mut JobDetail) -> BTreeSet<PersonalField> {
    let (args, output) = (
        Masked::of(&detail.args),
        detail.output.as_ref().map(Masked::of),
    );
    detail.args = args.value;
    let mut hidden = args.fields;
    if let Some(output) = output {
        detail.output = Some(output.value);
        hidden.extend(output.fields);
    }
    hidden
}

/// A change of a job's state.
#[derive(Debug, Serialize, ToSchema)]
struct Moment {
    at: DateTime<Utc>,
    /// `enqueued`, `started`, an attempt's outcome, or the state the job came to.
    event: String,
    /// Which attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
}

/// The moments of a job's life, as far as its row and its attempts tell them.
fn timeline(detail: &JobDetail) -> Vec<Moment> {
    let job = &detail.summary;
    let mut moments = vec![Moment {
        at: job.created_at,
        event: "enqueued".to_owned(),
        attempt: None,
    }];
    for attempt in &detail.attempts {
        let number = Some(attempt.number);
        moments.extend(attempt.started_at.map(|at| Moment {
            at,
            event: "started".to_owned(),
            attempt: number,
        }));
        moments.extend(attempt.ended_at.map(|at| Moment {
            at,
            event: attempt.outcome.clone(),
            attempt: number,
        }));
    }
    let state = job.status.as_str();
    let told = moments.last().is_some_and(|last| last.event == state);
    moments.extend(job.finished_at.filter(|_| !told).map(|at| Moment {
        at,
        event: state.to_owned(),
        attempt: None,
    }));
    moments
}

/// One attempt.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Attempt)]
struct AttemptView {
    /// 1 for the first; a snooze or a lost worker does not count, so a number may come again.
    number: u32,
    #[schema(value_type = Option<String>)]
    worker_id: Option<WorkerId>,
    /// Where that worker runs or ran.
    host: Option<String>,
    started_at: Option<DateTime<Utc>>,
    /// Null while it runs.
    ended_at: Option<DateTime<Utc>>,
    /// `running`, `completed`, `retry`, `failed`, `snoozed`, `cancelled`, `released` or `lost`.
    outcome: String,
    /// The error and its causes, outermost first.
    errors: Vec<String>,
    logs: Vec<LogView>,
}

/// A line that the handler logged.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LogLine)]
struct LogView {
    at: String,
    level: String,
    message: String,
}

impl From<Attempt> for AttemptView {
    fn from(attempt: Attempt) -> Self {
        let logs = attempt.logs.into_iter();
        Self {
            number: attempt.number,
            worker_id: attempt.worker,
            host: attempt.host,
            started_at: attempt.started_at,
            ended_at: attempt.ended_at,
            outcome: attempt.outcome,
            errors: attempt.errors,
            logs: logs
                .map(|line| LogView {
                    at: line.at,
                    level: line.level,
                    message: line.message,
                })
                .collect(),
        }
    }
}
