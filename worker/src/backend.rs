//! The door between our queue and apalis: a [`Backend`] that yields the jobs a fetcher has claimed.
//!
//! apalis polls for tasks, runs them side by side and stops gracefully; what a task is, who may run it and what becomes
//! of it is decided on our side of the door.

use std::convert::Infallible;
use std::task::{Context, Poll};

use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::{Backend, BackendConfig};
use apalis_core::task::Task;
use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::task_id::{RandomId, TaskId};
use apalis_core::worker::context::WorkerContext;
use shared::queue::claim::Claimed;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tower::layer::util::Identity;

/// A claimed job with the slot it occupies, which is free again once the permit is dropped.
#[derive(Debug)]
pub struct Claim {
    /// The job.
    pub job: Claimed,
    /// The slot.
    pub slot: OwnedSemaphorePermit,
}

/// The claimed jobs of one queue. Ends when its fetcher has ended and all it claimed was yielded.
#[derive(Debug)]
pub struct QueueBackend {
    claims: mpsc::UnboundedReceiver<Claim>,
}

impl QueueBackend {
    /// A backend and the end through which a fetcher hands over claims. The channel needs no bound of its own: each
    /// claim holds one of the queue's slots.
    pub fn new() -> (mpsc::UnboundedSender<Claim>, Self) {
        let (sender, claims) = mpsc::unbounded_channel();
        (sender, Self { claims })
    }
}

impl Backend for QueueBackend {
    type Task = Task<Claim>;
    type Error = Infallible;

    fn poll_ready(
        &mut self,
        _: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        worker: &WorkerContext,
    ) -> Poll<Option<Result<Self::Task, Infallible>>> {
        let Some(claim) = std::task::ready!(self.claims.poll_recv(cx)) else {
            // apalis ends a worker that was told to stop, and waits for ever on one that merely ran out of tasks
            if let Err(error) = worker.stop() {
                tracing::warn!(%error, "the runner was not running");
            }
            return Poll::Ready(None);
        };
        let id = TaskId::from_string(claim.job.lease.job.to_string());
        let attempt = usize::try_from(claim.job.attempt).unwrap_or(usize::MAX);
        let task = TaskBuilder::new(claim).task_id(id).attempt(attempt).build();
        Poll::Ready(Some(Ok(task)))
    }

    fn poll_close(
        &mut self,
        _: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for QueueBackend {
    type Args = Claim;
    type Id = RandomId;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = Identity;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Identity {
        Identity::new()
    }
}
