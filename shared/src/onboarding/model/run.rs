//! Runs: one creator on the way through one version of a flow.

use chrono::{DateTime, Duration, Utc};
use serde_json::Value;

use super::{Flow, FlowStep, Proof, StepKey};
use crate::creators::CreatorId;
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
    fn new(flow: FlowStep) -> Self {
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

    fn start(&mut self, now: DateTime<Utc>) {
        self.started_at = Some(now);
        self.due_at = Some(now + Duration::minutes(self.flow.due_minutes.into()));
    }

    fn back_to_pending(&mut self, now: DateTime<Utc>) {
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
    fn new(kind: EventKind, step: Option<StepKey>, by: &str, at: DateTime<Utc>) -> Self {
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
    pub(in crate::onboarding) fn begin(
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
    pub(in crate::onboarding) fn complete(
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

fn minutes_between(from: DateTime<Utc>, to: DateTime<Utc>) -> i64 {
    (to - from).num_minutes().max(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;
    use serde_json::json;

    use super::super::flow::tests::{flow, step};
    use super::*;

    const KEYS: [StepKey; 6] = [
        StepKey::Welcome,
        StepKey::ProfileSetup,
        StepKey::Verification,
        StepKey::ContentSetup,
        StepKey::PayoutSetup,
        StepKey::MarketingSetup,
    ];

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::minutes(minute)
    }

    fn begun(steps: Vec<FlowStep>) -> Run {
        let new = flow(steps);
        new.check().expect("a good flow");
        let published = Flow {
            cluster: new.cluster,
            version: 1,
            steps: new.steps,
            stall_minutes: new.stall_minutes,
            abandon_minutes: new.abandon_minutes,
            published_by: "test".into(),
            published_at: at(0),
        };
        Run::begin(published, CreatorId::new(), "test", at(0)).0
    }

    /// Any flow that is accepted: each step waits for some of those before it.
    fn any_run() -> impl Strategy<Value = Run> {
        let waits = proptest::collection::vec(any::<[bool; 6]>(), 6);
        (1..=6_usize, waits, any::<[bool; 6]>()).prop_map(|(count, waits, required)| {
            let mut steps: Vec<FlowStep> = (0..count)
                .map(|at| {
                    let prerequisites: Vec<StepKey> = (0..at)
                        .filter(|before| waits[at][*before])
                        .map(|before| KEYS[before])
                        .collect();
                    step(KEYS[at], &prerequisites, required[at] || at == 0)
                })
                .collect();
            steps.push(step(StepKey::Completed, &[], true));
            begun(steps)
        })
    }

    /// What can be done now.
    fn open(run: &Run) -> Vec<StepKey> {
        run.steps
            .iter()
            .map(|step| step.flow.key)
            .filter(|key| run.ready(*key).is_ok())
            .collect()
    }

    proptest! {
        #[test]
        fn whatever_the_order_the_run_ends_with_its_last_required_step(mut run in any_run(), picks in proptest::collection::vec(any::<Index>(), 6)) {
            let mut percent = run.percent();
            for (minute, pick) in (1..).zip(picks) {
                let choices = open(&run);
                if choices.is_empty() {
                    break;
                }
                let key = *pick.get(&choices);
                if run.skip(key, None, "x", at(minute)).is_err() {
                    run.complete(key, json!({}), None, "x", at(minute)).expect("it is ready");
                }
                prop_assert!(run.percent() >= percent);
                percent = run.percent();
                let left = run.steps.iter().any(|step| step.flow.required && step.flow.key != StepKey::Completed && step.state == StepState::Pending);
                prop_assert_eq!(run.state == RunState::Completed, !left);
                prop_assert_eq!(percent == 100, !left);
                prop_assert_eq!(run.steps.iter().any(|s| s.flow.key == StepKey::Completed && s.state == StepState::Completed), !left);
            }
            let stuck: Vec<StepKey> = run.steps.iter().filter(|step| step.state == StepState::Pending).map(|step| step.flow.key).collect();
            prop_assert!(stuck.is_empty(), "{:?}", stuck);
            prop_assert_eq!(run.state, RunState::Completed);
        }

        #[test]
        fn a_step_is_started_exactly_when_its_prerequisites_have_ended(mut run in any_run(), picks in proptest::collection::vec((any::<Index>(), any::<bool>()), 0..12)) {
            for (minute, (pick, again)) in (1..).zip(picks) {
                let key = run.steps[pick.index(run.steps.len())].flow.key;
                let _refused = if again {
                    run.reopen(key, "again".into(), "x", at(minute))
                } else {
                    run.complete(key, json!({}), None, "x", at(minute))
                };
                for step in run.steps.iter().filter(|step| step.state == StepState::Pending) {
                    prop_assert_eq!(step.started_at.is_some(), run.missing(step).is_empty(), "{:?}", step.flow.key);
                }
                prop_assert_eq!(run.state == RunState::Completed, run.percent() == 100);
                prop_assert_eq!(run.ended_at.is_some(), run.state == RunState::Completed);
            }
        }
    }

    #[test]
    fn out_of_order_says_what_comes_first() {
        let mut run = begun(vec![
            step(KEYS[0], &[], true),
            step(KEYS[1], &[KEYS[0]], true),
            step(StepKey::Completed, &[], true),
        ]);
        let refused = run.complete(KEYS[1], json!({}), None, "x", at(1));
        assert_eq!(
            refused,
            Err(Refusal::OutOfOrder {
                step: KEYS[1],
                missing: vec![KEYS[0]]
            })
        );
        assert_eq!(
            run.complete(StepKey::Completed, json!({}), None, "x", at(1)),
            Err(Refusal::ByItself {
                step: StepKey::Completed
            })
        );
        let unknown = run
            .complete(StepKey::PayoutSetup, json!({}), None, "x", at(1))
            .expect_err("no such step");
        assert_eq!(
            unknown.to_string(),
            "version 1 of this flow has no step `payout_setup`; it has: welcome, profile_setup, completed"
        );
    }

    #[test]
    fn minutes_count_from_when_a_step_could_be_begun() {
        let mut run = begun(vec![
            step(KEYS[0], &[], true),
            step(KEYS[1], &[KEYS[0]], true),
            step(StepKey::Completed, &[], true),
        ]);
        run.complete(KEYS[0], json!({}), None, "x", at(10))
            .expect("ready");
        let events = run
            .complete(KEYS[1], json!({}), None, "x", at(25))
            .expect("ready");
        let told: Vec<_> = events
            .iter()
            .map(|event| (event.kind, event.step, event.minutes))
            .collect();
        assert_eq!(
            told,
            [
                (EventKind::StepCompleted, Some(KEYS[1]), Some(15)),
                (EventKind::StepCompleted, Some(StepKey::Completed), Some(25)),
                (EventKind::RunCompleted, None, Some(25))
            ]
        );
    }
}
