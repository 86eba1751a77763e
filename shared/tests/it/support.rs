//! What the tests share: kinds of jobs, workers that are only rows, and ways to look at what is stored.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::kernel::{Actor, Clock, Ctx, TypedId};
use shared::queue::claim::{self, Claimant, Claimed};
use shared::queue::settle::{self, Fate, LogLine, Setback, Success, fingerprint};
use shared::queue::workers::{self, NewWorker};
use shared::queue::{
    Enqueued, Failure, Job, JobId, Lease, NewJob, Next, Policy, WorkerId, enqueue_many,
};
use sqlx::{PgPool, Row};
use uuid::Uuid;

/// The queue all kinds of these tests wait in.
pub(crate) const QUEUE: &str = "tests";

/// A job with nothing special.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ping {
    pub(crate) campaign_id: u32,
}

impl Job for Ping {
    const KIND: &'static str = "test.ping";
    const QUEUE: &'static str = QUEUE;
    const DESCRIPTION: &'static str = "Does nothing.";
    const POLICY: Policy = Policy {
        max_attempts: 3,
        searchable: &["campaignId"],
        ..Policy::DEFAULT
    };

    fn creator(&self) -> Option<String> {
        Some(format!("creator_{}", self.campaign_id))
    }
}

/// A job of which one waits for each key.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Once {
    pub(crate) key: String,
}

impl Job for Once {
    const KIND: &'static str = "test.once";
    const QUEUE: &'static str = QUEUE;
    const DESCRIPTION: &'static str = "Waits once for each key.";

    fn unique_key(&self) -> Option<String> {
        Some(self.key.clone())
    }
}

/// A job of which one waits or runs for each key.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Sole {
    pub(crate) key: String,
}

impl Job for Sole {
    const KIND: &'static str = "test.sole";
    const QUEUE: &'static str = QUEUE;
    const DESCRIPTION: &'static str = "Waits or runs once for each key.";
    const POLICY: Policy = Policy {
        unique_while_running: true,
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some(self.key.clone())
    }
}

/// A job that takes turns with other groups.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Turn {
    pub(crate) tenant: String,
}

impl Job for Turn {
    const KIND: &'static str = "test.turn";
    const QUEUE: &'static str = QUEUE;
    const DESCRIPTION: &'static str = "Takes turns.";
    const POLICY: Policy = Policy {
        retention_days: 2,
        ..Policy::DEFAULT
    };

    fn group(&self) -> Option<String> {
        Some(self.tenant.clone())
    }
}

/// Every kind of these tests.
pub(crate) fn kinds() -> Vec<String> {
    [Ping::KIND, Once::KIND, Sole::KIND, Turn::KIND]
        .map(str::to_owned)
        .to_vec()
}

/// A job about a campaign.
pub(crate) fn ping(campaign_id: u32) -> NewJob {
    NewJob::of(&Ping { campaign_id }).unwrap()
}

/// A context of the system's own.
pub(crate) fn ctx() -> Ctx {
    Ctx::new(Actor::System, &Clock::system())
}

/// Enqueues in a transaction of its own.
pub(crate) async fn put(pool: &PgPool, jobs: Vec<NewJob>) -> Vec<JobId> {
    enqueued(pool, jobs)
        .await
        .into_iter()
        .map(Enqueued::id)
        .collect()
}

/// As [`put`], with the whole answers.
pub(crate) async fn enqueued(pool: &PgPool, jobs: Vec<NewJob>) -> Vec<Enqueued> {
    let mut tx = pool.begin().await.unwrap();
    let answers = enqueue_many(&mut tx, &ctx(), jobs).await.unwrap();
    tx.commit().await.unwrap();
    answers
}

/// Enqueues `n` plain jobs.
pub(crate) async fn put_pings(pool: &PgPool, n: u32) -> Vec<JobId> {
    put(pool, (0..n).map(ping).collect()).await
}

/// Registers a worker for the queue and kinds of these tests.
pub(crate) async fn worker(pool: &PgPool) -> WorkerId {
    let worker = NewWorker {
        id: WorkerId::new(),
        host: "test".to_owned(),
        pid: std::process::id(),
        version: "0".to_owned(),
        queues: BTreeMap::from([(QUEUE.to_owned(), 10)]),
        kinds: kinds(),
    };
    let mut conn = pool.acquire().await.unwrap();
    workers::register(&mut conn, &worker).await.unwrap();
    worker.id
}

