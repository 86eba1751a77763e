//! How tasks are shown.

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::creators::CreatorId;
use shared::kernel::Page;
use shared::tasks::{Task, TaskId};
use utoipa::ToSchema;

/// A task.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Task)]
pub(super) struct TaskView {
    #[schema(value_type = String, example = "task_0192f0c1a2b37c4d8e5f60718293a4b5")]
    id: TaskId,
    #[schema(value_type = Option<String>, example = "creator_0192f0c1a2b37c4d8e5f60718293a4b5")]
    creator_id: Option<CreatorId>,
    title: String,
    description: Option<String>,
    assignee: Option<String>,
    /// `open` or `done`.
    #[schema(example = "open")]
    state: &'static str,
    due_at: Option<DateTime<Utc>>,
    remind_at: Option<DateTime<Utc>>,
    /// When the reminder came.
    reminded_at: Option<DateTime<Utc>>,
    repeat_days: Option<i32>,
    done_at: Option<DateTime<Utc>>,
    done_by: Option<String>,
    #[schema(example = "user:ada")]
    created_by: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
}

impl From<Task> for TaskView {
    fn from(task: Task) -> Self {
        Self {
            id: task.id,
            creator_id: task.creator,
            title: task.task.title,
            description: task.task.description,
            assignee: task.task.assignee,
            state: task.state.as_str(),
            due_at: task.task.due_at,
            remind_at: task.task.remind_at,
            reminded_at: task.reminded_at,
            repeat_days: task.task.repeat_days,
            done_at: task.done_at,
            done_by: task.done_by,
            created_by: task.created_by,
            created_at: task.created_at,
            updated_at: task.updated_at,
            version: task.version,
        }
    }
}

/// Tasks, a page at a time.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TaskPage {
    items: Vec<TaskView>,
    next_cursor: Option<String>,
}

impl TaskPage {
    pub(super) fn of(page: Page<Task>) -> Self {
        Self {
            items: page.items.into_iter().map(TaskView::from).collect(),
            next_cursor: page.next.map(|cursor| cursor.as_str().to_owned()),
        }
    }
}
