//! Steps of a run, what happens to them, and what keeps them from being completed.

use chrono::{DateTime, Duration, Utc};
use serde_json::Value;

use super::{FlowStep, StepKey};
use crate::kernel::{typed_id, words};

typed_id!(
    /// Names one run.
    RunId,
    "onboarding"
);

words!(
    /// Where a run stands.
    RunState {
        /// Under way.
        Open => "open",
        /// Every required step is done.
        Completed => "completed",
        /// Given up after a long silence; a sign of life takes it up again.
        Abandoned => "abandoned",
        /// Of a duplicate that was merged into a creator with a run of its own; counts nowhere.
        Superseded => "superseded",
    }
);

words!(
    /// Where a step stands.
    StepState {
        /// Not done.
        Pending => "pending",
        /// Done, with its proof.
        Completed => "completed",
        /// Left out.
        Skipped => "skipped",
    }
);

words!(
    /// What happened.
    EventKind {
        /// The run began.
        RunStarted => "run_started",
        /// Nothing happened for long.
        RunStalled => "run_stalled",
        /// Nothing happened for so long that the run was given up.
        RunAbandoned => "run_abandoned",
        /// A run that was given up, or was over, goes on.
        RunResumed => "run_resumed",
        /// The last required step was done.
        RunCompleted => "run_completed",
        /// The step could be begun.
        StepStarted => "step_started",
        /// The step was done.
        StepCompleted => "step_completed",
        /// The step was left out.
        StepSkipped => "step_skipped",
        /// Staff looked and said no.
        StepRejected => "step_rejected",
        /// The step is to be done again.
        StepReopened => "step_reopened",
    }
);

/// One step of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What the flow says of it.
    pub flow: FlowStep,
    /// Where it stands.
    pub state: StepState,
    /// When all its prerequisites had ended; none while one has not.
    pub started_at: Option<DateTime<Utc>>,
    /// When it should be done.
    pub due_at: Option<DateTime<Utc>>,
    /// When it was completed or skipped.
    pub ended_at: Option<DateTime<Utc>>,
    /// By whom.
    pub ended_by: Option<String>,
    /// With which data.
    pub data: Option<Value>,
}

impl Step {
    pub(super) fn new(flow: FlowStep) -> Self {
        Self {
            flow,
            state: StepState::Pending,
            started_at: None,
            due_at: None,
            ended_at: None,
            ended_by: None,
            data: None,
        }
    }

    /// Whole minutes from its start to its end; none before that.
    pub fn minutes(&self) -> Option<i64> {
        Some(minutes_between(self.started_at?, self.ended_at?))
    }

    /// Whether it should have been done by `now` and is not.
    pub fn is_overdue(&self, now: DateTime<Utc>) -> bool {
        self.state == StepState::Pending && self.due_at.is_some_and(|due| due < now)
    }

    pub(super) fn start(&mut self, now: DateTime<Utc>) {
        self.started_at = Some(now);
        self.due_at = Some(now + Duration::minutes(self.flow.due_minutes.into()));
    }

    pub(super) fn back_to_pending(&mut self, now: DateTime<Utc>) {
        *self = Self::new(self.flow.clone());
        self.start(now);
    }
}

/// Something that happened in a run, about to be kept or read back.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What.
    pub kind: EventKind,
    /// The step it is about; of a stall or an end without success, the step the run stood at.
    pub step: Option<StepKey>,
    /// Whole minutes from the start of what ended.
    pub minutes: Option<i64>,
    /// Why, where a person said so.
    pub reason: Option<String>,
    /// The data a step was completed with.
    pub data: Option<Value>,
    /// Who caused it.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

impl Event {
    pub(crate) fn new(kind: EventKind, step: Option<StepKey>, by: &str, at: DateTime<Utc>) -> Self {
        Self {
            kind,
            step,
            minutes: None,
            reason: None,
            data: None,
            by: by.to_owned(),
            at,
        }
    }
}

/// What keeps a step from being completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blocker {
    /// This step has to end first.
    Prerequisite(StepKey),
    /// This is not filled in or on record yet.
    Missing(&'static str),
    /// Staff has to decide.
    Decision,
    /// It ends by itself when every other required step has.
    OtherSteps,
}

/// Why a run does not allow something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The flow of this run has no such step.
    #[error(
        "version {version} of this flow has no step `{step}`; it has: {}",
        list(known)
    )]
    NoSuchStep {
        /// What was asked for.
        step: StepKey,
        /// The version the run is pinned to.
        version: i32,
        /// The steps it has.
        known: Vec<StepKey>,
    },
    /// Another step has to end first.
    #[error("`{step}` cannot be done yet; first: {}", list(missing))]
    OutOfOrder {
        /// What was asked for.
        step: StepKey,
        /// What has to end first.
        missing: Vec<StepKey>,
    },
    /// It has ended, with other data or in another way.
    #[error("`{step}` is {state} already; reopen it to do it again")]
    Ended {
        /// Which.
        step: StepKey,
        /// How.
        state: StepState,
    },
    /// Only an ended step can be reopened.
    #[error("`{step}` is pending; only a completed or skipped step can be reopened")]
    NotEnded {
        /// Which.
        step: StepKey,
    },
    /// A required step cannot be left out.
    #[error("`{step}` is required and cannot be skipped; complete it")]
    Required {
        /// Which.
        step: StepKey,
    },
    /// It ends by itself.
    #[error("`{step}` ends by itself when every other required step has ended")]
    ByItself {
        /// Which.
        step: StepKey,
    },
}

fn list(keys: &[StepKey]) -> String {
    keys.iter()
        .map(|key| key.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

pub(super) fn minutes_between(from: DateTime<Utc>, to: DateTime<Utc>) -> i64 {
    (to - from).num_minutes().max(0)
}
