//! Waiting for a condition, with a deadline and an eye on Ctrl-C.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::interrupt;

/// Pause between two looks at a condition.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Asks `ready` again and again until it answers something.
///
/// # Errors
/// What `ready` failed with; "interrupted" after Ctrl-C; or a sentence naming
/// `what` when nothing came within `limit`.
pub fn until<T>(
    what: &str,
    limit: Duration,
    mut ready: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = ready()? {
            return Ok(value);
        }
        interrupt::check()?;
        if Instant::now() >= deadline {
            bail!("{what}: nothing after {} s", limit.as_secs());
        }
        pause();
    }
}

/// Like [`until`], for the way out: Ctrl-C does not cut it short, and running
/// out of time is an answer (`None`), not an error.
#[must_use]
pub fn within<T>(limit: Duration, mut ready: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = ready() {
            return Some(value);
        }
        if Instant::now() >= deadline {
            return None;
        }
        pause();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that polls: a child's exit and another process's files offer no event to wait on without async"
)]
fn pause() {
    std::thread::sleep(POLL_INTERVAL);
}
