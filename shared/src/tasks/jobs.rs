//! The jobs of tasks.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TaskId;
use crate::queue::{Job, Policy};

/// Reminds of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RemindTask {
    /// Which.
    pub task_id: TaskId,
    /// The reminder that was asked for; if the task names another one by then, that one has its own job.
    pub remind_at: DateTime<Utc>,
}

impl Job for RemindTask {
    const KIND: &'static str = "task.remind";
    const QUEUE: &'static str = "housekeeping";
    const DESCRIPTION: &'static str =
        "Reminds of a task, unless it is done or the reminder was moved.";
    const POLICY: Policy = Policy {
        searchable: &["taskId"],
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some(format!(
            "{}:{}",
            self.task_id,
            self.remind_at.timestamp_micros()
        ))
    }
}
