//! Adds what this process counted to the table that the operations pages draw from.

use shared::queue::metrics::QueueMetrics;
use shared::queue::pace::{self, FLUSH_EVERY};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

/// The task.
#[derive(Debug)]
pub struct PaceKeeper {
    /// Where to add.
    pub pool: PgPool,
    /// What is counted.
    pub metrics: QueueMetrics,
    /// Fires when no more will be counted.
    pub stop: CancellationToken,
}

impl PaceKeeper {
    /// Adds every [`FLUSH_EVERY`], and once more at the end. With nothing counted it asks for nothing.
    pub async fn run(self) {
        let mut ticks = tokio::time::interval(FLUSH_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.flush().await,
                () = self.stop.cancelled() => return self.flush().await,
            }
        }
    }

    async fn flush(&self) {
        let counted = self.metrics.pace.take();
        if let Err(error) = pace::add(&self.pool, &counted).await {
            tracing::warn!(%error, "the pace of queues could not be written; trying again with the next");
            self.metrics.pace.give_back(&counted);
        }
    }
}
