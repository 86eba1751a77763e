//! What the queue tells through Redis: ready ids to the workers, events to those who watch.

use redis::RedisResult;

use super::metrics::QueueMetrics;
use super::ready_list::Hint;
use super::{Events, Notice, ReadyLists};

/// The ready lists and the events of one Redis. Clones share connections.
#[derive(Debug, Clone)]
pub struct Signals {
    /// The ready lists.
    pub ready: ReadyLists,
    /// The events, gathered; [`Signals::run`] sends them.
    pub events: Events,
    /// What this process counts.
    pub metrics: QueueMetrics,
}

impl Signals {
    /// Signals through the Redis at `url`; connects when first used.
    ///
    /// # Errors
    /// If `url` is not a Redis URL.
    pub fn new(url: &str) -> RedisResult<Self> {
        Ok(Self {
            ready: ReadyLists::new(url)?,
            events: Events::default(),
            metrics: QueueMetrics::default(),
        })
    }

    /// Sends events until the returned task is aborted; each process runs one.
    pub fn run(&self) -> tokio::task::JoinHandle<()> {
        tokio::spawn(self.events.clone().run(self.ready.connection()))
    }

    /// Tells of jobs and changes that were just committed.
    pub async fn committed(&self, hints: Vec<Hint>, notices: &[Notice]) {
        for notice in notices {
            notice.gather(&self.events);
        }
        for hint in &hints {
            if hint.new {
                self.metrics.enqueued(&hint.queue, hint.kind);
            }
            self.events
                .job(hint.id, hint.kind, &hint.queue, "available");
        }
        self.ready.hint(&hints).await;
    }
}
