//! What is sent about schedules.

use serde::{Deserialize, Serialize};
use shared::queue::Priority;
use shared::queue::schedule::{Misfire, ScheduleChanges, ScheduleSpec};
use utoipa::ToSchema;

use crate::extract::told;

/// What to do with ticks that were missed.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Misfire)]
pub(super) enum MisfireBody {
    /// Nothing: wait for the next one.
    Skip,
    /// Run once for all of them.
    Once,
    /// Run each.
    All,
}

impl From<MisfireBody> for Misfire {
    fn from(body: MisfireBody) -> Self {
        match body {
            MisfireBody::Skip => Self::Skip,
            MisfireBody::Once => Self::Once,
            MisfireBody::All => Self::All,
        }
    }
}

/// A schedule to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewSchedule)]
pub(super) struct CreateBody {
    /// No two have the same.
    name: String,
    kind: String,
    #[serde(default = "no_args")]
    #[schema(value_type = Object)]
    args: serde_json::Value,
    queue: Option<String>,
    #[schema(value_type = Option<String>)]
    priority: Option<Priority>,
    /// Five fields (minute, hour, day, month, weekday), or six with seconds first.
    #[schema(example = "30 9 * * 1-5")]
    cron: String,
    /// An IANA name; UTC if left out.
    #[serde(default = "utc")]
    #[schema(example = "Europe/Berlin")]
    timezone: String,
    /// `once` if left out.
    #[serde(default = "once")]
    misfire: MisfireBody,
    #[serde(default)]
    pub(super) paused: bool,
}

fn no_args() -> serde_json::Value {
    serde_json::json!({})
}

pub(super) fn utc() -> String {
    "UTC".to_owned()
}

const fn once() -> MisfireBody {
    MisfireBody::Once
}

/// What is to be different; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = ScheduleChanges)]
pub(super) struct ChangeBody {
    name: Option<String>,
    #[schema(value_type = Option<Object>)]
    args: Option<serde_json::Value>,
    /// Null for that of the kind.
    #[serde(deserialize_with = "told")]
    #[schema(value_type = Option<String>)]
    queue: Option<Option<String>>,
    /// Null for that of the kind.
    #[serde(deserialize_with = "told")]
    #[schema(value_type = Option<String>)]
    priority: Option<Option<Priority>>,
    cron: Option<String>,
    timezone: Option<String>,
    misfire: Option<MisfireBody>,
    /// What would have run while it was paused is not made up for.
    paused: Option<bool>,
}

impl From<ChangeBody> for ScheduleChanges {
    fn from(body: ChangeBody) -> Self {
        Self {
            name: body.name,
            args: body.args,
            queue: body.queue,
            priority: body.priority,
            cron: body.cron,
            timezone: body.timezone,
            misfire: body.misfire.map(Misfire::from),
            paused: body.paused,
        }
    }
}

impl From<CreateBody> for ScheduleSpec {
    fn from(body: CreateBody) -> Self {
        Self {
            name: body.name,
            kind: body.kind,
            args: body.args,
            queue: body.queue,
            priority: body.priority,
            cron: body.cron,
            timezone: body.timezone,
            misfire: body.misfire.into(),
        }
    }
}