/// Claims for `worker`, under a fresh lease.
pub(crate) async fn claim(pool: &PgPool, worker: WorkerId, ids: &[JobId]) -> Vec<Claimed> {
    let kinds = kinds();
    let who = Claimant {
        worker,
        queue: QUEUE,
        kinds: &kinds,
    };
    claim::claim(pool, who, Uuid::new_v4(), ids).await.unwrap()
}

/// Enqueues one plain job and claims it.
pub(crate) async fn running(pool: &PgPool, worker: WorkerId) -> Lease {
    let ids = put_pings(pool, 1).await;
    claim(pool, worker, &ids).await[0].lease
}

/// An attempt that succeeded, without output or logs.
pub(crate) fn success(lease: Lease) -> Success {
    Success {
        lease,
        output: Value::Null,
        logs: Vec::new(),
    }
}

/// An attempt that did not succeed; what follows, follows at once.
pub(crate) fn setback(lease: Lease, next: Next) -> Setback {
    let failure = Failure::told(next, "it did not work");
    Setback {
        lease,
        fingerprint: fingerprint("test", &failure.chain),
        failure,
        delay: Duration::ZERO,
        logs: Vec::new(),
    }
}

/// Ends one attempt; none if its lease was gone.
pub(crate) async fn set_back(pool: &PgPool, lease: Lease, next: Next) -> Option<Fate> {
    let fates = settle::set_back(pool, &[setback(lease, next)])
        .await
        .unwrap();
    fates.first().map(|(_, fate)| *fate)
}

/// A line of log.
pub(crate) fn line(message: impl Into<String>) -> LogLine {
    LogLine {
        at: "2026-01-01T00:00:00Z".to_owned(),
        level: "info".to_owned(),
        message: message.into(),
    }
}

/// Asks for a job to be cancelled while it runs.
pub(crate) async fn ask_to_cancel(pool: &PgPool, id: JobId) {
    sqlx::query(
        "update jobs set cancel_requested_at = now(), cancel_reason = 'enough' where id = $1",
    )
    .bind(id.uuid())
    .execute(pool)
    .await
    .unwrap();
}

/// What is stored of a job, wherever it is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stored {
    pub(crate) state: String,
    pub(crate) attempt: i32,
    pub(crate) unique_key: Option<String>,
    pub(crate) last_error: Option<String>,
    pub(crate) run_at: DateTime<Utc>,
}

/// The job as it stands, in the hot table or in the history; none if there is no such job.
pub(crate) async fn stored(pool: &PgPool, id: JobId) -> Option<Stored> {
    let rows = sqlx::query(
        "select state::text, attempt, unique_key, last_error, run_at from jobs where id = $1
         union all select state::text, attempt, unique_key, last_error, run_at from job_history where id = $1",
    )
    .bind(id.uuid())
    .fetch_all(pool)
    .await
    .unwrap();
    assert!(rows.len() <= 1, "{id} is stored {} times", rows.len());
    rows.first().map(|row| Stored {
        state: row.get(0),
        attempt: row.get(1),
        unique_key: row.get(2),
        last_error: row.get(3),
        run_at: row.get(4),
    })
}

/// The state of a job that exists.
pub(crate) async fn state(pool: &PgPool, id: JobId) -> String {
    stored(pool, id).await.expect("the job exists").state
}

/// The first column of the first row, for what a statement counts or tells.
pub(crate) async fn ask<T>(pool: &PgPool, sql: &'static str) -> T
where
    T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
{
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

/// Runs a statement that prepares a case.
pub(crate) async fn run(pool: &PgPool, sql: &'static str) {
    sqlx::query(sql).execute(pool).await.unwrap();
}

/// A pool of its own for tests in which many act at once.
pub(crate) async fn wide_pool(pool: &PgPool, connections: u32) -> PgPool {
    sqlx::postgres::PgPoolOptions::new()
        .max_connections(connections)
        .connect_with((*pool.connect_options()).clone())
        .await
        .unwrap()
}

/// Waits until some session of this database waits for a lock, so that what follows is sure to meet it there.
pub(crate) async fn somebody_waits(pool: &PgPool) {
    let waits = async {
        loop {
            let waiting: i64 = ask(
                pool,
                "select count(*) from pg_stat_activity
                 where datname = current_database() and wait_event_type = 'Lock'",
            )
            .await;
            if waiting > 0 {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waits)
        .await
        .expect("somebody waits for a lock within 10 s");
}
