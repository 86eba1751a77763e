//! What is said of tasks.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use shared::creators::CreatorId;
use shared::tasks::{NewTask, TaskChanges};
use utoipa::ToSchema;

use crate::error::Result;
use crate::extract::told;
use crate::fields::Fields;

/// A task to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewTask)]
pub(super) struct TaskBody {
    #[schema(example = "Ask for a sharper scan of the passport")]
    title: String,
    description: Option<String>,
    /// About whom; left out, about nobody in particular.
    #[schema(example = "creator_0192f0c1a2b37c4d8e5f60718293a4b5")]
    creator_id: Option<String>,
    /// The subject of a user; left out, whoever takes it.
    assignee: Option<String>,
    due_at: Option<DateTime<Utc>>,
    remind_at: Option<DateTime<Utc>>,
    /// Once it is done, it comes back this many days after it was due.
    repeat_days: Option<i32>,
}

impl TaskBody {
    pub(super) fn task(self) -> Result<(Option<CreatorId>, NewTask)> {
        let mut fields = Fields::default();
        let creator = fields.parsed_if("/creatorId", self.creator_id.as_deref());
        fields.finish()?;
        let task = NewTask {
            title: self.title,
            description: self.description,
            assignee: self.assignee,
            due_at: self.due_at,
            remind_at: self.remind_at,
            repeat_days: self.repeat_days,
        };
        Ok((creator, task))
    }
}

/// What is to be different; fields that are left out stay, `null` takes away.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = TaskChanges)]
pub(super) struct ChangesBody {
    title: Option<String>,
    #[serde(deserialize_with = "told")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
    #[serde(deserialize_with = "told")]
    #[schema(value_type = Option<String>)]
    assignee: Option<Option<String>>,
    #[serde(deserialize_with = "told")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    due_at: Option<Option<DateTime<Utc>>>,
    #[serde(deserialize_with = "told")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    remind_at: Option<Option<DateTime<Utc>>>,
    #[serde(deserialize_with = "told")]
    #[schema(value_type = Option<i32>)]
    repeat_days: Option<Option<i32>>,
}

impl ChangesBody {
    pub(super) fn changes(self) -> TaskChanges {
        TaskChanges {
            title: self.title,
            description: self.description,
            assignee: self.assignee,
            due_at: self.due_at,
            remind_at: self.remind_at,
            repeat_days: self.repeat_days,
        }
    }
}
