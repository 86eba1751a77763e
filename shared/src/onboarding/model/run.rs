//! Runs: one creator on the way through one version of a flow.

use chrono::{DateTime, Duration, Utc};
use serde_json::Value;

use super::step::minutes_between;
use super::{Event, EventKind, Flow, Proof, Refusal, RunId, RunState, Step, StepKey, StepState};
use crate::creators::CreatorId;

/// One creator on the way through one version of a flow.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Which.
    pub id: RunId,
    /// Whose.
    pub creator: CreatorId,
    /// The cluster whose flow it follows.
    pub cluster: String,
    /// The version of that flow; never another one.
    pub flow_version: i32,
    /// Silence after which it is stalled, in minutes.
    pub stall_minutes: i32,
    /// Silence after which it is given up, in minutes.
    pub abandon_minutes: i32,
    /// Where it stands.
    pub state: RunState,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When something was last done in it.
    pub last_activity_at: DateTime<Utc>,
    /// Since when it is stalled; none if it is not.
    pub stalled_at: Option<DateTime<Utc>>,
    /// When it was completed or given up.
    pub ended_at: Option<DateTime<Utc>>,
    /// In the order of the flow.
    pub steps: Vec<Step>,
}

impl Run {
    /// A run that begins now, and what is to be kept of it.
    pub(crate) fn begin(
        flow: Flow,
        creator: CreatorId,
        by: &str,
        now: DateTime<Utc>,
    ) -> (Self, Vec<Event>) {
        let mut run = Self {
            id: RunId::new(),
            creator,
            cluster: flow.cluster,
            flow_version: flow.version,
            stall_minutes: flow.stall_minutes,
            abandon_minutes: flow.abandon_minutes,
            state: RunState::Open,
            started_at: now,
            last_activity_at: now,
            stalled_at: None,
            ended_at: None,
            steps: flow.steps.into_iter().map(Step::new).collect(),
        };
        let mut events = vec![Event::new(EventKind::RunStarted, None, by, now)];
        run.go_on(by, now, &mut events);
        (run, events)
    }

    /// When silence becomes a stall.
    pub fn stalls_at(&self) -> DateTime<Utc> {
        self.last_activity_at + Duration::minutes(self.stall_minutes.into())
    }

    /// When silence ends the run.
    pub fn abandons_at(&self) -> DateTime<Utc> {
        self.last_activity_at + Duration::minutes(self.abandon_minutes.into())
    }

    /// When the last of the required steps that can be done now should be; none when nothing can be done.
    pub fn due_at(&self) -> Option<DateTime<Utc>> {
        let open = self
            .steps
            .iter()
            .filter(|step| step.state == StepState::Pending && step.flow.required);
        open.filter(|step| step.flow.proof != Proof::OtherSteps)
            .filter_map(|step| step.due_at)
            .max()
    }

    /// How much of what is required is done, from 0 to 100, rounded down: 100 only when all of it is.
    pub fn percent(&self) -> u8 {
        let required = || {
            self.steps
                .iter()
                .filter(|step| step.flow.required && step.flow.proof != Proof::OtherSteps)
        };
        let done = required()
            .filter(|step| step.state != StepState::Pending)
            .count();
        let percent = (done * 100).checked_div(required().count()).unwrap_or(100);
        u8::try_from(percent).unwrap_or(100)
    }

    /// One step.
    ///
    /// # Errors
    /// If the flow has no such step.
    pub(in crate::onboarding) fn step(&self, key: StepKey) -> Result<&Step, Refusal> {
        self.steps
            .iter()
            .find(|step| step.flow.key == key)
            .ok_or_else(|| Refusal::NoSuchStep {
                step: key,
                version: self.flow_version,
                known: self.steps.iter().map(|step| step.flow.key).collect(),
            })
    }

    /// The prerequisites of a step that have not ended.
    pub(in crate::onboarding) fn missing(&self, step: &Step) -> Vec<StepKey> {
        let pending = |key: &&StepKey| {
            self.steps
                .iter()
                .any(|other| other.flow.key == **key && other.state == StepState::Pending)
        };
        step.flow
            .prerequisites
            .iter()
            .filter(pending)
            .copied()
            .collect()
    }

    /// The step, if it can be ended now by somebody.
    ///
    /// # Errors
    /// If there is none, it has ended, it ends by itself, or another step has to end first.
    pub(in crate::onboarding) fn ready(&self, key: StepKey) -> Result<&Step, Refusal> {
        let step = self.step(key)?;
        if step.flow.proof == Proof::OtherSteps {
            return Err(Refusal::ByItself { step: key });
        }
        match step.state {
            StepState::Pending => {}
            state @ (StepState::Completed | StepState::Skipped) => {
                return Err(Refusal::Ended { step: key, state });
            }
        }
        let missing = self.missing(step);
        if missing.is_empty() {
            Ok(step)
        } else {
            Err(Refusal::OutOfOrder { step: key, missing })
        }
    }

