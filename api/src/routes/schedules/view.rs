//! Schedules as they are shown.

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::queue::schedule::{Schedule, ScheduleId, ScheduleRun};
use shared::queue::{JobId, Priority};
use utoipa::ToSchema;

/// A recurring job.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Schedule)]
pub(super) struct ScheduleView {
    #[schema(value_type = String)]
    id: ScheduleId,
    name: String,
    kind: String,
    #[schema(value_type = Object)]
    args: serde_json::Value,
    /// Null for that of the kind.
    queue: Option<String>,
    /// Null for that of the kind.
    priority: Option<&'static str>,
    cron: String,
    timezone: String,
    /// The pattern in English.
    description: String,
    misfire: &'static str,
    paused: bool,
    paused_at: Option<DateTime<Utc>>,
    /// Occurrences up to this moment are settled.
    last_tick: DateTime<Utc>,
    /// When it runs next; empty while it is paused.
    next_ticks: Vec<DateTime<Utc>>,
    version: i64,
    created_by: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl ScheduleView {
    pub(super) fn new(schedule: Schedule, now: DateTime<Utc>) -> Self {
        let outlook = schedule.outlook(now);
        let spec = schedule.spec;
        Self {
            id: schedule.id,
            name: spec.name,
            kind: spec.kind,
            args: spec.args,
            queue: spec.queue,
            priority: spec.priority.map(Priority::as_str),
            cron: spec.cron,
            timezone: spec.timezone,
            description: outlook.description,
            misfire: spec.misfire.as_str(),
            paused: schedule.paused_at.is_some(),
            paused_at: schedule.paused_at,
            last_tick: schedule.last_tick,
            next_ticks: outlook.next,
            version: schedule.version,
            created_by: schedule.created_by,
            created_at: schedule.created_at,
            updated_at: schedule.updated_at,
        }
    }
}

/// A schedule with its last runs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ScheduleDetail {
    #[serde(flatten)]
    pub(super) schedule: ScheduleView,
    /// The last ones, newest first.
    pub(super) runs: Vec<RunView>,
}

/// One run of a schedule.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ScheduleRun)]
pub(super) struct RunView {
    /// The occurrence it stands for; of a run by hand, when that was asked for.
    tick: DateTime<Utc>,
    #[schema(value_type = String)]
    job_id: JobId,
    /// Whether somebody asked for it.
    manual: bool,
    created_at: DateTime<Utc>,
}

impl From<ScheduleRun> for RunView {
    fn from(run: ScheduleRun) -> Self {
        Self {
            tick: run.tick,
            job_id: run.job,
            manual: run.manual,
            created_at: run.created_at,
        }
    }
}
