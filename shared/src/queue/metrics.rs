//! Figures for Prometheus: what each process counts by itself.
//!
//! Labels are bounded: kinds come from the catalogue, and of queues the first [`QUEUE_LABELS_MAX`] are named; what is
//! beyond is counted under `other`. What stands in the database is sampled by [`super::sample`].

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

use super::pace::PaceBook;

/// Queues that have a label of their own.
pub const QUEUE_LABELS_MAX: usize = 100;
/// Kinds that have a label of their own.
pub const KIND_LABELS_MAX: usize = 200;
/// The label of all that is beyond.
const OTHER: &str = "other";
/// Upper bounds of run times, in seconds.
const RUN_BUCKETS: [f64; 12] = [
    0.001, 0.005, 0.02, 0.1, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1800.0,
];
/// Upper bounds of pick-up times, in seconds.
const PICKUP_BUCKETS: [f64; 12] = [
    0.001, 0.002, 0.005, 0.01, 0.05, 0.2, 1.0, 5.0, 30.0, 120.0, 600.0, 3600.0,
];

/// Counters and histograms of jobs, by queue and kind. Clones count together.
#[derive(Clone)]
pub struct QueueMetrics {
    enqueued: IntCounterVec,
    ended: IntCounterVec,
    rescued: IntCounterVec,
    run: HistogramVec,
    pickup: HistogramVec,
    labels: Arc<Mutex<Labels>>,
    /// The same by queue, for the table that pages draw from.
    pub pace: PaceBook,
}

impl std::fmt::Debug for QueueMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueueMetrics").finish_non_exhaustive()
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The job was done.
    Completed,
    /// The attempt failed; there will be another.
    Failed,
    /// The job is dead.
    Dead,
    /// The job was cancelled.
    Cancelled,
    /// The attempt does not count: snoozed or given back.
    Again,
}

impl Ending {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
            Self::Again => "again",
        }
    }
}

#[derive(Debug, Default)]
struct Labels {
    queues: HashSet<String>,
    kinds: HashSet<String>,
}

/// The text itself, or [`OTHER`] once there are `most` others.
fn bounded<'a>(known: &mut HashSet<String>, text: &'a str, most: usize) -> &'a str {
    if known.contains(text) {
        return text;
    }
    if known.len() >= most {
        return OTHER;
    }
    known.insert(text.to_owned());
    text
}

impl Default for QueueMetrics {
    fn default() -> Self {
        let counter = |name: &str, help: &str, labels: &[&str]| {
            IntCounterVec::new(Opts::new(name, help), labels)
                .expect("names and labels are constants")
        };
        let histogram = |name: &str, help: &str, buckets: &[f64]| {
            HistogramVec::new(
                HistogramOpts::new(name, help).buckets(buckets.to_vec()),
                &["queue", "kind"],
            )
            .expect("names and labels are constants")
        };
        Self {
            enqueued: counter(
                "jobs_enqueued_total",
                "Jobs enqueued by this process",
                &["queue", "kind"],
            ),
            ended: counter(
                "job_attempts_total",
                "Attempts that ended in this process",
                &["queue", "kind", "outcome"],
            ),
            rescued: counter(
                "jobs_rescued_total",
                "Jobs taken back from lost workers by this process",
                &["fate"],
            ),
            run: histogram("job_run_seconds", "How long attempts took", &RUN_BUCKETS),
            pickup: histogram(
                "job_pickup_seconds",
                "From a job being due to its handler's start",
                &PICKUP_BUCKETS,
            ),
            labels: Arc::default(),
            pace: PaceBook::default(),
        }
    }
}

impl QueueMetrics {
    /// Registers everything with `registry`.
    ///
    /// # Errors
    /// If something of the same name is registered already.
    pub fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        registry.register(Box::new(self.enqueued.clone()))?;
        registry.register(Box::new(self.ended.clone()))?;
        registry.register(Box::new(self.rescued.clone()))?;
        registry.register(Box::new(self.run.clone()))?;
        registry.register(Box::new(self.pickup.clone()))
    }

    /// A job was enqueued, and its transaction has committed.
    pub fn enqueued(&self, queue: &str, kind: &str) {
        self.with_labels(queue, kind, |queue, kind| {
            self.enqueued.with_label_values(&[queue, kind]).inc()
        });
    }

    /// A handler began, this long after its job was due.
    pub fn picked_up(&self, queue: &str, kind: &str, after: Duration) {
        self.with_labels(queue, kind, |queue, kind| {
            self.pickup
                .with_label_values(&[queue, kind])
                .observe(after.as_secs_f64());
        });
    }

    /// An attempt ended after `ran`.
    pub fn ended(&self, queue: &str, kind: &str, ending: Ending, ran: Duration) {
        self.with_labels(queue, kind, |queue, kind| {
            self.ended
                .with_label_values(&[queue, kind, ending.as_str()])
                .inc();
            self.run
                .with_label_values(&[queue, kind])
                .observe(ran.as_secs_f64());
        });
    }

    /// Jobs were taken back from a lost worker.
    pub fn rescued(&self, rescue: super::workers::Rescue) {
        for (fate, n) in [
            ("again", rescue.again),
            ("poison", rescue.poison),
            ("cancelled", rescue.cancelled),
        ] {
            self.rescued.with_label_values(&[fate]).inc_by(n);
        }
    }

    fn with_labels(&self, queue: &str, kind: &str, record: impl FnOnce(&str, &str)) {
        let (queue, kind) = {
            let mut labels = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
            let Labels { queues, kinds } = &mut *labels;
            (
                bounded(queues, queue, QUEUE_LABELS_MAX),
                bounded(kinds, kind, KIND_LABELS_MAX),
            )
        };
        record(queue, kind);
    }
}

#[cfg(test)]
mod tests {
    use prometheus::TextEncoder;

    use super::*;

    fn text(metrics: &QueueMetrics) -> String {
        let registry = Registry::new();
        metrics.register(&registry).expect("fresh");
        TextEncoder::new()
            .encode_to_string(&registry.gather())
            .expect("valid")
    }

    #[test]
    fn what_happens_is_counted_by_queue_and_kind() {
        let metrics = QueueMetrics::default();
        metrics.enqueued("mail", "campaign.send");
        metrics.ended(
            "mail",
            "campaign.send",
            Ending::Dead,
            Duration::from_millis(3),
        );
        let text = text(&metrics);
        assert!(
            text.contains(r#"jobs_enqueued_total{kind="campaign.send",queue="mail"} 1"#),
            "{text}"
        );
        assert!(
            text.contains(
                r#"job_attempts_total{kind="campaign.send",outcome="dead",queue="mail"} 1"#
            ),
            "{text}"
        );
        assert!(
            text.contains(
                r#"job_run_seconds_bucket{kind="campaign.send",queue="mail",le="0.005"} 1"#
            ),
            "{text}"
        );
    }

    #[test]
    fn labels_do_not_grow_without_bound() {
        let metrics = QueueMetrics::default();
        for n in 0..QUEUE_LABELS_MAX * 3 {
            metrics.enqueued(&format!("q{n}"), "k");
        }
        let text = text(&metrics);
        assert_eq!(
            text.matches("jobs_enqueued_total{").count(),
            QUEUE_LABELS_MAX + 1
        );
        let rest = format!(
            r#"jobs_enqueued_total{{kind="k",queue="other"}} {}"#,
            QUEUE_LABELS_MAX * 2
        );
        assert!(text.contains(&rest), "{text}");
    }
}
