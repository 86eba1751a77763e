//! Schedules: jobs that recur. Which ticks are due is computed from the database's clock and `last_tick`, so a tick is
//! neither lost while nobody leads nor run twice while two do.

mod manage;
mod model;
mod occurrences;
mod run;
mod standing;
mod tick;

pub use manage::{
    LAST_RUNS, RUNS_SHOWN_MAX, change, create, find, last_runs, list, remove, run_now,
};
pub use model::{
    CRON_MAX_CHARS, NAME_MAX_CHARS, Outlook, PREVIEW_TICKS, Schedule, ScheduleChanges,
    ScheduleError, ScheduleId, ScheduleRun, ScheduleSpec, recurrence,
};
pub use occurrences::{CATCH_UP_MAX, InvalidRecurrence, LATE_AFTER, Misfire, Recurrence, due};
pub use standing::ensure;
pub use tick::{Wakeup, fire_due, wakeups};
