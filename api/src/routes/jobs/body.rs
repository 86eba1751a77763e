//! What is sent about jobs.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::kernel::FieldError;
use shared::queue::search::{JobFilter, JobStatus};
use shared::queue::steer::Changes;
use shared::queue::submit::Submission;
use shared::queue::{Catalog, Priority};
use utoipa::ToSchema;

use super::search::{check_args, check_error_text};
use crate::error::{Problem, Result};

/// A job to enqueue; what is left out is as its kind declares.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewJob)]
pub(crate) struct JobBody {
    #[schema(example = "campaign.send")]
    kind: String,
    /// The payload; `GET /api/job-kinds` has its schema.
    #[serde(default = "no_args")]
    #[schema(value_type = Object)]
    args: Value,
    queue: Option<String>,
    #[schema(value_type = Option<String>, example = "high")]
    priority: Option<Priority>,
    /// Not before this.
    run_at: Option<DateTime<Utc>>,
    /// A waiting job of the same kind and key is answered instead of a new one.
    unique_key: Option<String>,
    max_attempts: Option<u16>,
    /// Groups take turns.
    group: Option<String>,
    /// Words to find it by.
    #[serde(default)]
    tags: Vec<String>,
}

fn no_args() -> Value {
    Value::Object(serde_json::Map::new())
}

impl From<JobBody> for Submission {
    fn from(body: JobBody) -> Self {
        Self {
            kind: body.kind,
            args: body.args,
            queue: body.queue,
            priority: body.priority,
            run_at: body.run_at,
            unique_key: body.unique_key,
            max_attempts: body.max_attempts,
            group: body.group,
            tags: body.tags,
        }
    }
}

/// One job, `{"jobs": […]}`, or a bare list.
#[derive(Debug, ToSchema)]
#[schema(as = EnqueueRequest)]
#[allow(dead_code, reason = "describes what `create` reads")]
pub(crate) enum EnqueueBody {
    #[schema(title = "One job")]
    One(JobBody),
    #[schema(title = "Up to 10,000 jobs")]
    Many(ManyBody),
}

/// Up to 10,000 jobs, all of them or none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewJobs)]
pub(crate) struct ManyBody {
    pub(super) jobs: Vec<JobBody>,
}

/// What is to be different when a job runs again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = RetryRequest)]
pub(crate) struct RetryBody {
    /// Another payload.
    #[schema(value_type = Option<Object>)]
    args: Option<Value>,
    queue: Option<String>,
    #[schema(value_type = Option<String>)]
    priority: Option<Priority>,
    /// Not before this.
    run_at: Option<DateTime<Utc>>,
    max_attempts: Option<u16>,
}

impl From<RetryBody> for Changes {
    fn from(body: RetryBody) -> Self {
        Self {
            args: body.args,
            queue: body.queue,
            priority: body.priority,
            run_at: body.run_at,
            max_attempts: body.max_attempts,
        }
    }
}

/// Why something is done.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = CancelRequest)]
pub(crate) struct ReasonBody {
    /// Kept with the job.
    pub(super) reason: Option<String>,
}

/// Which jobs; what is left out does not matter.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = JobFilter)]
pub(crate) struct FilterBody {
    /// In one of these states.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    state: Vec<JobStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    creator: Option<String>,
    /// Searchable arguments by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    args: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_after: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_before: Option<DateTime<Utc>>,
    /// A text within the last error.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
}

impl FilterBody {
    /// The filter; pointers in the refusal begin with `prefix`.
    pub(crate) fn checked(self, catalog: &Catalog, prefix: &str) -> Result<JobFilter> {
        let filter = JobFilter {
            states: self.state,
            kind: self.kind,
            queue: self.queue,
            tag: self.tag,
            group: self.group,
            creator: self.creator,
            args: self.args.into_iter().collect(),
            created_after: self.created_after,
            created_before: self.created_before,
            error: self.error,
            fingerprint: self.fingerprint,
            batch: None,
            parent: None,
        };
        let mut errors: Vec<FieldError> =
            check_args(&filter, catalog, |name| format!("{prefix}/args/{name}"));
        errors.extend(check_error_text(&filter, format!("{prefix}/error")));
        if errors.is_empty() {
            Ok(filter)
        } else {
            Err(Problem::invalid(errors))
        }
    }
}

impl From<JobFilter> for FilterBody {
    fn from(filter: JobFilter) -> Self {
        Self {
            state: filter.states,
            kind: filter.kind,
            queue: filter.queue,
            tag: filter.tag,
            group: filter.group,
            creator: filter.creator,
            args: filter.args.into_iter().collect(),
            created_after: filter.created_after,
            created_before: filter.created_before,
            error: filter.error,
            fingerprint: filter.fingerprint,
        }
    }
}
