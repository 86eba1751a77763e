//! What a bulk operation is.

use chrono::{DateTime, Utc};

use super::BulkError;
use crate::kernel::FieldError;
use crate::queue::Priority;
use crate::queue::search::{JobFilter, JobStatus, JobSummary};
use crate::queue::steer::REASON_MAX_CHARS;
use crate::queue::submit::{QUEUE_NAME_RULE, is_queue_name};

crate::kernel::typed_id!(
    /// Names one bulk operation.
    BulkId,
    "bulk"
);

/// The highest rate that can be asked for, in jobs a second.
const RATE_MAX: u32 = 1_000_000;
/// The states of jobs that wait.
const WAITING: [JobStatus; 3] = [
    JobStatus::Available,
    JobStatus::Scheduled,
    JobStatus::Retryable,
];
/// The states of jobs that are not over.
const WAITING_AND_RUNNING: [JobStatus; 4] = [
    JobStatus::Available,
    JobStatus::Scheduled,
    JobStatus::Retryable,
    JobStatus::Running,
];

/// What is done to each job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Dead jobs wait again with all their attempts.
    Replay,
    /// Dead jobs are left for good.
    Discard,
    /// Jobs that wait are over; those that run are asked to stop.
    Cancel,
    /// Jobs that wait get another priority.
    Prioritise(Priority),
    /// Jobs that wait go to another queue.
    Move(String),
    /// What another operation did is taken back, where its jobs have not gone on since.
    Undo(BulkId),
}

impl Action {
    /// The word that is stored and sent.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Replay => "replay",
            Self::Discard => "discard",
            Self::Cancel => "cancel",
            Self::Prioritise(_) => "prioritise",
            Self::Move(_) => "move",
            Self::Undo(_) => "undo",
        }
    }

    /// The priority, queue or operation that it is about, as a word.
    pub fn target(&self) -> Option<String> {
        match self {
            Self::Prioritise(priority) => Some(priority.as_str().to_owned()),
            Self::Move(queue) => Some(queue.clone()),
            Self::Undo(other) => Some(other.to_string()),
            Self::Replay | Self::Discard | Self::Cancel => None,
        }
    }

    /// Whether it can be taken back. A replay cannot: its jobs may have run by then, and those that wait can be cancelled.
    pub const fn can_be_undone(&self) -> bool {
        match self {
            Self::Discard | Self::Cancel | Self::Prioritise(_) | Self::Move(_) => true,
            Self::Replay | Self::Undo(_) => false,
        }
    }

    /// The states of the jobs it is for: when none are named, and all that may be.
    fn states(&self) -> (&'static [JobStatus], &'static [JobStatus]) {
        const DEAD: &[JobStatus] = &[JobStatus::Dead];
        match self {
            Self::Replay | Self::Discard => (DEAD, DEAD),
            Self::Cancel => (&WAITING, &WAITING_AND_RUNNING),
            Self::Prioritise(_) | Self::Move(_) | Self::Undo(_) => (&WAITING, &WAITING),
        }
    }

    /// Whether it must not be done to all jobs at once.
    const fn wants_a_filter(&self) -> bool {
        matches!(self, Self::Cancel | Self::Prioritise(_) | Self::Move(_))
    }
}

/// How far an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkState {
    /// It goes on.
    Running,
    /// It waits to be resumed.
    Paused,
    /// Every job was visited.
    Completed,
    /// It was ended before.
    Cancelled,
    /// It could not go on.
    Failed,
}

impl BulkState {
    const ALL: [Self; 5] = [
        Self::Running,
        Self::Paused,
        Self::Completed,
        Self::Cancelled,
        Self::Failed,
    ];

    /// The word that is stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// An operation that is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct NewBulk {
    /// What is done.
    pub action: Action,
    /// To which jobs.
    pub filter: JobFilter,
    /// Why; kept with jobs that are cancelled.
    pub reason: String,
    /// Jobs a second at the most.
    pub rate_per_second: Option<u32>,
}

/// What an operation would do.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// Jobs that match now.
    pub matched: i64,
    /// Whether there may be more.
    pub at_least: bool,
    /// The newest of them.
    pub sample: Vec<JobSummary>,
}

/// An operation and how far it is.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkOperation {
    /// Which.
    pub id: BulkId,
    /// What is done.
    pub action: Action,
    /// To which jobs.
    pub filter: JobFilter,
    /// Why.
    pub reason: String,
    /// How far it is.
    pub state: BulkState,
    /// Jobs that matched when it was asked for.
    pub matched: i64,
    /// Whether there were more.
    pub at_least: bool,
    /// Jobs that were changed, or asked to stop.
    pub done: i64,
    /// Jobs that, when their turn came, no longer could be changed.
    pub skipped: i64,
    /// Jobs a second at the most.
    pub rate_per_second: Option<u32>,
    /// Why it could not go on.
    pub error: Option<String>,
    /// Whether what its jobs were before is still known.
    pub remembers: bool,
    /// The operation that takes it back.
    pub undone_by: Option<BulkId>,
    /// Who asked for it.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it last moved.
    pub updated_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

