//! What a bulk operation is.

use chrono::{DateTime, Utc};

use super::BulkError;
use crate::kernel::FieldError;
use crate::queue::search::{JobFilter, JobStatus, JobSummary};
use crate::queue::steer::REASON_MAX_CHARS;

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

/// What is done to each job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Dead jobs wait again with all their attempts.
    Replay,
    /// Dead jobs are left for good.
    Discard,
    /// Jobs that wait are over; those that run are asked to stop.
    Cancel,
}

impl Action {
    /// The word that is stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Replay => "replay",
            Self::Discard => "discard",
            Self::Cancel => "cancel",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        [Self::Replay, Self::Discard, Self::Cancel]
            .into_iter()
            .find(|action| action.as_str() == word)
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
    /// Who asked for it.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it last moved.
    pub updated_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

impl NewBulk {
    /// The filter with the states that the action is for.
    ///
    /// # Errors
    /// With every field that does not fit.
    pub(super) fn checked(&self) -> Result<JobFilter, BulkError> {
        let (default, allowed): (&[JobStatus], &[JobStatus]) = match self.action {
            Action::Replay | Action::Discard => (&[JobStatus::Dead], &[JobStatus::Dead]),
            Action::Cancel => (
                &WAITING,
                &[
                    JobStatus::Available,
                    JobStatus::Scheduled,
                    JobStatus::Retryable,
                    JobStatus::Running,
                ],
            ),
        };
        let mut errors = Vec::new();
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
        if self.action == Action::Cancel && !narrowed {
            let message = "name at least a kind, a queue, a tag, a group, a creator, an argument or a time: this would cancel everything";
            errors.push(FieldError::new("/filter", message));
        }
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
        assert_eq!(Action::from_word("cancel"), Some(Action::Cancel));
        assert_eq!(Action::from_word("explode"), None);
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
