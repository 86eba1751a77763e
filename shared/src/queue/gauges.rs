//! A [`Sample`] as gauges for Prometheus.

use prometheus::{Gauge, GaugeVec, Opts, Registry};

use super::Priority;
use super::metrics::QUEUE_LABELS_MAX;
use super::sample::Sample;

/// Gauges that show the last sample. What was not measured has no line.
#[derive(Debug)]
pub struct SampleGauges {
    depth: GaugeVec,
    oldest: GaugeVec,
    listed: GaugeVec,
    stranded: GaugeVec,
    slots: GaugeVec,
    workers: GaugeVec,
    leader: Gauge,
    oldest_transaction: Gauge,
    pool: GaugeVec,
}

impl SampleGauges {
    /// Gauges, registered with `registry`.
    ///
    /// # Errors
    /// If something of the same name is registered already.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let vec = |name: &str, help: &str, labels: &[&str]| {
            let gauge = GaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let one = |name: &str, help: &str| {
            let gauge = Gauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        Ok(Self {
            depth: vec(
                "queue_depth",
                "Jobs in a queue by state; waiting is an estimate beyond 50000",
                &["queue", "state"],
            )?,
            oldest: vec(
                "queue_oldest_due_seconds",
                "How long the oldest due job has been due",
                &["queue"],
            )?,
            listed: vec(
                "queue_ready_list_length",
                "Ids in a ready list",
                &["queue", "priority"],
            )?,
            stranded: vec(
                "queue_stranded_jobs",
                "Waiting jobs that no live worker can run",
                &["queue"],
            )?,
            slots: vec("queue_slots", "Slots of the live workers", &["queue"])?,
            workers: vec(
                "queue_workers",
                "Live worker processes by state",
                &["state"],
            )?,
            leader: one("queue_leader", "1 if a worker leads, 0 if none does")?,
            oldest_transaction: one(
                "postgres_oldest_transaction_seconds",
                "Age of the oldest open transaction",
            )?,
            pool: vec(
                "postgres_pool_connections",
                "Connections of this process by state",
                &["state"],
            )?,
        })
    }

    /// Shows `sample`; what it does not have is no longer shown.
    pub fn set(&self, sample: &Sample) {
        for gauge in [
            &self.depth,
            &self.oldest,
            &self.listed,
            &self.stranded,
            &self.slots,
        ] {
            gauge.reset();
        }
        for (queue, depth) in sample.queues.iter().take(QUEUE_LABELS_MAX) {
            let counts = [
                ("waiting", Some(depth.waiting)),
                ("due", depth.due),
                ("scheduled", depth.scheduled),
                ("retryable", depth.retryable),
                ("running", Some(depth.running)),
                ("dead", Some(depth.dead)),
            ];
            for (state, n) in counts {
                if let Some(n) = n {
                    self.depth
                        .with_label_values(&[queue.as_str(), state])
                        .set(n as f64);
                }
            }
            let age = depth
                .oldest_due
                .map_or(0.0, |at| (sample.at - at).as_seconds_f64().max(0.0));
            self.oldest.with_label_values(&[queue]).set(age);
            self.stranded
                .with_label_values(&[queue])
                .set(depth.stranded as f64);
            self.slots
                .with_label_values(&[queue])
                .set(depth.slots as f64);
            if let Some(lengths) = sample.listed.as_ref().and_then(|listed| listed.get(queue)) {
                for (priority, length) in Priority::ALL.iter().zip(lengths) {
                    self.listed
                        .with_label_values(&[queue.as_str(), priority.as_str()])
                        .set(*length as f64);
                }
            }
        }
        self.workers
            .with_label_values(&["running"])
            .set(sample.workers_running as f64);
        self.workers
            .with_label_values(&["draining"])
            .set(sample.workers_draining as f64);
        self.leader.set(f64::from(u8::from(sample.led)));
        self.oldest_transaction.set(sample.oldest_transaction_s);
        let (size, idle) = sample.pool;
        self.pool.with_label_values(&["idle"]).set(idle as f64);
        self.pool
            .with_label_values(&["used"])
            .set(f64::from(size) - idle as f64);
    }
}
