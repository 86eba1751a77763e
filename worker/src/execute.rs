//! Running one claimed job: decode, span, time-out, panic net, outcome.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use apalis_core::task::Task;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rand::RngExt;
use shared::queue::claim::{self, Claimed};
use shared::queue::settle::{LogLine, Setback, Success, fingerprint};
use shared::queue::{Done, Failure, Next, Outcome};
use tokio::sync::{RwLock, mpsc};
use tower::Service;
use tracing::Instrument;

use crate::app::App;
use crate::backend::Claim;
use crate::completer::{Ending, Settlement};
use crate::job_cx::JobCx;
use crate::job_log;
use crate::registry::{Handler, Registry};
use crate::running::{Running, Standing};

/// How long a handler that was asked to stop may take to do so before it is dropped.
pub const CANCEL_GRACE: Duration = Duration::from_secs(5);

/// Runs claimed jobs; the service behind every apalis worker of the process.
#[derive(Debug, Clone)]
pub struct Executor {
    app: Arc<App>,
    registry: Arc<Registry>,
    running: Arc<Running>,
    settlements: mpsc::Sender<Settlement>,
    /// Held to read by every handler, and to write by a suspect, which therefore runs alone in its process.
    alone: Arc<RwLock<()>>,
}

impl Executor {
    /// An executor that hands what became of its jobs to `settlements`.
    pub fn new(
        app: Arc<App>,
        registry: Arc<Registry>,
        running: Arc<Running>,
        settlements: mpsc::Sender<Settlement>,
    ) -> Self {
        Self {
            app,
            registry,
            running,
            settlements,
            alone: Arc::default(),
        }
    }

    /// Runs one job to its end and hands over what became of it. The slot is free when the completer has it.
    pub async fn run(self, claim: Claim) {
        let Claim { job, slot } = claim;
        let Some(standing) = self.running.standing(job.lease) else {
            return;
        };
        let fenced = standing.fenced.clone();
        let span = tracing::info_span!("job", id = %job.lease.job, kind = job.kind, attempt = job.attempt,
                                       trace = job.trace.as_deref().unwrap_or_default());
        let work = job_log::listen(self.outcome(&job, standing)).instrument(span);
        let started = Instant::now();
        let (outcome, logs) = tokio::select! {
            biased;
            // nothing is written: the lease is gone, or the heart gives it back
            () = fenced.cancelled() => return,
            ended = work => ended,
        };
        let ending = self.ending(&job, outcome, logs);
        let lease = job.lease;
        let settlement = Settlement {
            ending,
            job: job.into(),
            ran: started.elapsed(),
        };
        if self.settlements.send(settlement).await.is_err() {
            tracing::error!("the completer is gone; the job will be given back");
            self.running.settled([&lease].into_iter());
        }
        drop(slot);
    }

    async fn outcome(&self, job: &Claimed, standing: Standing) -> Outcome {
        let Some(handler) = self.registry.get(&job.kind) else {
            return Err(Failure::told(
                Next::Release,
                format!("this worker has no handler for {}", job.kind),
            ));
        };
        if job.crashes == 0 {
            let _side_by_side = self.alone.read().await;
            self.attempt(job, handler, standing).await
        } else {
            let _alone = self.alone.write().await;
            match claim::begin_alone(self.app.db.pool(), job.lease).await {
                Ok(true) => self.attempt(job, handler, standing).await,
                Ok(false) => Err(Failure::told(
                    Next::Release,
                    "the lease was gone before the job could run alone",
                )),
                Err(error) => Err(Failure::new(Next::Release, &error)),
            }
        }
    }

    /// The handler itself, within its time, over a net that catches panics.
    async fn attempt(&self, job: &Claimed, handler: &Handler, standing: Standing) -> Outcome {
        let cancel = standing.cancel.clone();
        let cx = JobCx::new(self.app.clone(), self.running.clone(), job, standing);
        // also a handler that panics before its first await is caught
        let work = AssertUnwindSafe(async { handler.run(&job.args, cx).await }).catch_unwind();
        let stopped = async {
            cancel.cancelled().await;
            tokio::time::sleep(CANCEL_GRACE).await;
        };
        tokio::select! {
            ended = work => ended.unwrap_or_else(|panic| Err(Failure::told(Next::Retry(None), panic_text(&*panic)))),
            () = tokio::time::sleep(handler.timeout) => {
                let text = format!("the attempt took longer than {} s", handler.timeout.as_secs_f32());
                Err(Failure::told(Next::Retry(None), text))
            }
            () = stopped => Err(Failure::told(Next::Cancelled, "the handler was stopped")),
        }
    }

    fn ending(&self, job: &Claimed, outcome: Outcome, logs: Vec<LogLine>) -> Ending {
        match outcome {
            Ok(Done::Output(output)) => Ending::Success(Success {
                lease: job.lease,
                output,
                logs,
            }),
            Ok(Done::Recorded) => Ending::Recorded(job.lease),
            Err(failure) => {
                let delay = match failure.next {
                    Next::Retry(Some(delay)) | Next::Snooze(delay) => delay,
                    Next::Retry(None) => self.backoff(job),
                    Next::Fail | Next::Cancelled | Next::Release => Duration::ZERO,
                };
                let fingerprint = fingerprint(&job.kind, &failure.chain);
                Ending::Setback(Setback {
                    lease: job.lease,
                    failure,
                    fingerprint,
                    delay,
                    logs,
                })
            }
        }
    }

    fn backoff(&self, job: &Claimed) -> Duration {
        let chance = rand::rng().random::<f64>();
        self.registry
            .get(&job.kind)
            .map_or(Duration::ZERO, |handler| {
                handler.backoff.delay(job.attempt, chance)
            })
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the handler panicked: {}", text.unwrap_or("no message"))
}

impl Service<Task<Claim>> for Executor {
    type Response = ();
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<(), Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, task: Task<Claim>) -> Self::Future {
        let (running, lease) = (self.running.clone(), task.args.job.lease);
        // a task of its own, so that handlers use every core and one that computes for long holds up no other
        let work = tokio::spawn(self.clone().run(task.args));
        Box::pin(async move {
            if let Err(error) = work.await {
                tracing::error!(%error, "a job's task ended without telling what became of it; it will be given back");
                running.settled([&lease].into_iter());
            }
            Ok(())
        })
    }
}
