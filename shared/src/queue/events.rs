//! What happened in the queue, for those who watch it live.
//!
//! Each process gathers its changes and, a few times a second, appends one entry to a Redis stream, after the commits
//! that caused them. The stream numbers the entries, which is what lets a watcher continue where it was; it is bounded
//! in length, and it is only for watching: nothing else relies on it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::aio::ConnectionManager;
use serde::{Deserialize, Serialize};

use super::{JobId, WorkerId};

/// The stream's key.
pub const EVENTS_KEY: &str = "creatorcrm:events";
/// Entries the stream holds, about: five minutes of a fleet of ten processes at full speed.
pub const EVENTS_MAX_ENTRIES: usize = 15_000;
/// Jobs named in one entry; further ones are only counted.
pub const EVENT_JOBS_MAX: usize = 50;
/// How often gathered changes are sent.
const FLUSH_EVERY: Duration = Duration::from_millis(200);

/// A job entered a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobChange {
    /// The job.
    pub id: JobId,
    /// Its kind.
    pub kind: String,
    /// Its queue.
    pub queue: String,
    /// `available`, `running`, `completed`, `retry`, `dead` or `cancelled`.
    pub state: String,
}

/// How many jobs of a queue and kind entered a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// The queue.
    pub queue: String,
    /// The kind.
    pub kind: String,
    /// As in [`JobChange::state`].
    pub state: String,
    /// How many.
    pub n: u64,
}

/// One entry of the stream: what one process saw within a fraction of a second.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventBatch {
    /// Some of the jobs that changed, at most [`EVENT_JOBS_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<JobChange>,
    /// All changes, counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counts: Vec<Count>,
    /// Queues whose settings changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queues: Vec<String>,
    /// Workers that came, went or began to drain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workers: Vec<WorkerId>,
}

impl EventBatch {
    /// Whether it tells nothing.
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
            && self.counts.is_empty()
            && self.queues.is_empty()
            && self.workers.is_empty()
    }

    /// Adds what `other` tells: counts add up, and no more jobs are named than in one entry.
    pub fn add(&mut self, other: &Self) {
        let room = EVENT_JOBS_MAX.saturating_sub(self.jobs.len());
        self.jobs.extend(other.jobs.iter().take(room).cloned());
        for count in &other.counts {
            let same = |c: &&mut Count| {
                (&c.queue, &c.kind, &c.state) == (&count.queue, &count.kind, &count.state)
            };
            match self.counts.iter_mut().find(same) {
                Some(known) => known.n += count.n,
                None => self.counts.push(count.clone()),
            }
        }
        self.queues.extend(
            other
                .queues
                .iter()
                .filter(|name| !self.queues.contains(name))
                .cloned()
                .collect::<Vec<_>>(),
        );
        self.workers.extend(
            other
                .workers
                .iter()
                .filter(|id| !self.workers.contains(id))
                .copied()
                .collect::<Vec<_>>(),
        );
    }

    /// Leaves out what is about other queues or kinds. Changes of workers are about all.
    pub fn keep(&mut self, queue: Option<&str>, kind: Option<&str>) {
        let fits = |q: &str, k: &str| {
            queue.is_none_or(|name| name == q) && kind.is_none_or(|name| name == k)
        };
        self.jobs.retain(|job| fits(&job.queue, &job.kind));
        self.counts.retain(|count| fits(&count.queue, &count.kind));
        self.queues
            .retain(|name| queue.is_none_or(|queue| queue == name));
    }
}

