//! What a handler is told about the job it runs, and what it can do with it.

use std::sync::Arc;

use serde_json::Value;
use shared::kernel::{Actor, Ctx, TraceContext};
use shared::queue::claim::Claimed;
use shared::queue::settle::{self, CompleteError};
use shared::queue::{Failure, JobId, Lease, Next};
use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::running::{Running, Standing};

/// One attempt at one job, as its handler sees it.
#[derive(Debug, Clone)]
pub struct JobCx {
    /// The process's shared parts.
    pub app: Arc<App>,
    lease: Lease,
    attempt: u32,
    max_attempts: u32,
    trace: TraceContext,
    standing: Standing,
    running: Arc<Running>,
}

impl JobCx {
    pub(crate) fn new(
        app: Arc<App>,
        running: Arc<Running>,
        job: &Claimed,
        standing: Standing,
    ) -> Self {
        // a trace that cannot be read must not keep a job from running: it gets a new one
        let trace = job
            .trace
            .as_deref()
            .and_then(|text| text.parse().ok())
            .unwrap_or_else(TraceContext::random);
        let (attempt, max_attempts) = (job.attempt, job.max_attempts);
        Self {
            app,
            lease: job.lease,
            attempt,
            max_attempts,
            trace: trace.child(),
            standing,
            running,
        }
    }

    /// The job.
    pub const fn job_id(&self) -> JobId {
        self.lease.job
    }

    /// The right to end it.
    pub const fn lease(&self) -> Lease {
        self.lease
    }

    /// Which attempt this is, 1 for the first.
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Whether a retry would be refused because attempts are used up.
    pub const fn is_last_attempt(&self) -> bool {
        self.attempt >= self.max_attempts
    }

    /// The trace of whoever enqueued the job.
    pub const fn trace(&self) -> TraceContext {
        self.trace
    }

    /// A context for use cases: the job is the actor, now is now.
    pub fn ctx(&self) -> Ctx {
        Ctx::new(Actor::Job(self.lease.job), &self.app.clock)
            .within(self.trace, self.lease.job.to_string())
    }

    /// Fires when the handler should stop: end with [`Next::Cancelled`], or go on to a good end if it is near.
    pub const fn cancelled(&self) -> &CancellationToken {
        &self.standing.cancel
    }

    /// Asks, right before an effect on the outside world, whether this process may still act on the job.
    ///
    /// # Errors
    /// With what to answer when it may not.
    pub fn ensure_live(&self) -> Result<(), Failure> {
        if self.running.may_act() && !self.standing.fenced.is_cancelled() {
            Ok(())
        } else {
            Err(Failure::told(
                Next::Release,
                "the worker's heartbeat is not confirmed",
            ))
        }
    }

    /// Asks, between two steps of a long job, whether to go on.
    ///
    /// # Errors
    /// With what to answer when not: it was cancelled, or this process may not act on it any more.
    pub fn ensure_wanted(&self) -> Result<(), Failure> {
        self.ensure_live()?;
        if self.cancelled().is_cancelled() {
            return Err(Failure::told(Next::Cancelled, "asked to stop"));
        }
        Ok(())
    }

    /// Tells how far the job is, from 0 to 1; shown at the next heartbeat.
    pub fn progress(&self, done: f32, note: impl Into<Option<String>>) {
        self.running.report(self.lease, done, note.into());
    }

    /// Completes the job within the transaction of its effect; return [`shared::queue::Done::Recorded`] after the
    /// commit.
    ///
    /// # Errors
    /// If the lease is gone: roll back.
    pub async fn complete_in(
        &self,
        conn: &mut PgConnection,
        output: &Value,
    ) -> Result<(), CompleteError> {
        settle::complete_in(conn, self.lease, output).await
    }
}
