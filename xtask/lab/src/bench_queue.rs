//! `bench queue`: how fast jobs that do nothing are enqueued and worked off, and how soon a single one is picked up.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::config::Config;
use shared::kernel::{Actor, Clock, Ctx, Db};
use shared::queue::{
    Catalog, Done, EnqueueError, Job, NewJob, Policy, Priority, Signals, enqueue_many, enqueue_one,
};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgPool};
use tokio::sync::Notify;
use worker::app::App;
use worker::lifecycle::{Settings, Worker};
use worker::registry::Registry;

/// Single jobs whose pick-up is timed.
const PICKUPS: usize = 200;
/// Jobs enqueued in one transaction.
const BATCH: usize = 1_000;
const QUEUE: &str = "bench";

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Jobs to enqueue and work off.
    #[arg(long, default_value_t = 100_000)]
    jobs: usize,
    /// Jobs of the same queue that wait already when the measured ones are enqueued; they are worked off too.
    #[arg(long, default_value_t = 0)]
    backlog: usize,
    /// Finished jobs that stand in the history before.
    #[arg(long, default_value_t = 0)]
    history: u64,
    /// Hold one snapshot open all the while, as a long report or a forgotten console would.
    #[arg(long)]
    open_snapshot: bool,
    /// Jobs run at once.
    #[arg(long, default_value_t = 1_000)]
    slots: usize,
    /// Print one line of JSON.
    #[arg(long)]
    json: bool,
}

/// A job that does nothing.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Noop {
    pub(crate) i: u64,
    pub(crate) creator: String,
}

impl Job for Noop {
    const KIND: &'static str = "bench.noop";
    const QUEUE: &'static str = QUEUE;
    const DESCRIPTION: &'static str = "Does nothing, to be measured.";
    const POLICY: Policy = Policy {
        priority: Priority::Normal,
        ..Policy::DEFAULT
    };
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Report {
    jobs: usize,
    backlog: usize,
    history: u64,
    open_snapshot: bool,
    enqueue_per_s: u64,
    process_per_s: u64,
    pickup_ms_p50: f64,
    pickup_ms_p99: f64,
    redis_peak_mb: f64,
}

/// What the handlers tell the bench.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    done: AtomicU64,
    last: Mutex<Option<Instant>>,
    started: Notify,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let database = std::env::var("DATABASE_URL").context("DATABASE_URL")?;
    let redis_url = std::env::var("REDIS_URL").context("REDIS_URL")?;
    let pool = PgPoolOptions::new()
        .max_connections(4)
        .connect(&database)
        .await?;
    shared::kernel::MIGRATIONS.run(&pool).await?;
    anyhow::ensure!(
        waiting(&pool).await? == 0,
        "the queue is not empty; the bench wants a database of its own"
    );
    fill_history(&pool, options.history).await?;

    let signals = Signals::new(&redis_url)?;
    let db = Db::new(pool.clone(), Some(signals.clone()));
    let snapshot = if options.open_snapshot {
        Some(hold_snapshot(&database).await?)
    } else {
        None
    };
    enqueue_all(&db, QUEUE, options.backlog).await?;
    let began = Instant::now();
    enqueue_all(&db, QUEUE, options.jobs).await?;
    let enqueue_per_s = per_second(options.jobs, began.elapsed());

    let seen = Arc::new(Seen::default());
    let total = options.jobs + options.backlog;
    let began = Instant::now();
    let worker = start_worker(&database, &redis_url, (QUEUE, options.slots), seen.clone())?;
    work_off(&pool, &seen, total, !options.json).await?;
    let process_per_s = per_second(total, began.elapsed());

    let mut pickups = pick_up_singles(&db, QUEUE, PICKUPS, &seen).await?;
    pickups.sort_by(f64::total_cmp);
    let report = Report {
        jobs: options.jobs,
        backlog: options.backlog,
        history: options.history,
        open_snapshot: options.open_snapshot,
        enqueue_per_s,
        process_per_s,
        pickup_ms_p50: pickups[PICKUPS / 2],
        pickup_ms_p99: pickups[PICKUPS * 99 / 100],
        redis_peak_mb: redis_peak_mb(&redis_url).await?,
    };
    worker.drain().await?;
    drop(snapshot);
    if options.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{report:#?}");
    }
    Ok(())
}

/// A worker in this process that does nothing for each job of a queue.
pub(crate) fn start_worker(
    database: &str,
    redis_url: &str,
    (queue, slots): (&str, usize),
    seen: Arc<Seen>,
) -> anyhow::Result<Worker> {
    let options = PgConnectOptions::from_str(database)?;
    let settings = Settings {
        database: options.clone(),
        direct: options,
        pool_size: 4,
        redis_url: redis_url.to_owned(),
        queues: BTreeMap::from([(queue.to_owned(), slots)]),
    };
    let registry = Registry::default().on(move |_: Noop, _| {
        let seen = seen.clone();
        async move {
            seen.done.fetch_add(1, Ordering::Relaxed);
            *seen.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
            seen.started.notify_one();
            Ok(Done::NOTHING)
        }
    });
    let config = Config::read(|name| (name == "DATABASE_URL").then(|| database.to_owned()))?;
    Worker::start(
        settings,
        registry,
        Arc::new(Catalog::default().with::<Noop>()),
        |db, clock| App::new(db, clock, &config),
    )
}

