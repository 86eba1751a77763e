//! The one place that reads the wall clock, so that tests can move time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Duration, SubsecRound, Utc};

/// Tells the time. Clones share the same time.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// Microseconds added to the machine's clock; only tests change it.
    offset_us: Arc<AtomicI64>,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// Now, in UTC, at the microsecond precision that Postgres keeps.
    pub fn now(&self) -> DateTime<Utc> {
        let offset = Duration::microseconds(self.offset_us.load(Ordering::Relaxed));
        #[allow(clippy::disallowed_methods, reason = "this is the clock")]
        let now = Utc::now();
        (now + offset).trunc_subsecs(6)
    }

    /// Moves this clock and all its clones forward (or back) by `by`. For tests.
    pub fn advance(&self, by: Duration) {
        let us = by.num_microseconds().unwrap_or(i64::MAX);
        self.offset_us.fetch_add(us, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_moved_time() {
        let clock = Clock::system();
        let before = clock.clone().now();
        clock.advance(Duration::days(2));
        assert!(clock.clone().now() - before >= Duration::days(2));
    }
}
