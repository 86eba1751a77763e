//! `bench dashboard`: what the operators' pages cost on a full queue. Each page by itself, the queries behind the overview,
//! many open dashboards against one, and a bulk retry with the queue and the pages working beside it.

mod fill;
mod looking;
mod operator;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde::Serialize;
use serde_json::{Value, json};
use shared::kernel::Db;
use shared::queue::Signals;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::time::MissedTickBehavior;

use crate::bench_queue::{Seen, pick_up_singles, start_worker};
use operator::{Operator, Programs};

/// The queue of the single jobs that are timed beside everything else.
const BESIDE: &str = "beside";
/// Single jobs that are timed before the bulk retry, and at least while it goes on.
const SINGLES: usize = 100;
/// Longer than any look at the queue is kept, so that the next one is a new one.
const LOOKS_OLD: Duration = Duration::from_millis(3_200);
/// How long a bulk retry may take.
const RETRY_LIMIT: Duration = Duration::from_secs(1_800);

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Finished jobs that stand in the history.
    #[arg(long, default_value_t = 10_000_000)]
    finished: u64,
    /// Jobs that wait.
    #[arg(long, default_value_t = 1_000_000)]
    waiting: usize,
    /// Dead jobs that are retried with one bulk operation.
    #[arg(long, default_value_t = 100_000)]
    dead: usize,
    /// Dashboards that are open at the same time.
    #[arg(long, default_value_t = 200)]
    dashboards: usize,
    /// Seconds that they are watched.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Times that each page is asked for, each time with nothing kept of the time before.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Print one line of JSON.
    #[arg(long)]
    json: bool,
}

/// What was measured; times in milliseconds, unless said otherwise.
#[derive(Debug, Serialize)]
struct Report {
    finished: u64,
    waiting: usize,
    dead: usize,
    fill_s: f64,
    /// Each page with nothing kept: the middle and the slowest of the rounds, and asked again at once.
    pages: BTreeMap<String, PageTimes>,
    /// The queries behind the overview, by themselves.
    overview_queries: BTreeMap<String, f64>,
    /// Postgres' transactions in a second, by how many dashboards are open.
    transactions_per_s: BTreeMap<usize, f64>,
    /// Pages that these dashboards fetched in a second.
    fetches_per_s: BTreeMap<usize, f64>,
    retry: RetryTimes,
}

#[derive(Debug, Serialize)]
struct PageTimes {
    p50: f64,
    slowest: f64,
    again: f64,
}

/// A bulk retry, and what went on beside it.
#[derive(Debug, Serialize)]
struct RetryTimes {
    jobs: usize,
    took_s: f64,
    pickup_p50_before: f64,
    pickup_p99_before: f64,
    pickup_p50_beside: f64,
    pickup_p99_beside: f64,
    slowest_overview_beside: f64,
    slowest_bulk_page_beside: f64,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let database = std::env::var("DATABASE_URL").context("DATABASE_URL")?;
    let redis = std::env::var("REDIS_URL").context("REDIS_URL")?;
    let pool = PgPoolOptions::new()
        .max_connections(8)
        .connect(&database)
        .await?;
    shared::kernel::MIGRATIONS.run(&pool).await?;
    let db = Db::new(pool.clone(), Some(Signals::new(&redis)?));
    let began = Instant::now();
    fill::all(&pool, &db, &options).await?;
    let fill_s = began.elapsed().as_secs_f64();

    let programs = Programs::start(&database, &redis)?;
    let operator = programs.log_in(0).await?;
    let seen = Arc::new(Seen::default());
    let worker = start_worker(&database, &redis, (BESIDE, 50), seen.clone())?;

    let pages = pages(&pool, &operator, options.rounds).await?;
    let overview_queries = looking::overview(&db, &redis).await?;
    let (mut transactions_per_s, mut fetches_per_s) = (BTreeMap::new(), BTreeMap::new());
    for open in [1, options.dashboards] {
        let time = Duration::from_secs(options.seconds);
        let watched = looking::watch(&pool, &db, &programs, open, time).await?;
        transactions_per_s.insert(open, watched.transactions_per_s);
        fetches_per_s.insert(open, watched.fetches_per_s);
    }
    let retry = retry(&db, &operator, &seen, options.dead).await?;
    let report = Report {
        finished: options.finished,
        waiting: options.waiting,
        dead: options.dead,
        fill_s: fill_s.round(),
        pages,
        overview_queries,
        transactions_per_s,
        fetches_per_s,
        retry,
    };
    worker.drain().await?;
    programs.stop()?;
    if options.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{report:#?}");
    }
    Ok(())
}

/// Times every page with nothing kept, and again at once.
async fn pages(
    pool: &PgPool,
    operator: &Operator,
    rounds: usize,
) -> anyhow::Result<BTreeMap<String, PageTimes>> {
    let mut times = BTreeMap::new();
    for path in fill::paths(pool).await? {
        let (mut cold, mut again) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            tokio::time::sleep(LOOKS_OLD).await;
            cold.push(operator.time(&path).await?);
            again.push(operator.time(&path).await?);
        }
        let known = PageTimes {
            p50: percentile(&mut cold, 0.5),
            slowest: percentile(&mut cold, 1.0),
            again: percentile(&mut again, 0.5),
        };
        times.insert(path, known);
    }
    Ok(times)
}

/// Retries all dead jobs with one operation, while single jobs are enqueued and pages are asked for.
async fn retry(
    db: &Db,
    operator: &Operator,
    seen: &Seen,
    jobs: usize,
) -> anyhow::Result<RetryTimes> {
    let mut before = pick_up_singles(db, BESIDE, SINGLES, seen).await?;
    let began = Instant::now();
    let body =
        json!({ "action": "replay", "filter": { "queue": fill::REPLAYED }, "reason": "measured" });
    let operation = operator.post("/api/bulk-operations", &body).await?;
    let path = format!(
        "/api/bulk-operations/{}",
        operation["id"].as_str().context("an id")?
    );
    let (mut beside, mut overview, mut bulk) = (Vec::new(), 0.0_f64, 0.0_f64);
    let mut looks = tokio::time::interval(Duration::from_millis(100));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        beside.extend(pick_up_singles(db, BESIDE, 5, seen).await?);
        overview = overview.max(operator.time("/").await?);
        bulk = bulk.max(operator.time("/bulk").await?);
        let state: Value = operator.get(&path).await?;
        match state["state"].as_str() {
            Some("completed") => break,
            Some("running") if began.elapsed() < RETRY_LIMIT => {}
            _ => anyhow::bail!("the retry did not complete: {state}"),
        }
    }
    let took_s = began.elapsed().as_secs_f64();
    Ok(RetryTimes {
        jobs,
        took_s: (took_s * 10.0).round() / 10.0,
        pickup_p50_before: percentile(&mut before, 0.5),
        pickup_p99_before: percentile(&mut before, 0.99),
        pickup_p50_beside: percentile(&mut beside, 0.5),
        pickup_p99_beside: percentile(&mut beside, 0.99),
        slowest_overview_beside: overview,
        slowest_bulk_page_beside: bulk,
    })
}

/// The value that this part of the times (0 to 1) does not exceed, to a tenth.
fn percentile(times: &mut [f64], part: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    let place = ((times.len().saturating_sub(1)) as f64 * part).round() as usize;
    times
        .get(place)
        .map_or(0.0, |time| (time * 10.0).round() / 10.0)
}
