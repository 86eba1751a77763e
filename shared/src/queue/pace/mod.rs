//! How fast the queues go: attempts that ended and how long jobs waited for their start, by queue and time.
//!
//! Each worker process counts for itself and adds to the table every [`FLUSH_EVERY`]. What it counted since is lost if
//! it is killed: these figures are for looking, nothing is decided by them.

mod book;
mod store;

pub use book::PaceBook;
pub use store::{add, forget_old, read};

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// How often a process adds what it counted.
pub const FLUSH_EVERY: Duration = Duration::from_secs(10);
/// Upper bounds of the times from a job being due to its handler's start, in milliseconds.
pub const PICKUP_BOUNDS_MS: [u32; 32] = [
    1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 750, 1_000, 1_500, 2_000,
    3_000, 5_000, 7_500, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 1_800_000, 3_600_000,
];
/// A count for each bound, and one for what is beyond all.
const BUCKETS: usize = PICKUP_BOUNDS_MS.len() + 1;

/// How long jobs waited for their start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pickup([u64; BUCKETS]);

impl Default for Pickup {
    fn default() -> Self {
        Self([0; BUCKETS])
    }
}

impl Pickup {
    /// A job waited this long.
    pub fn count(&mut self, waited: Duration) {
        let ms = waited.as_secs_f64() * 1000.0;
        let bucket = PICKUP_BOUNDS_MS.partition_point(|bound| f64::from(*bound) < ms);
        self.0[bucket] += 1;
    }

    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        for (own, more) in self.0.iter_mut().zip(other.0) {
            *own += more;
        }
    }

    /// The time in seconds that this part of the jobs (0 to 1) waited at the most, linear within its bucket; none
    /// without jobs. What is beyond all bounds counts as the last of them.
    pub fn percentile(&self, part: f64) -> Option<f64> {
        let total: u64 = self.0.iter().sum();
        let rank = part.clamp(0.0, 1.0) * total as f64;
        let mut below = 0.0;
        for (bucket, n) in self.0.iter().enumerate().filter(|(_, n)| **n > 0) {
            let n = *n as f64;
            if below + n >= rank {
                let from = bucket.checked_sub(1).map_or(0, |i| PICKUP_BOUNDS_MS[i]);
                let until = PICKUP_BOUNDS_MS.get(bucket).copied().unwrap_or(from);
                let within = (rank - below) / n;
                return Some((f64::from(from) + within * f64::from(until - from)) / 1000.0);
            }
            below += n;
        }
        None
    }
}

/// What ended within some time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Jobs that were done.
    pub completed: u64,
    /// Attempts that failed and will be repeated.
    pub failed: u64,
    /// Jobs that died.
    pub dead: u64,
    /// How long their jobs had waited.
    pub pickup: Pickup,
}

impl Tally {
    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.completed += other.completed;
        self.failed += other.failed;
        self.dead += other.dead;
        self.pickup.add(&other.pickup);
    }
}

/// A length of time that is looked back on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Span {
    /// Five minutes, in steps of ten seconds.
    Live,
    /// In steps of a minute.
    Hour,
    /// In steps of ten minutes.
    Day,
    /// In steps of an hour.
    Week,
}

impl Span {
    /// All, the shortest first.
    pub const ALL: [Self; 4] = [Self::Live, Self::Hour, Self::Day, Self::Week];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "5 minutes",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
        }
    }

    /// The span of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|span| span.as_str() == name)
    }

    const fn step_s(self) -> i32 {
        match self {
            Self::Live => 10,
            Self::Hour => 60,
            Self::Day => 600,
            Self::Week => 3600,
        }
    }

    const fn steps(self) -> i32 {
        match self {
            Self::Live => 30,
            Self::Hour => 60,
            Self::Day => 144,
            Self::Week => 168,
        }
    }

    /// One step, in seconds.
    pub fn step_seconds(self) -> f64 {
        f64::from(self.step_s())
    }

    /// All of it, in seconds.
    pub fn seconds(self) -> f64 {
        self.step_seconds() * f64::from(self.steps())
    }

    /// The beginning of the step that a moment is in.
    fn step_of(self, at: DateTime<Utc>) -> DateTime<Utc> {
        let step = i64::from(self.step_s());
        let seconds = at.timestamp().div_euclid(step) * step;
        DateTime::from_timestamp(seconds, 0).unwrap_or(at)
    }
}

