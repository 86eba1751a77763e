//! Tasks; pure.

use chrono::{DateTime, Duration, Utc};

use crate::creators::CreatorId;
use crate::kernel::{FieldError, typed_id, words};

/// Characters of a title at the most.
const TITLE_MAX_CHARS: usize = 200;
/// Characters of a description at the most.
const DESCRIPTION_MAX_CHARS: usize = 5_000;
/// Characters of an assignee at the most.
const ASSIGNEE_MAX_CHARS: usize = 200;
/// Days until the same is to be done again, at the most.
const REPEAT_MAX_DAYS: i32 = 366;

typed_id!(
    /// Names one task.
    TaskId,
    "task"
);

words!(
    /// Where a task stands.
    TaskState {
        /// To be done.
        Open => "open",
        /// Done.
        Done => "done",
    }
);

/// A task about to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTask {
    /// What is to be done.
    pub title: String,
    /// In more words.
    pub description: Option<String>,
    /// By whom, as the subject of a user; none for whoever takes it.
    pub assignee: Option<String>,
    /// By when.
    pub due_at: Option<DateTime<Utc>>,
    /// When to be reminded of it.
    pub remind_at: Option<DateTime<Utc>>,
    /// Once it is done, the same is to be done again this many days after it was due.
    pub repeat_days: Option<i32>,
}

/// What is to be different; what is none stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskChanges {
    /// Another title.
    pub title: Option<String>,
    /// Another description, or none.
    pub description: Option<Option<String>>,
    /// Somebody else, or nobody yet.
    pub assignee: Option<Option<String>>,
    /// Another date, or none.
    pub due_at: Option<Option<DateTime<Utc>>>,
    /// Another reminder, or none.
    pub remind_at: Option<Option<DateTime<Utc>>>,
    /// Another recurrence, or none.
    pub repeat_days: Option<Option<i32>>,
}

/// A task as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Which.
    pub id: TaskId,
    /// About whom; none about nobody in particular.
    pub creator: Option<CreatorId>,
    /// What is to be done.
    pub task: NewTask,
    /// When the reminder came.
    pub reminded_at: Option<DateTime<Utc>>,
    /// Where it stands.
    pub state: TaskState,
    /// When it was done.
    pub done_at: Option<DateTime<Utc>>,
    /// By whom.
    pub done_by: Option<String>,
    /// Who added it.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it was changed.
    pub updated_at: DateTime<Utc>,
    /// Grows with each change.
    pub version: i64,
}

/// Which tasks are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// Only those about this creator.
    pub creator: Option<CreatorId>,
    /// Only those of this user.
    pub assignee: Option<String>,
    /// Only those that stand here.
    pub state: Option<TaskState>,
    /// Only those due before this.
    pub due_before: Option<DateTime<Utc>>,
}

impl NewTask {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// With each wrong field.
    pub fn check(&self) -> Result<(), Vec<FieldError>> {
        let mut wrong = Vec::new();
        let mut text = |field: &'static str, text: Option<&str>, max: usize, lines: bool| {
            let fits = text.is_none_or(|text| {
                !text.trim().is_empty()
                    && text.chars().count() <= max
                    && !text.contains('\0')
                    && (lines || !text.chars().any(char::is_control))
            });
            if !fits {
                wrong.push(FieldError::new(
                    field,
                    format!("use 1 to {max} characters, without control characters"),
                ));
            }
        };
        text("/title", Some(&self.title), TITLE_MAX_CHARS, false);
        text(
            "/description",
            self.description.as_deref(),
            DESCRIPTION_MAX_CHARS,
            true,
        );
        text(
            "/assignee",
            self.assignee.as_deref(),
            ASSIGNEE_MAX_CHARS,
            false,
        );
        if self
            .repeat_days
            .is_some_and(|days| !(1..=REPEAT_MAX_DAYS).contains(&days))
        {
            wrong.push(FieldError::new(
                "/repeatDays",
                format!("use 1 to {REPEAT_MAX_DAYS} days"),
            ));
        }
        if self.repeat_days.is_some() && self.due_at.is_none() {
            wrong.push(FieldError::new(
                "/dueAt",
                "a task that recurs needs a date it is due at",
            ));
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// The same with the changes.
    pub fn with(mut self, changes: TaskChanges) -> Self {
        self.title = changes.title.unwrap_or(self.title);
        self.description = changes.description.unwrap_or(self.description);
        self.assignee = changes.assignee.unwrap_or(self.assignee);
        self.due_at = changes.due_at.unwrap_or(self.due_at);
        self.remind_at = changes.remind_at.unwrap_or(self.remind_at);
        self.repeat_days = changes.repeat_days.unwrap_or(self.repeat_days);
        self
    }

    /// What is to be done next when this is done at `now`; none if it does not recur. Dates that have passed meanwhile
    /// are left out, so that a task that was late does not come back late.
    pub fn next(&self, now: DateTime<Utc>) -> Option<Self> {
        let (days, due) = (i64::from(self.repeat_days?), self.due_at?);
        let late = (now - due).num_days().max(0);
        let ahead = Duration::days((late / days + 1) * days);
        Some(Self {
            due_at: Some(due + ahead),
            remind_at: self.remind_at.map(|at| at + ahead),
            ..self.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn task(due: i64, days: i32) -> NewTask {
        NewTask {
            title: "call".into(),
            description: None,
            assignee: None,
            due_at: Some(DateTime::UNIX_EPOCH + Duration::minutes(due)),
            remind_at: Some(DateTime::UNIX_EPOCH + Duration::minutes(due - 30)),
            repeat_days: Some(days),
        }
    }

    proptest! {
        #[test]
        fn what_recurs_comes_back_in_the_future_at_the_first_date_of_its_row(due in 0i64..1_000_000, done in 0i64..2_000_000, days in 1i32..366) {
            let now = DateTime::UNIX_EPOCH + Duration::minutes(done);
            let before = task(due, days);
            let next = before.next(now).expect("recurs");
            let (was, is) = (before.due_at.expect("due"), next.due_at.expect("due"));
            prop_assert!(is > now && is > was);
            prop_assert_eq!((is - was).num_minutes() % (i64::from(days) * 1_440), 0);
            prop_assert!(is - Duration::days(days.into()) <= now.max(was), "no date is left out that is still to come");
            prop_assert_eq!(is - next.remind_at.expect("reminds"), Duration::minutes(30));
        }
    }

    #[test]
    fn each_wrong_field_is_named() {
        let wrong = NewTask {
            title: "a\nb".into(),
            description: Some(" ".into()),
            assignee: Some("x".repeat(201)),
            due_at: None,
            remind_at: None,
            repeat_days: Some(0),
        };
        let fields: Vec<String> = wrong
            .check()
            .expect_err("wrong")
            .into_iter()
            .map(|error| error.field.into_owned())
            .collect();
        assert_eq!(
            fields,
            [
                "/title",
                "/description",
                "/assignee",
                "/repeatDays",
                "/dueAt"
            ]
        );
        assert_eq!(task(0, 1).check(), Ok(()));
    }
}
