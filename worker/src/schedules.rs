//! Wakes the leader when a schedule's next tick comes.
//!
//! Only a wake-up: which ticks are due, and that each is enqueued once, is decided in the database. A wake-up that
//! comes late, twice or not at all changes nothing but the moment.

use std::collections::HashMap;
use std::sync::Arc;

use shared::queue::schedule::Wakeup;
use tokio::sync::Notify;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};
use uuid::Uuid;

/// One timer for each schedule, kept in step with the table.
pub struct Wakeups {
    scheduler: JobScheduler,
    timers: HashMap<Uuid, (Wakeup, Uuid)>,
    due: Arc<Notify>,
}

impl std::fmt::Debug for Wakeups {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wakeups")
            .field("timers", &self.timers.len())
            .finish_non_exhaustive()
    }
}

impl Wakeups {
    /// No timers yet; `due` is notified by each.
    ///
    /// # Errors
    /// If the scheduler cannot start.
    pub async fn start(due: Arc<Notify>) -> Result<Self, JobSchedulerError> {
        let scheduler = JobScheduler::new().await?;
        scheduler.start().await?;
        Ok(Self {
            scheduler,
            timers: HashMap::new(),
            due,
        })
    }

    /// Adds timers for new schedules, replaces those of changed ones, removes the rest. A schedule for which there can
    /// be no timer is told in the log; it fires when the leader looks at all of them, a little later.
    ///
    /// # Errors
    /// If the scheduler itself fails.
    pub async fn keep(&mut self, wanted: Vec<Wakeup>) -> Result<(), JobSchedulerError> {
        let wanted: HashMap<Uuid, Wakeup> = wanted
            .into_iter()
            .map(|wakeup| (wakeup.schedule, wakeup))
            .collect();
        let stale: Vec<Uuid> = self
            .timers
            .iter()
            .filter(|(id, (was, _))| wanted.get(*id) != Some(was))
            .map(|(id, _)| *id)
            .collect();
        for id in stale {
            if let Some((_, timer)) = self.timers.remove(&id) {
                self.scheduler.remove(&timer).await?;
            }
        }
        for (id, wakeup) in wanted {
            if self.timers.contains_key(&id) {
                continue;
            }
            let due = self.due.clone();
            // the scheduler wants seconds; a pattern without them means second 0
            let with_seconds = if wakeup.cron.split_whitespace().count() == 5 {
                format!("0 {}", wakeup.cron)
            } else {
                wakeup.cron.clone()
            };
            match Job::new_tz(with_seconds, wakeup.timezone, move |_, _| due.notify_one()) {
                Ok(timer) => {
                    let timer = self.scheduler.add(timer).await?;
                    self.timers.insert(id, (wakeup, timer));
                }
                Err(error) => {
                    tracing::warn!(schedule = %id, %error, "no timer understands this pattern");
                }
            }
        }
        Ok(())
    }

    /// Ends all timers.
    pub async fn stop(&mut self) {
        if let Err(error) = self.scheduler.shutdown().await {
            tracing::warn!(%error, "the wake-ups did not end in good order");
        }
    }
}
