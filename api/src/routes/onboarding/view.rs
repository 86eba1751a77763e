//! How onboarding is shown.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use shared::creators::CreatorId;
use shared::kernel::Page;
use shared::onboarding::{Blocker, Event, Run, RunId, RunState, Step, StepKey};
use utoipa::ToSchema;

/// Where a creator stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Onboarding)]
pub(super) struct OnboardingView {
    #[schema(value_type = String, example = "onboarding_0192f0c1a2b37c4d8e5f60718293a4b5")]
    id: RunId,
    #[schema(value_type = String, example = "creator_0192f0c1a2b37c4d8e5f60718293a4b5")]
    creator_id: CreatorId,
    cluster_id: String,
    /// The version of the cluster's flow that this creator began with, and keeps.
    flow_version: i32,
    /// `open`, `completed` or `abandoned`.
    #[schema(example = "open")]
    state: &'static str,
    /// How much of what is required is done, 0 to 100.
    percent: u8,
    /// The first required step that can be done now.
    #[schema(example = "profile_setup")]
    current_step: Option<&'static str>,
    started_at: DateTime<Utc>,
    last_activity_at: DateTime<Utc>,
    /// When what can be done now should be done.
    due_at: Option<DateTime<Utc>>,
    /// Since when nothing happens although it should.
    stalled_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    steps: Vec<StepView>,
}

/// One step.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OnboardingStep)]
struct StepView {
    #[schema(example = "profile_setup")]
    step_id: &'static str,
    title: String,
    /// From 1.
    order: usize,
    required: bool,
    /// `pending`, `completed` or `skipped`.
    #[schema(example = "pending")]
    state: &'static str,
    /// Steps that must have ended before.
    prerequisites: Vec<&'static str>,
    /// What keeps it from being completed; empty when it can be, and when it has ended.
    blockers: Vec<BlockerView>,
    /// What shows that it is done: `word`, `profile`, `consent_choice`, `staff` or `other_steps`.
    #[schema(example = "profile")]
    proof: &'static str,
    /// JSON Schema (2020-12) of the data that complete it.
    #[schema(value_type = Object)]
    data_schema: Value,
    expected_minutes: i32,
    /// When it could be begun.
    started_at: Option<DateTime<Utc>>,
    due_at: Option<DateTime<Utc>>,
    overdue: bool,
    ended_at: Option<DateTime<Utc>>,
    ended_by: Option<String>,
    /// Whole minutes from when it could be begun to its end.
    minutes: Option<i64>,
    #[schema(value_type = Option<Object>)]
    data: Option<Value>,
}

/// What keeps a step from being completed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OnboardingBlocker)]
struct BlockerView {
    /// `prerequisite`, `missing`, `decision` or `other_steps`.
    #[schema(example = "missing")]
    kind: &'static str,
    /// The step that has to end first, or the field that is missing.
    #[schema(example = "displayName")]
    what: Option<&'static str>,
}

impl OnboardingView {
    pub(super) fn of(run: Run, blockers: Vec<Vec<Blocker>>, now: DateTime<Utc>) -> Self {
        let (percent, due_at) = (run.percent(), run.due_at());
        let steps: Vec<StepView> = run
            .steps
            .into_iter()
            .zip(blockers)
            .zip(1..)
            .map(|((step, blockers), order)| StepView::of(step, &blockers, order, now))
            .collect();
        let current = steps.iter().find(|step| step.can_be_worked_on());
        Self {
            id: run.id,
            creator_id: run.creator,
            cluster_id: run.cluster,
            flow_version: run.flow_version,
            state: run.state.as_str(),
            percent,
            current_step: current
                .filter(|_| run.state != RunState::Completed)
                .map(|step| step.step_id),
            started_at: run.started_at,
            last_activity_at: run.last_activity_at,
            due_at,
            stalled_at: run.stalled_at,
            ended_at: run.ended_at,
            steps,
        }
    }
}

impl StepView {
    fn of(step: Step, blockers: &[Blocker], order: usize, now: DateTime<Utc>) -> Self {
        let (overdue, minutes) = (step.is_overdue(now), step.minutes());
        let prerequisites = step.flow.prerequisites.iter();
        Self {
            step_id: step.flow.key.as_str(),
            title: step.flow.title,
            order,
            required: step.flow.required,
            state: step.state.as_str(),
            prerequisites: prerequisites.map(|key| key.as_str()).collect(),
            blockers: blockers.iter().map(BlockerView::of).collect(),
            proof: step.flow.proof.as_str(),
            data_schema: step.flow.data_schema,
            expected_minutes: step.flow.expected_minutes,
            started_at: step.started_at,
            due_at: step.due_at,
            overdue,
            ended_at: step.ended_at,
            ended_by: step.ended_by,
            minutes,
            data: step.data,
        }
    }

    fn can_be_worked_on(&self) -> bool {
        self.required
            && self.state == "pending"
            && self.started_at.is_some()
            && self.step_id != StepKey::Completed.as_str()
    }
}

impl BlockerView {
    fn of(blocker: &Blocker) -> Self {
        let (kind, what) = match blocker {
            Blocker::Prerequisite(step) => ("prerequisite", Some(step.as_str())),
            Blocker::Missing(field) => ("missing", Some(*field)),
            Blocker::Decision => ("decision", None),
            Blocker::OtherSteps => ("other_steps", None),
        };
        Self { kind, what }
    }
}

/// What happened, a page at a time.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OnboardingHistory)]
pub(super) struct HistoryPage {
    /// The latest first.
    items: Vec<EventView>,
    next_cursor: Option<String>,
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OnboardingEvent)]
struct EventView {
    /// `run_started`, `run_stalled`, `run_abandoned`, `run_resumed`, `run_completed`, `step_started`, `step_completed`,
    /// `step_skipped`, `step_rejected` or `step_reopened`.
    #[schema(example = "step_completed")]
    kind: &'static str,
    /// The step; of a stall or an end without success, where the run stood.
    step_id: Option<&'static str>,
    /// Whole minutes from the start of what ended.
    minutes: Option<i64>,
    reason: Option<String>,
    #[schema(value_type = Option<Object>)]
    data: Option<Value>,
    #[schema(example = "user:ada")]
    by: String,
    at: DateTime<Utc>,
}

impl HistoryPage {
    pub(super) fn of(page: Page<Event>) -> Self {
        Self {
            items: page.items.into_iter().map(EventView::from).collect(),
            next_cursor: page.next.map(|cursor| cursor.as_str().to_owned()),
        }
    }
}

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        Self {
            kind: event.kind.as_str(),
            step_id: event.step.map(StepKey::as_str),
            minutes: event.minutes,
            reason: event.reason,
            data: event.data,
            by: event.by,
            at: event.at,
        }
    }
}
