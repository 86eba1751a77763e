//! What a schedule is, and what may be said of one.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;
use thiserror::Error;

use super::run::Plan;
use super::{InvalidRecurrence, Misfire, Recurrence};
use crate::kernel::{Classify, ErrorKind, FieldError, InvalidCursor};
use crate::queue::{Catalog, EnqueueError, JobId, Priority};

crate::kernel::typed_id!(
    /// Names one schedule.
    ScheduleId,
    "schedule"
);

/// Characters of a schedule's name at the most.
pub const NAME_MAX_CHARS: usize = 120;
/// Characters of a cron pattern at the most.
pub const CRON_MAX_CHARS: usize = 200;
/// Ticks that a preview shows.
pub const PREVIEW_TICKS: usize = 10;

/// A recurring job.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Which.
    pub id: ScheduleId,
    /// What it is to be.
    pub spec: ScheduleSpec,
    /// Since when it does nothing; none if it is not paused.
    pub paused_at: Option<DateTime<Utc>>,
    /// Occurrences up to this moment are settled.
    pub last_tick: DateTime<Utc>,
    /// Grows with each change by people.
    pub version: i64,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it was changed.
    pub updated_at: DateTime<Utc>,
}

/// What lies ahead of a schedule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outlook {
    /// Its pattern in English.
    pub description: String,
    /// The zone its pattern is read in.
    pub zone: Option<Tz>,
    /// Its next [`PREVIEW_TICKS`] occurrences; none while it is paused.
    pub next: Vec<DateTime<Utc>>,
}

impl Schedule {
    /// What lies ahead, seen from `now`. A stored pattern was checked; should it no longer be readable, nothing is known.
    pub fn outlook(&self, now: DateTime<Utc>) -> Outlook {
        let Ok(recurrence) = Recurrence::parse(&self.spec.cron, &self.spec.timezone, now) else {
            return Outlook::default();
        };
        let from = self.last_tick.max(now);
        let ticks = if self.paused_at.is_some() {
            0
        } else {
            PREVIEW_TICKS
        };
        Outlook {
            description: recurrence.describe(),
            zone: Some(recurrence.timezone()),
            next: recurrence.after(from).take(ticks).collect(),
        }
    }
}

/// What people say of a schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleSpec {
    /// Its name; no two have the same.
    pub name: String,
    /// The kind of its jobs.
    pub kind: String,
    /// Their payload.
    pub args: Value,
    /// Their queue, if not that of the kind.
    pub queue: Option<String>,
    /// Their priority, if not that of the kind.
    pub priority: Option<Priority>,
    /// When: see [`Recurrence`].
    pub cron: String,
    /// In which zone.
    pub timezone: String,
    /// What is done with ticks that were missed.
    pub misfire: Misfire,
}

/// What is to be different; what is none stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScheduleChanges {
    /// Another name.
    pub name: Option<String>,
    /// Another payload.
    pub args: Option<Value>,
    /// Another queue, or that of the kind.
    pub queue: Option<Option<String>>,
    /// Another priority, or that of the kind.
    pub priority: Option<Option<Priority>>,
    /// Another pattern.
    pub cron: Option<String>,
    /// Another zone.
    pub timezone: Option<String>,
    /// Another policy.
    pub misfire: Option<Misfire>,
    /// Paused or not. What would have run meanwhile is not made up for.
    pub paused: Option<bool>,
}

/// One run of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScheduleRun {
    /// The occurrence it stands for; of a run by hand, when that was asked for.
    pub tick: DateTime<Utc>,
    /// Its job.
    pub job: JobId,
    /// Whether somebody asked for it.
    pub manual: bool,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
}