impl BulkOperation {
    /// Whether it can be taken back now.
    pub const fn can_be_undone(&self) -> bool {
        let over = !matches!(self.state, BulkState::Running | BulkState::Paused);
        over && self.done > 0 && self.remembers && self.undone_by.is_none()
    }
}

impl NewBulk {
    /// What is wrong with the fields beside the filter.
    fn plain_errors(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        if self
            .rate_per_second
            .is_some_and(|rate| !(1..=RATE_MAX).contains(&rate))
        {
            errors.push(FieldError::new(
                "/ratePerSecond",
                format!("must be from 1 to {RATE_MAX}"),
            ));
        }
        if self.reason.chars().count() > REASON_MAX_CHARS || self.reason.contains('\0') {
            errors.push(FieldError::new(
                "/reason",
                format!("must have at most {REASON_MAX_CHARS} characters, without NUL"),
            ));
        }
        errors
    }

    /// Checks what an operation has that takes another one's jobs.
    ///
    /// # Errors
    /// With every field that is wrong.
    pub(super) fn checked_but_states(&self) -> Result<(), BulkError> {
        let errors = self.plain_errors();
        if errors.is_empty() {
            Ok(())
        } else {
            Err(BulkError::Invalid(errors))
        }
    }

    /// The filter with the states that the action is for.
    ///
    /// # Errors
    /// With every field that does not fit.
    pub(super) fn checked(&self) -> Result<JobFilter, BulkError> {
        let (default, allowed) = self.action.states();
        let mut errors = self.plain_errors();
        if let Some(wrong) = self
            .filter
            .states
            .iter()
            .find(|state| !allowed.contains(state))
        {
            let message = format!(
                "`{}` is not for jobs that are {wrong}",
                self.action.as_str()
            );
            errors.push(FieldError::new("/filter/state", message));
        }
        let narrowed = JobFilter {
            states: Vec::new(),
            ..self.filter.clone()
        } != JobFilter::default();
        if self.action.wants_a_filter() && !narrowed {
            let message = format!(
                "name at least a kind, a queue, a tag, a group, a creator, an argument or a time: this would {} everything",
                self.action.as_str()
            );
            errors.push(FieldError::new("/filter", message));
        }
        if let Action::Move(queue) = &self.action
            && !is_queue_name(queue)
        {
            errors.push(FieldError::new("/queue", QUEUE_NAME_RULE));
        }
        if !errors.is_empty() {
            return Err(BulkError::Invalid(errors));
        }
        let states = if self.filter.states.is_empty() {
            default.to_vec()
        } else {
            self.filter.states.clone()
        };
        Ok(JobFilter {
            states,
            ..self.filter.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(action: Action, filter: JobFilter) -> NewBulk {
        NewBulk {
            action,
            filter,
            reason: String::new(),
            rate_per_second: None,
        }
    }

    #[test]
    fn words_and_meanings_are_the_same_thing() {
        for state in BulkState::ALL {
            assert_eq!(BulkState::from_word(state.as_str()), Some(state));
        }
    }

    #[test]
    fn dead_letters_are_all_that_can_be_replayed() {
        let checked = new(Action::Replay, JobFilter::default())
            .checked()
            .expect("all dead letters");
        assert_eq!(checked.states, [JobStatus::Dead]);
        let running = JobFilter {
            states: vec![JobStatus::Running],
            ..JobFilter::default()
        };
        assert!(matches!(
            new(Action::Discard, running).checked(),
            Err(BulkError::Invalid(_))
        ));
    }

    #[test]
    fn jobs_are_moved_to_what_can_be_a_queue_and_never_all_at_once() {
        let mail = || JobFilter {
            queue: Some("mail".to_owned()),
            ..JobFilter::default()
        };
        let wrong = |action: Action, filter| match new(action, filter).checked() {
            Err(BulkError::Invalid(fields)) => fields
                .into_iter()
                .map(|field| field.field.into_owned())
                .collect(),
            other => panic!("{other:?}"),
        };
        let fields: Vec<String> = wrong(Action::Move("Not A Queue".to_owned()), mail());
        assert_eq!(fields, ["/queue"]);
        let fields: Vec<String> = wrong(Action::Prioritise(Priority::Low), JobFilter::default());
        assert_eq!(fields, ["/filter"]);
        let states = new(Action::Move("other".to_owned()), mail()).checked();
        assert_eq!(states.expect("narrowed").states, WAITING);
    }

    #[test]
    fn cancelling_needs_a_filter_and_spares_running_jobs_unless_they_are_named() {
        let states = JobFilter {
            states: vec![JobStatus::Available],
            ..JobFilter::default()
        };
        for filter in [JobFilter::default(), states] {
            assert!(matches!(
                new(Action::Cancel, filter).checked(),
                Err(BulkError::Invalid(_))
            ));
        }
        let queue = JobFilter {
            queue: Some("mail".to_owned()),
            ..JobFilter::default()
        };
        assert_eq!(
            new(Action::Cancel, queue.clone())
                .checked()
                .expect("narrowed")
                .states,
            WAITING
        );
        let running = JobFilter {
            states: vec![JobStatus::Running],
            ..queue
        };
        assert_eq!(
            new(Action::Cancel, running)
                .checked()
                .expect("named")
                .states,
            [JobStatus::Running]
        );
    }
}