/// Enqueues that many jobs into a queue, in transactions of a thousand.
pub(crate) async fn enqueue_all(db: &Db, queue: &str, jobs: usize) -> anyhow::Result<()> {
    let mut made = 0;
    while made < jobs {
        let n = BATCH.min(jobs - made);
        let ctx = Ctx::new(Actor::System, &Clock::system());
        let batch: Result<Vec<NewJob>, _> =
            (made..made + n).map(|i| noop(queue, i as u64)).collect();
        let mut tx = db.begin().await?;
        enqueue_many(&mut tx, &ctx, batch?).await?;
        db.commit(tx, &ctx).await?;
        made += n;
    }
    Ok(())
}

/// One job for a queue.
fn noop(queue: &str, i: u64) -> Result<NewJob, EnqueueError> {
    let mut job = NewJob::of(&Noop {
        i,
        creator: "creator_123".to_owned(),
    })?;
    job.queue = queue.to_owned();
    Ok(job)
}

/// Waits until the handlers have seen all jobs and Postgres has none left.
async fn work_off(pool: &PgPool, seen: &Seen, jobs: usize, show: bool) -> anyhow::Result<()> {
    let bar = if show {
        indicatif::ProgressBar::new(jobs as u64)
    } else {
        indicatif::ProgressBar::hidden()
    };
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    loop {
        ticks.tick().await;
        let done = seen.done.load(Ordering::Relaxed);
        bar.set_position(done);
        if done >= jobs as u64 && waiting(pool).await? == 0 {
            bar.finish_and_clear();
            return Ok(());
        }
    }
}

async fn waiting(pool: &PgPool) -> anyhow::Result<i64> {
    Ok(
        sqlx::query_scalar("select count(*) from jobs where queue = 'bench'")
            .fetch_one(pool)
            .await?,
    )
}

/// Milliseconds from before a job is enqueued to its handler's start, one job at a time on an idle queue.
pub(crate) async fn pick_up_singles(
    db: &Db,
    queue: &str,
    singles: usize,
    seen: &Seen,
) -> anyhow::Result<Vec<f64>> {
    let mut times = Vec::with_capacity(singles);
    let mut pace = tokio::time::interval(Duration::from_millis(5));
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for i in 0..singles as u64 {
        pace.tick().await;
        let before = Instant::now();
        let ctx = Ctx::new(Actor::System, &Clock::system());
        let mut tx = db.begin().await?;
        enqueue_one(&mut tx, &ctx, noop(queue, i)?).await?;
        db.commit(tx, &ctx).await?;
        let started = loop {
            seen.started.notified().await;
            let last = *seen.last.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(at) = last.filter(|at| *at > before) {
                break at;
            }
        };
        times.push(started.duration_since(before).as_secs_f64() * 1e3);
    }
    Ok(times)
}

/// Finished jobs of the last days, as if they had been run.
pub(crate) async fn fill_history(pool: &PgPool, rows: u64) -> anyhow::Result<()> {
    if rows == 0 {
        return Ok(());
    }
    let fill = format!(
        "insert into job_history (id, kind, queue, priority, state, group_key, run_at, attempt, max_attempts, args,
                                  created_by, created_at, started_at, finished_at)
         select gen_random_uuid(), 'bench.noop', 'bench', 2, 'completed', '', t, 1, 10,
                '{{\"i\": 1, \"creator\": \"creator_123\"}}', 'system', t, t, t
         from (select now() - interval '1 day' + make_interval(secs => n * 86400.0 / {rows}) as t
               from generate_series(1, {rows}) n) times"
    );
    sqlx::query(AssertSqlSafe(fill)).execute(pool).await?;
    sqlx::query("analyze job_history").execute(pool).await?;
    Ok(())
}

async fn hold_snapshot(database: &str) -> anyhow::Result<PgPool> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect(database)
        .await?;
    let mut conn = pool.acquire().await?;
    sqlx::query("begin isolation level repeatable read")
        .execute(&mut *conn)
        .await?;
    sqlx::query("select count(*) from queues")
        .execute(&mut *conn)
        .await?;
    // the connection stays out of the pool, and its transaction open, for as long as the pool lives
    std::mem::forget(conn);
    Ok(pool)
}

async fn redis_peak_mb(url: &str) -> anyhow::Result<f64> {
    let mut conn = redis::Client::open(url)?
        .get_multiplexed_async_connection()
        .await?;
    let info: String = redis::cmd("INFO")
        .arg("memory")
        .query_async(&mut conn)
        .await?;
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("used_memory_peak:"))
        .context("used_memory_peak")?;
    Ok((line.trim().parse::<f64>()? / 1e5).round() / 10.0)
}

fn per_second(n: usize, time: Duration) -> u64 {
    (n as f64 / time.as_secs_f64()).round() as u64
}