#[derive(Debug, Default)]
struct Gathered {
    jobs: Vec<JobChange>,
    counts: BTreeMap<(String, String, &'static str), u64>,
    queues: Vec<String>,
    workers: Vec<WorkerId>,
}

impl Gathered {
    fn take(&mut self) -> Option<EventBatch> {
        let Self {
            jobs,
            counts,
            queues,
            workers,
        } = std::mem::take(self);
        if counts.is_empty() && queues.is_empty() && workers.is_empty() {
            return None;
        }
        let counts = counts
            .into_iter()
            .map(|((queue, kind, state), n)| Count {
                queue,
                kind,
                state: state.to_owned(),
                n,
            })
            .collect();
        Some(EventBatch {
            jobs,
            counts,
            queues,
            workers,
        })
    }
}

/// Gathers changes and sends them. Clones gather together.
#[derive(Debug, Clone, Default)]
pub struct Events {
    gathered: Arc<Mutex<Gathered>>,
}

impl Events {
    /// A job entered `state`.
    pub fn job(&self, id: JobId, kind: &str, queue: &str, state: &'static str) {
        let mut gathered = self.lock();
        *gathered
            .counts
            .entry((queue.to_owned(), kind.to_owned(), state))
            .or_default() += 1;
        if gathered.jobs.len() < EVENT_JOBS_MAX {
            let (kind, queue, state) = (kind.to_owned(), queue.to_owned(), state.to_owned());
            gathered.jobs.push(JobChange {
                id,
                kind,
                queue,
                state,
            });
        }
    }

    /// A queue's settings changed.
    pub fn queue(&self, name: &str) {
        self.lock().queues.push(name.to_owned());
    }

    /// A worker came, went or began to drain.
    pub fn worker(&self, id: WorkerId) {
        self.lock().workers.push(id);
    }

    /// Sends what is gathered, a few times a second, until the task is aborted or the process ends.
    ///
    /// What cannot be sent is dropped: those who watch see the state itself at their next look.
    pub async fn run(self, mut conn: ConnectionManager) {
        let mut ticks = tokio::time::interval(FLUSH_EVERY);
        loop {
            ticks.tick().await;
            let Some(batch) = self.lock().take() else {
                continue;
            };
            let Ok(text) = serde_json::to_string(&batch) else {
                continue;
            };
            let sent: redis::RedisResult<String> = redis::cmd("XADD")
                .arg(EVENTS_KEY)
                .arg("MAXLEN")
                .arg("~")
                .arg(EVENTS_MAX_ENTRIES)
                .arg("*")
                .arg("e")
                .arg(text)
                .query_async(&mut conn)
                .await;
            if let Err(error) = sent {
                tracing::debug!(%error, "queue events were not sent");
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_few_are_named() {
        let events = Events::default();
        for _ in 0..EVENT_JOBS_MAX * 3 {
            events.job(JobId::new(), "bench.noop", "bench", "completed");
        }
        let batch = events.lock().take().expect("something was gathered");
        assert_eq!(batch.jobs.len(), EVENT_JOBS_MAX);
        assert_eq!(batch.counts[0].n, 3 * EVENT_JOBS_MAX as u64);
        assert_eq!(events.lock().take(), None);
    }

    fn batch(queue: &str, n: u64) -> EventBatch {
        let id = JobId::new();
        let (kind, state) = ("k".to_owned(), "completed".to_owned());
        let job = JobChange {
            id,
            kind: kind.clone(),
            queue: queue.to_owned(),
            state: state.clone(),
        };
        EventBatch {
            jobs: vec![job; 30],
            counts: vec![Count {
                queue: queue.to_owned(),
                kind,
                state,
                n,
            }],
            queues: vec![queue.to_owned()],
            workers: Vec::new(),
        }
    }

    #[test]
    fn added_batches_count_together_and_stay_small() {
        let mut all = EventBatch::default();
        for (queue, n) in [("a", 3), ("b", 5), ("a", 4)] {
            all.add(&batch(queue, n));
        }
        assert_eq!(all.jobs.len(), EVENT_JOBS_MAX);
        assert_eq!(
            all.counts
                .iter()
                .map(|count| (count.queue.as_str(), count.n))
                .collect::<Vec<_>>(),
            [("a", 7), ("b", 5)]
        );
        assert_eq!(all.queues, ["a", "b"]);
    }

    #[test]
    fn what_is_about_other_queues_is_left_out() {
        let mut all = batch("a", 1);
        all.add(&batch("b", 1));
        all.keep(Some("b"), Some("k"));
        assert!(
            all.jobs.iter().all(|job| job.queue == "b") && all.queues == ["b"],
            "{all:?}"
        );
        all.keep(None, Some("other"));
        assert!(all.jobs.is_empty() && all.counts.is_empty());
    }
}