    /// Completes a step whose data and proof were found good.
    ///
    /// # Errors
    /// As [`Run::ready`].
    pub(crate) fn complete(
        &mut self,
        key: StepKey,
        data: Value,
        reason: Option<String>,
        by: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<Event>, Refusal> {
        self.ready(key)?;
        let mut events = self.wake(by, now);
        self.end(
            key,
            StepState::Completed,
            Some(data),
            reason,
            by,
            now,
            &mut events,
        );
        self.go_on(by, now, &mut events);
        Ok(events)
    }

    /// Leaves out a step that is not required.
    ///
    /// # Errors
    /// As [`Run::ready`], and if it is required.
    pub(in crate::onboarding) fn skip(
        &mut self,
        key: StepKey,
        reason: Option<String>,
        by: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<Event>, Refusal> {
        if self.ready(key)?.flow.required {
            return Err(Refusal::Required { step: key });
        }
        let mut events = self.wake(by, now);
        self.end(key, StepState::Skipped, None, reason, by, now, &mut events);
        self.go_on(by, now, &mut events);
        Ok(events)
    }

    /// Notes that staff looked at a step and said no; it stays to be done.
    ///
    /// # Errors
    /// As [`Run::ready`].
    pub(in crate::onboarding) fn reject(
        &mut self,
        key: StepKey,
        reason: String,
        by: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<Event>, Refusal> {
        self.ready(key)?;
        let mut events = self.wake(by, now);
        let rejected = Event {
            reason: Some(reason),
            ..Event::new(EventKind::StepRejected, Some(key), by, now)
        };
        events.push(rejected);
        Ok(events)
    }

    /// Has a step done again. Steps that waited for it and are done stay done; those that are not wait again.
    ///
    /// # Errors
    /// If there is no such step, or it has not ended.
    pub(in crate::onboarding) fn reopen(
        &mut self,
        key: StepKey,
        reason: String,
        by: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<Event>, Refusal> {
        let step = self.step(key)?;
        if step.flow.proof == Proof::OtherSteps {
            return Err(Refusal::ByItself { step: key });
        }
        if step.state == StepState::Pending {
            return Err(Refusal::NotEnded { step: key });
        }
        let required = step.flow.required;
        let mut events = self.wake(by, now);
        let reopened = Event {
            reason: Some(reason),
            ..Event::new(EventKind::StepReopened, Some(key), by, now)
        };
        events.push(reopened);
        if let Some(step) = self.step_mut(key) {
            step.back_to_pending(now);
        }
        self.hold_back_dependents();
        if required && self.state == RunState::Completed {
            self.take_up(by, now, &mut events);
        }
        Ok(events)
    }

    fn step_mut(&mut self, key: StepKey) -> Option<&mut Step> {
        self.steps.iter_mut().find(|step| step.flow.key == key)
    }

    /// Notes a sign of life.
    fn wake(&mut self, by: &str, now: DateTime<Utc>) -> Vec<Event> {
        let mut events = Vec::new();
        self.last_activity_at = now;
        self.stalled_at = None;
        if self.state == RunState::Abandoned {
            self.take_up(by, now, &mut events);
        }
        events
    }

    fn take_up(&mut self, by: &str, now: DateTime<Utc>, events: &mut Vec<Event>) {
        self.state = RunState::Open;
        self.ended_at = None;
        for step in self
            .steps
            .iter_mut()
            .filter(|step| step.flow.proof == Proof::OtherSteps)
        {
            // its time is that of the whole run
            let started_at = step.started_at;
            *step = Step {
                started_at,
                due_at: step.due_at,
                ..Step::new(step.flow.clone())
            };
        }
        events.push(Event::new(EventKind::RunResumed, None, by, now));
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "private; each is a column of the event"
    )]
    fn end(
        &mut self,
        key: StepKey,
        state: StepState,
        data: Option<Value>,
        reason: Option<String>,
        by: &str,
        now: DateTime<Utc>,
        events: &mut Vec<Event>,
    ) {
        let Some(step) = self.step_mut(key) else {
            return;
        };
        step.state = state;
        step.ended_at = Some(now);
        step.ended_by = Some(by.to_owned());
        step.data = data.clone();
        let kind = match state {
            StepState::Completed => EventKind::StepCompleted,
            StepState::Skipped => EventKind::StepSkipped,
            StepState::Pending => EventKind::StepReopened,
        };
        let minutes = step.minutes();
        events.push(Event {
            minutes,
            reason,
            data,
            ..Event::new(kind, Some(key), by, now)
        });
    }

    /// Steps whose prerequisite was reopened cannot be begun any more.
    fn hold_back_dependents(&mut self) {
        let blocked: Vec<StepKey> = self
            .steps
            .iter()
            .filter(|step| step.state == StepState::Pending && !self.missing(step).is_empty())
            .map(|step| step.flow.key)
            .collect();
        for step in self
            .steps
            .iter_mut()
            .filter(|step| blocked.contains(&step.flow.key))
        {
            step.started_at = None;
            step.due_at = None;
        }
    }

    /// Starts what can be begun now, and ends the run when nothing required is left.
    fn go_on(&mut self, by: &str, now: DateTime<Utc>, events: &mut Vec<Event>) {
        let startable: Vec<StepKey> = self
            .steps
            .iter()
            .filter(|step| {
                step.state == StepState::Pending
                    && step.started_at.is_none()
                    && self.missing(step).is_empty()
            })
            .map(|step| step.flow.key)
            .collect();
        for key in startable {
            if let Some(step) = self.step_mut(key) {
                step.start(now);
            }
            events.push(Event::new(EventKind::StepStarted, Some(key), by, now));
        }
        if self.state == RunState::Open && self.percent() == 100 {
            self.state = RunState::Completed;
            self.ended_at = Some(now);
            self.end(
                StepKey::Completed,
                StepState::Completed,
                None,
                None,
                by,
                now,
                events,
            );
            let minutes = Some(minutes_between(self.started_at, now));
            events.push(Event {
                minutes,
                ..Event::new(EventKind::RunCompleted, None, by, now)
            });
        }
    }
}
