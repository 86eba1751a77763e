//! What a handler may answer.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

/// The handler ended with success.
#[derive(Debug, Clone, PartialEq)]
pub enum Done {
    /// The job is to be completed with this output (null for none).
    Output(Value),
    /// The handler already completed the job, in the transaction of its effect.
    Recorded,
}

impl Done {
    /// Done, with nothing to tell.
    pub const NOTHING: Self = Self::Output(Value::Null);

    /// Done, with an output; what cannot be written as JSON is left out.
    pub fn output(output: &impl Serialize) -> Self {
        Self::Output(serde_json::to_value(output).unwrap_or(Value::Null))
    }
}

/// What follows from a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Try again after this delay, or after the kind's back-off; dead when attempts are used up.
    Retry(Option<Duration>),
    /// Dead at once: trying again would not help.
    Fail,
    /// Try again after this delay without counting the attempt.
    Snooze(Duration),
    /// The handler noticed that it was cancelled and stopped.
    Cancelled,
    /// The worker gives the job back: it was not begun, or was stopped for no fault of its own. Does not count.
    Release,
}

/// An attempt that did not succeed: what follows, and the error with its causes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What follows.
    pub next: Next,
    /// The error's own text, then that of each of its sources.
    pub chain: Vec<String>,
}

/// Sources of one error that are kept at the most.
const CHAIN_MAX: usize = 16;

impl Failure {
    /// A failure for `error` with its sources.
    pub fn new(next: Next, error: &(dyn std::error::Error + 'static)) -> Self {
        let sources = std::iter::successors(Some(error), |error| error.source());
        Self {
            next,
            chain: sources.take(CHAIN_MAX).map(ToString::to_string).collect(),
        }
    }

    /// A failure told in words.
    pub fn told(next: Next, text: impl Into<String>) -> Self {
        Self {
            next,
            chain: vec![text.into()],
        }
    }
}

/// What every handler returns.
pub type Outcome = Result<Done, Failure>;

/// `.map_err(retry)`: may work later.
pub fn retry(error: impl std::error::Error + 'static) -> Failure {
    Failure::new(Next::Retry(None), &error)
}

/// `.map_err(fail)`: will never work.
pub fn fail(error: impl std::error::Error + 'static) -> Failure {
    Failure::new(Next::Fail, &error)
}

/// Not yet: come back after `delay`; the attempt does not count.
pub fn snooze(delay: Duration, why: impl Into<String>) -> Failure {
    Failure::told(Next::Snooze(delay), why)
}