/// How fast it went over a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    /// Which.
    pub span: Span,
    /// Up to when.
    pub until: DateTime<Utc>,
    /// What ended, by the beginning of the step and the queue.
    pub tallies: BTreeMap<(DateTime<Utc>, String), Tally>,
}

impl Pace {
    /// All of it together.
    pub fn total(&self) -> Tally {
        sum(self.tallies.values())
    }

    /// All of one queue.
    pub fn of_queue(&self, queue: &str) -> Tally {
        sum(self
            .tallies
            .iter()
            .filter(|((_, name), _)| name == queue)
            .map(|(_, tally)| tally))
    }

    /// Every step, the oldest first, all queues together; those in which nothing ended too.
    pub fn points(&self) -> Vec<(DateTime<Utc>, Tally)> {
        let mut points: BTreeMap<_, _> = self.steps().map(|at| (at, Tally::default())).collect();
        for ((at, _), tally) in &self.tallies {
            if let Some(point) = points.get_mut(at) {
                point.add(tally);
            }
        }
        points.into_iter().collect()
    }

    /// Jobs of one queue that were done in each step, the oldest first.
    pub fn line_of_queue(&self, queue: &str) -> Vec<u64> {
        let done = |at| {
            self.tallies
                .get(&(at, queue.to_owned()))
                .map_or(0, |tally| tally.completed)
        };
        self.steps().map(done).collect()
    }

    fn steps(&self) -> impl Iterator<Item = DateTime<Utc>> + use<> {
        let (last, step) = (self.span.step_of(self.until), i64::from(self.span.step_s()));
        (0..i64::from(self.span.steps()))
            .rev()
            .map(move |back| last - TimeDelta::seconds(step * back))
    }
}

fn sum<'a>(tallies: impl Iterator<Item = &'a Tally>) -> Tally {
    tallies.fold(Tally::default(), |mut all, tally| {
        all.add(tally);
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_lies_within_its_bucket() {
        let mut pickup = Pickup::default();
        assert_eq!(pickup.percentile(0.5), None);
        for _ in 0..99 {
            pickup.count(Duration::from_micros(1_500));
        }
        pickup.count(Duration::from_millis(180));
        let median = pickup.percentile(0.5).expect("jobs");
        assert!((0.001..=0.002).contains(&median), "{median}");
        let last = pickup.percentile(1.0).expect("jobs");
        assert!((last - 0.2).abs() < 1e-9, "{last}");
        pickup.count(Duration::from_secs(100_000));
        assert_eq!(pickup.percentile(1.0), Some(3600.0));
    }

    #[test]
    fn steps_without_work_are_points_too() {
        let until: DateTime<Utc> = "2026-11-22T10:00:05Z".parse().expect("a time");
        let step: DateTime<Utc> = "2026-11-22T09:59:50Z".parse().expect("a time");
        let tally = Tally {
            completed: 7,
            ..Tally::default()
        };
        let tallies = [
            ((step, "a".to_owned()), tally.clone()),
            ((step, "b".to_owned()), tally),
        ]
        .into();
        let pace = Pace {
            span: Span::Live,
            until,
            tallies,
        };
        let points = pace.points();
        assert_eq!(points.len(), 30);
        assert_eq!(
            points[28],
            (
                step,
                Tally {
                    completed: 14,
                    ..Tally::default()
                }
            )
        );
        assert_eq!(pace.line_of_queue("b").iter().sum::<u64>(), 7);
        assert_eq!(pace.total().completed, 14);
    }
}
