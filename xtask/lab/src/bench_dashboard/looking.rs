//! Looking: the queries behind the overview, and many dashboards that are open at the same time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use shared::kernel::{Db, PageRequest};
use shared::queue::pace::{self, Span};
use shared::queue::sample::Sampler;
use shared::queue::search::{JobFilter, JobStatus, search};
use shared::queue::{Signals, control};
use sqlx::PgPool;
use tokio::task::JoinSet;

use super::operator::{Operator, Programs};
use crate::bench_queue::enqueue_all;

/// Times that each query is asked.
const ROUNDS: usize = 10;
/// A page that is open asks again at most this often, as its scripts do.
const GAP: Duration = Duration::from_secs(1);
/// The time between two jobs that something happens with while dashboards are open.
const HAPPENS_EVERY: Duration = Duration::from_millis(100);
/// Postgres tells its counters with this delay.
const COUNTERS_LATE: Duration = Duration::from_millis(1_500);

/// The middle times of the queries behind the overview, in milliseconds.
pub(super) async fn overview(db: &Db, redis: &str) -> anyhow::Result<BTreeMap<String, f64>> {
    let mut times: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let signals = Signals::new(redis)?;
    let catalog = Arc::new(shared::job_kinds::catalog());
    for _ in 0..ROUNDS {
        let mut note = |name: &str, began: Instant| {
            let time = began.elapsed().as_secs_f64() * 1e3;
            times.entry(name.to_owned()).or_default().push(time);
        };
        // a new one each time, which has seen nothing yet
        let sampler = Sampler::new(db.clone(), signals.ready.clone(), catalog.clone());
        let began = Instant::now();
        sampler.sample().await?;
        note("what stands in the queues", began);
        let mut conn = db.pool().acquire().await?;
        for span in Span::ALL {
            let began = Instant::now();
            pace::read(&mut conn, span).await?;
            note(&format!("how fast it went: {}", span.as_str()), began);
        }
        let began = Instant::now();
        control::queues(&mut conn).await?;
        note("what operators set", began);
        drop(conn);
        let running = JobFilter {
            states: vec![JobStatus::Running],
            ..JobFilter::default()
        };
        let began = Instant::now();
        search(db, &running, &PageRequest::default()).await?;
        note("what runs", began);
    }
    let middle = |mut times: Vec<f64>| super::percentile(&mut times, 0.5);
    Ok(times
        .into_iter()
        .map(|(name, times)| (name, middle(times)))
        .collect())
}

/// What open dashboards cost.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) transactions_per_s: f64,
    pub(super) fetches_per_s: f64,
}

/// Opens that many dashboards, each with a login of its own, while something happens in the queue.
pub(super) async fn watch(
    pool: &PgPool,
    db: &Db,
    programs: &Programs,
    dashboards: usize,
    time: Duration,
) -> anyhow::Result<Watched> {
    let fetches = Arc::new(AtomicU64::new(0));
    let mut open = JoinSet::new();
    for place in 1..=dashboards {
        let operator = programs.log_in(place).await?;
        open.spawn(dashboard(operator, fetches.clone()));
    }
    tokio::time::sleep(COUNTERS_LATE).await;
    let (before, fetched) = (transactions(pool).await?, fetches.load(Ordering::Relaxed));
    let began = Instant::now();
    let mut happens = tokio::time::interval(HAPPENS_EVERY);
    while began.elapsed() < time {
        happens.tick().await;
        enqueue_all(db, super::BESIDE, 1).await?;
        if let Some(ended) = open.try_join_next() {
            ended??;
            anyhow::bail!("a dashboard closed by itself");
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    let fetched = fetches.load(Ordering::Relaxed) - fetched;
    open.shutdown().await;
    tokio::time::sleep(COUNTERS_LATE).await;
    let done = transactions(pool).await? - before;
    Ok(Watched {
        transactions_per_s: (done as f64 / seconds).round(),
        fetches_per_s: (fetched as f64 / seconds * 10.0).round() / 10.0,
    })
}

/// What a page's scripts do: watch events, and when something happened fetch the page anew.
async fn dashboard(operator: Operator, fetches: Arc<AtomicU64>) -> anyhow::Result<()> {
    let mut events = operator.events().await?;
    let mut last = Instant::now();
    operator.time("/").await?;
    while events.chunk().await?.is_some() {
        if last.elapsed() >= GAP {
            last = Instant::now();
            operator.time("/").await?;
            fetches.fetch_add(1, Ordering::Relaxed);
        }
    }
    anyhow::bail!("the stream of events ended")
}

/// Transactions that Postgres has ended in this database.
async fn transactions(pool: &PgPool) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar(
        "select xact_commit + xact_rollback from pg_stat_database where datname = current_database()",
    )
    .fetch_one(pool)
    .await?)
}