impl ScheduleSpec {
    /// Checks everything that can be wrong.
    ///
    /// # Errors
    /// With every wrong field.
    pub fn check(
        &self,
        catalog: &Catalog,
        now: DateTime<Utc>,
    ) -> Result<Recurrence, ScheduleError> {
        let mut errors = Vec::new();
        if self.name.is_empty()
            || self.name.chars().count() > NAME_MAX_CHARS
            || self.name.contains('\0')
        {
            errors.push(FieldError::new(
                "/name",
                format!("must have from 1 to {NAME_MAX_CHARS} characters, without NUL"),
            ));
        }
        let recurrence =
            recurrence(&self.cron, &self.timezone, now).map_err(|error| errors.push(error));
        errors.extend(self.plan().job(catalog, now).err().into_iter().flatten());
        match recurrence {
            Ok(recurrence) if errors.is_empty() => Ok(recurrence),
            Ok(_) | Err(()) => Err(ScheduleError::Invalid(errors)),
        }
    }

    pub(super) fn plan(&self) -> Plan<'_> {
        Plan {
            name: &self.name,
            kind: &self.kind,
            args: &self.args,
            queue: self.queue.as_deref(),
            priority: self.priority,
        }
    }

    /// The same with the changes.
    pub(super) fn with(mut self, changes: ScheduleChanges) -> Self {
        self.name = changes.name.unwrap_or(self.name);
        self.args = changes.args.unwrap_or(self.args);
        self.queue = changes.queue.unwrap_or(self.queue);
        self.priority = changes.priority.unwrap_or(self.priority);
        self.cron = changes.cron.unwrap_or(self.cron);
        self.timezone = changes.timezone.unwrap_or(self.timezone);
        self.misfire = changes.misfire.unwrap_or(self.misfire);
        self
    }
}

/// Parses a pattern and a zone; says which of the two is wrong.
///
/// # Errors
/// With the field that is wrong.
pub fn recurrence(
    cron: &str,
    timezone: &str,
    now: DateTime<Utc>,
) -> Result<Recurrence, FieldError> {
    if cron.chars().count() > CRON_MAX_CHARS {
        return Err(FieldError::new(
            "/cron",
            format!("must have at most {CRON_MAX_CHARS} characters"),
        ));
    }
    Recurrence::parse(cron, timezone, now).map_err(|error| {
        let field = match error {
            InvalidRecurrence::Cron(_) | InvalidRecurrence::Never => "/cron",
            InvalidRecurrence::Timezone(_) => "/timezone",
        };
        FieldError::new(field, error.to_string())
    })
}

/// Why a schedule was not made, changed or run.
#[derive(Debug, Error)]
pub enum ScheduleError {
    /// There is no such schedule.
    #[error("there is no schedule {0}")]
    NotFound(ScheduleId),
    /// Another one has this name.
    #[error("another schedule has this name")]
    NameTaken,
    /// Somebody else changed it meanwhile.
    #[error("the schedule was changed meanwhile; it is at version {0}")]
    Stale(i64),
    /// Some fields are wrong.
    #[error("the schedule is not acceptable; `errors` names the fields")]
    Invalid(Vec<FieldError>),
    /// The page's cursor is not ours.
    #[error(transparent)]
    Cursor(#[from] InvalidCursor),
    /// The queue refused its job.
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    /// The database refused.
    #[error("the schedule could not be stored")]
    Db(#[source] sqlx::Error),
}

impl From<sqlx::Error> for ScheduleError {
    fn from(error: sqlx::Error) -> Self {
        let taken = error
            .as_database_error()
            .is_some_and(|error| error.constraint() == Some("schedules_name_key"));
        if taken {
            Self::NameTaken
        } else {
            Self::Db(error)
        }
    }
}

impl Classify for ScheduleError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::NameTaken => ErrorKind::Conflict,
            Self::Stale(_) => ErrorKind::Stale,
            Self::Invalid(_) => ErrorKind::Invalid,
            Self::Cursor(error) => error.kind(),
            Self::Enqueue(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "schedule-not-found",
            Self::NameTaken => "name-taken",
            Self::Stale(_) => "stale",
            Self::Invalid(_) => "invalid-schedule",
            Self::Cursor(error) => error.code(),
            Self::Enqueue(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::Cursor(error) => error.fields(),
            Self::Enqueue(error) => error.fields(),
            Self::NotFound(_) | Self::NameTaken | Self::Stale(_) | Self::Db(_) => Vec::new(),
        }
    }
}
