//! Schedules: jobs that recur. Which ticks are due is computed from the database's clock and `last_tick`, so a tick is
//! neither lost while nobody leads nor run twice while two do.

mod occurrences;
mod tick;

pub use occurrences::{CATCH_UP_MAX, InvalidRecurrence, LATE_AFTER, Misfire, Recurrence, due};
pub use tick::{Wakeup, fire_due, wakeups};
