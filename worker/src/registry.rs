//! Which handler runs which kind.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use shared::queue::{Backoff, Failure, Job, Next, Outcome};

use crate::job_cx::JobCx;

type Run = dyn Fn(&str, JobCx) -> BoxFuture<'static, Outcome> + Send + Sync;

/// A handler with what its kind's policy says about running it.
#[derive(Clone)]
pub struct Handler {
    run: Arc<Run>,
    /// How long an attempt may take.
    pub timeout: Duration,
    /// The wait between attempts.
    pub backoff: Backoff,
    /// The queue its kind waits in.
    pub queue: &'static str,
}

impl std::fmt::Debug for Handler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handler")
            .field("queue", &self.queue)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl Handler {
    /// Runs the handler on a payload; one that does not decode fails for good.
    pub fn run(&self, args: &str, cx: JobCx) -> BoxFuture<'static, Outcome> {
        (self.run)(args, cx)
    }
}

/// All handlers of a process.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    handlers: HashMap<&'static str, Handler>,
}

impl Registry {
    /// The same, with a handler for kind `J`.
    ///
    /// # Panics
    /// If the kind has one already.
    #[must_use]
    pub fn on<J, F, Fut>(mut self, handler: F) -> Self
    where
        J: Job,
        F: Fn(J, JobCx) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Outcome> + Send + 'static,
    {
        let run = move |args: &str, cx: JobCx| -> BoxFuture<'static, Outcome> {
            match serde_json::from_str::<J>(args) {
                Ok(job) => Box::pin(handler(job, cx)),
                Err(error) => {
                    let failure = Failure::new(Next::Fail, &error);
                    Box::pin(std::future::ready(Err(failure)))
                }
            }
        };
        let (timeout, backoff) = (J::POLICY.timeout, J::POLICY.backoff);
        let handler = Handler {
            run: Arc::new(run),
            timeout,
            backoff,
            queue: J::QUEUE,
        };
        assert!(
            self.handlers.insert(J::KIND, handler).is_none(),
            "two handlers for {}",
            J::KIND
        );
        self
    }

    /// The handler of a kind.
    pub fn get(&self, kind: &str) -> Option<&Handler> {
        self.handlers.get(kind)
    }

    /// All kinds that have one.
    pub fn kinds(&self) -> Vec<String> {
        let mut kinds: Vec<String> = self
            .handlers
            .keys()
            .map(|kind| (*kind).to_owned())
            .collect();
        kinds.sort_unstable();
        kinds
    }

    /// The queues their kinds wait in, each once.
    pub fn queues(&self) -> Vec<&'static str> {
        let mut queues: Vec<_> = self
            .handlers
            .values()
            .map(|handler| handler.queue)
            .collect();
        queues.sort_unstable();
        queues.dedup();
        queues
    }
}
