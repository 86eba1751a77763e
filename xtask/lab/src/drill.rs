//! Jobs to drill workers with, and the worker process that runs them.
//!
//! An effect is a row in the table `effects`, inserted in the transaction that completes its job. Nothing keeps the
//! table from having two rows for one job: that is for those who count.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use nix::sys::signal::{Signal, kill};
use nix::unistd::getpid;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::config::Config;
use shared::kernel::TypedId;
use shared::queue::{Backoff, Catalog, Done, Failure, Job, Next, Outcome, Policy, retry};
use sqlx::PgPool;
use tokio::signal::unix::{SignalKind, signal};
use worker::app::App;
use worker::job_cx::JobCx;
use worker::lifecycle::{Settings, Worker};
use worker::registry::Registry;

/// The queue all drill jobs wait in.
pub const QUEUE: &str = "drill";
/// What a drill worker prints, before its id, once it may take jobs.
pub const UP: &str = "drill worker up as ";

/// Attempts follow each other quickly, so that a drill is about the fault and not about waiting.
const QUICK: Backoff = Backoff {
    base: Duration::from_millis(50),
    cap: Duration::from_millis(500),
};
/// More attempts than any storm uses up: a job that ends dead was poisoned, or the queue lost count.
const ATTEMPTS: u16 = 100;

/// Has one effect in the database, together with its completion.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Effect {
    /// Which.
    pub n: u32,
    /// How long the handler takes before its transaction, in milliseconds.
    #[serde(default)]
    pub hold_ms: u64,
    /// How often it fails before it succeeds.
    #[serde(default)]
    pub failures: u32,
}

impl Job for Effect {
    const KIND: &'static str = "drill.effect";
    const QUEUE: &'static str = QUEUE;
    const DESCRIPTION: &'static str = "Has one effect in the database.";
    const POLICY: Policy = Policy {
        max_attempts: ATTEMPTS,
        backoff: QUICK,
        timeout: Duration::from_secs(120),
        ..Policy::DEFAULT
    };
}

/// Kills the process that runs it, every time.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Killer {}

impl Job for Killer {
    const KIND: &'static str = "drill.killer";
    const QUEUE: &'static str = QUEUE;
    const DESCRIPTION: &'static str = "Kills the process that runs it.";
    const POLICY: Policy = Policy {
        max_attempts: ATTEMPTS,
        ..Policy::DEFAULT
    };
}

/// Of a kind that only a newer worker knows.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Newer {
    /// Which.
    pub n: u32,
}

impl Job for Newer {
    const KIND: &'static str = "drill.newer";
    const QUEUE: &'static str = QUEUE;
    const DESCRIPTION: &'static str = "Is known to newer workers only; has one effect.";
    const POLICY: Policy = Effect::POLICY;
}

/// All drill kinds.
pub fn catalog() -> Catalog {
    Catalog::default()
        .with::<Effect>()
        .with::<Killer>()
        .with::<Newer>()
}

/// Makes the table that effects are counted in.
///
/// # Errors
/// If the database refuses.
pub async fn prepare(pool: &PgPool) -> sqlx::Result<()> {
    sqlx::query("create table effects (job_id uuid not null, lease_id uuid not null, at timestamptz not null default now())")
        .execute(pool)
        .await?;
    Ok(())
}

/// How a drill worker is started.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Jobs it runs at once.
    #[arg(long, default_value_t = 16)]
    slots: usize,
    /// Behaves like an older program, which does not know the kind `drill.newer`.
    #[arg(long)]
    old: bool,
}

/// Runs a drill worker until it is told to stop.
///
/// # Errors
/// If the environment does not name its servers, or the worker cannot start or drain.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let config = Config::from_env()?;
    let database: sqlx::postgres::PgConnectOptions = std::env::var("DATABASE_URL")
        .context("DATABASE_URL")?
        .parse()?;
    let settings = Settings {
        direct: database.clone(),
        database,
        pool_size: 8,
        redis_url: std::env::var("REDIS_URL").context("REDIS_URL")?,
        queues: BTreeMap::from([(QUEUE.to_owned(), options.slots)]),
    };
    let worker = Worker::start(
        settings,
        registry(options.old),
        Arc::new(catalog()),
        |db, clock| App::new(db, clock, &config),
    )?;
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    let mut terminate = signal(SignalKind::terminate())?;
    let mut told = false;
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = looks.tick(), if !told => {
                told = worker.running.may_act();
                if told {
                    println!("{UP}{}", worker.running.worker());
                }
            }
        }
    }
    worker.drain().await
}

fn registry(old: bool) -> Registry {
    let registry = Registry::default()
        .on(|job: Effect, cx| async move {
            if job.hold_ms > 0 {
                tokio::time::sleep(Duration::from_millis(job.hold_ms)).await;
            }
            if cx.attempt() <= job.failures {
                return Err(Failure::told(Next::Retry(None), "not this time"));
            }
            effect(&cx).await
        })
        .on(|_: Killer, _| async {
            kill(getpid(), Signal::SIGKILL).map_err(retry)?;
            std::future::pending().await
        });
    if old {
        registry
    } else {
        registry.on(|_: Newer, cx| async move { effect(&cx).await })
    }
}

async fn effect(cx: &JobCx) -> Outcome {
    let mut tx = cx.app.db.begin().await.map_err(retry)?;
    sqlx::query("insert into effects (job_id, lease_id) values ($1, $2)")
        .bind(cx.job_id().uuid())
        .bind(cx.lease().id)
        .execute(&mut *tx)
        .await
        .map_err(retry)?;
    cx.complete_in(&mut tx, &Value::Null).await.map_err(retry)?;
    tx.commit().await.map_err(retry)?;
    Ok(Done::Recorded)
}
