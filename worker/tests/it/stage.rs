//! What the tests share: kinds of jobs, a queue that no other test uses, workers for it, and waiting for what must come.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::config::Config;
use shared::kernel::{Actor, Clock, Ctx, Db, Role, TypedId};
use shared::queue::{
    Backoff, Catalog, Done, Job, JobId, NewJob, Outcome, Policy, Signals, enqueue_many,
};
use sqlx::{PgConnection, PgPool, Row};
use uuid::Uuid;
use worker::app::App;
use worker::job_cx::JobCx;
use worker::lifecycle::{Settings, Worker};
use worker::registry::Registry;

/// How long anything that must happen may take.
const DEADLINE: Duration = Duration::from_secs(20);
/// The time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A job that does what the test's handler does; retried twice, almost at once.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Step {
    pub(crate) n: u32,
}

/// A hundredth of a second between attempts at the most.
const SOON: Backoff = Backoff {
    base: Duration::from_millis(5),
    cap: Duration::from_millis(10),
};

impl Job for Step {
    const KIND: &'static str = "test.step";
    const QUEUE: &'static str = "tests";
    const DESCRIPTION: &'static str = "Does what the test says.";
    const POLICY: Policy = Policy {
        max_attempts: 3,
        backoff: SOON,
        ..Policy::DEFAULT
    };
}

/// As [`Step`], but each attempt may take a tenth of a second only.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Hasty {}

impl Job for Hasty {
    const KIND: &'static str = "test.hasty";
    const QUEUE: &'static str = "tests";
    const DESCRIPTION: &'static str = "Has little time.";
    const POLICY: Policy = Policy {
        max_attempts: 2,
        backoff: SOON,
        timeout: Duration::from_millis(100),
        ..Policy::DEFAULT
    };
}

/// As [`Step`], in turn with other tenants.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Turn {
    pub(crate) tenant: String,
}

impl Job for Turn {
    const KIND: &'static str = "test.turn";
    const QUEUE: &'static str = "tests";
    const DESCRIPTION: &'static str = "Takes turns.";

    fn group(&self) -> Option<String> {
        Some(self.tenant.clone())
    }
}

/// A plain job.
pub(crate) fn step(n: u32) -> NewJob {
    NewJob::of(&Step { n }).unwrap()
}

/// A registry whose one handler runs [`Step`].
pub(crate) fn steps<F, Fut>(handler: F) -> Registry
where
    F: Fn(Step, JobCx) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Outcome> + Send + 'static,
{
    Registry::default().on(handler)
}

/// Looks again and again until `look` sees something, and answers that.
///
/// # Panics
/// If it sees nothing within [`DEADLINE`].
pub(crate) async fn eventually<T, F, Fut>(what: &str, mut look: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    let seen = async {
        loop {
            ticks.tick().await;
            if let Some(seen) = look().await {
                return seen;
            }
        }
    };
    match tokio::time::timeout(DEADLINE, seen).await {
        Ok(seen) => seen,
        Err(_) => panic!("{what}: not within {DEADLINE:?}"),
    }
}

/// A database and a queue of the test's own.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) pool: PgPool,
    pub(crate) queue: String,
    pub(crate) redis_url: String,
    db: Db,
}

/// A job as it stands, wherever it is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stored {
    pub(crate) state: String,
    pub(crate) attempt: i32,
    pub(crate) last_error: Option<String>,
    pub(crate) worker: Option<Uuid>,
}

impl Stage {
    pub(crate) fn new(pool: PgPool) -> Self {
        let redis_url = std::env::var("REDIS_URL").expect("REDIS_URL names the Redis of the tests");
        let signals = Signals::new(&redis_url).unwrap();
        Self {
            db: Db::new(pool.clone(), Some(signals)),
            queue: format!("test_{}", Uuid::new_v4().simple()),
            redis_url,
            pool,
        }
    }

    /// The same database and another queue.
    pub(crate) fn beside(&self, queue: &str) -> Self {
        Self {
            queue: queue.to_owned(),
            ..self.clone()
        }
    }

    /// Starts a worker for this queue.
    pub(crate) fn worker(&self, slots: usize, registry: Registry) -> Worker {
        self.worker_for(&[(self.queue.as_str(), slots)], &self.redis_url, registry)
    }

    /// Starts a worker for some queues over some Redis.
    pub(crate) fn worker_for(
        &self,
        queues: &[(&str, usize)],
        redis_url: &str,
        registry: Registry,
    ) -> Worker {
        let catalog = Catalog::default()
            .with::<Step>()
            .with::<Hasty>()
            .with::<Turn>();
        let config = config(&[]);
        Worker::start(
            self.settings(queues, redis_url),
            registry,
            Arc::new(catalog),
            |db, clock| App::new(db, clock, &config),
        )
        .unwrap()
    }

    /// Starts a worker for this queue with the product's own handlers, which mail through `smtp_url`.
    pub(crate) fn product(&self, smtp_url: &str) -> Worker {
        self.product_of(&config(&[("SMTP_URL", smtp_url)])).0
    }

    /// Starts a worker for this queue with the product's own handlers, and with what `config` says; answers the clock that
    /// its handlers go by, too.
    pub(crate) fn product_of(&self, config: &Config) -> (Worker, Clock) {
        let mut theirs = Clock::system();
        let worker = Worker::start(
            self.settings(&[(self.queue.as_str(), 4)], &self.redis_url),
            worker::handlers::all(),
            Arc::new(shared::job_kinds::catalog()),
            |db, clock| {
                theirs = clock.clone();
                App::new(db, clock, config)
            },
        )
        .unwrap();
        (worker, theirs)
    }

    fn settings(&self, queues: &[(&str, usize)], redis_url: &str) -> Settings {
        let options = (*self.pool.connect_options()).clone();
        Settings {
            direct: options.clone(),
            database: options,
            pool_size: 4,
            redis_url: redis_url.to_owned(),
            queues: queues
                .iter()
                .map(|(name, slots)| ((*name).to_owned(), *slots))
                .collect::<BTreeMap<_, _>>(),
        }
    }

    /// Does something as the product does, in a transaction, and takes the jobs that it enqueued into this queue.
    pub(crate) async fn doing<T>(&self, what: impl AsyncFnOnce(&mut PgConnection, &Ctx) -> T) -> T {
        let ctx = ada();
        let mut tx = self.db.begin().await.unwrap();
        let done = what(&mut tx, &ctx).await;
        self.db.commit(tx, &ctx).await.unwrap();
        self.adopt().await;
        done
    }

    /// Takes all jobs that wait into this queue: the product's own are shared with other tests.
    pub(crate) async fn adopt(&self) {
        sqlx::query("update jobs set queue = $1 where state = 'available'")
            .bind(&self.queue)
            .execute(&self.pool)
            .await
            .unwrap();
    }

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    /// Enqueues into this queue as the product does.
    pub(crate) async fn put(&self, jobs: Vec<NewJob>) -> Vec<JobId> {
        self.put_as(&ctx(), jobs).await
    }

    /// As [`Stage::put`], in somebody's context.
    pub(crate) async fn put_as(&self, ctx: &Ctx, mut jobs: Vec<NewJob>) -> Vec<JobId> {
        for job in &mut jobs {
            job.queue.clone_from(&self.queue);
        }
        let mut tx = self.db.begin().await.unwrap();
        let answers = enqueue_many(&mut tx, ctx, jobs).await.unwrap();
        self.db.commit(tx, ctx).await.unwrap();
        answers.into_iter().map(|answer| answer.id()).collect()
    }

    pub(crate) async fn put_one(&self, job: NewJob) -> JobId {
        self.put(vec![job]).await[0]
    }

    /// The job as it stands.
    pub(crate) async fn stored(&self, id: JobId) -> Stored {
        let row = sqlx::query(
            "select state::text, attempt, last_error, worker_id from jobs where id = $1
             union all select state::text, attempt, last_error, worker_id from job_history where id = $1",
        )
        .bind(id.uuid())
        .fetch_one(&self.pool)
        .await
        .unwrap();
        Stored {
            state: row.get(0),
            attempt: row.get(1),
            last_error: row.get(2),
            worker: row.get(3),
        }
    }

    /// Waits until the job is in `state`.
    pub(crate) async fn reaches(&self, id: JobId, state: &str) -> Stored {
        eventually(&format!("{id} is {state}"), || async {
            Some(self.stored(id).await).filter(|job| job.state == state)
        })
        .await
    }

    /// Waits until all jobs are in `state`.
    pub(crate) async fn all_reach(&self, ids: &[JobId], state: &str) {
        for id in ids {
            self.reaches(*id, state).await;
        }
    }

    /// The attempts at a job that left a row: their numbers and outcomes, oldest first.
    pub(crate) async fn attempts(&self, id: JobId) -> String {
        sqlx::query_scalar(
            "select coalesce(string_agg(attempt || ' ' || outcome, ', ' order by ended_at), '')
             from job_attempts where job_id = $1",
        )
        .bind(id.uuid())
        .fetch_one(&self.pool)
        .await
        .unwrap()
    }

    /// The first column of the first row.
    pub(crate) async fn ask<T>(&self, sql: &'static str) -> T
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
    {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }

    pub(crate) async fn run(&self, sql: &'static str) {
        sqlx::query(sql).execute(&self.pool).await.unwrap();
    }

    /// Waits until the worker may act, so that what follows finds it at work.
    pub(crate) async fn is_up(&self, worker: &Worker) {
        eventually("the worker's heartbeat is confirmed", || async {
            worker.running.may_act().then_some(())
        })
        .await;
    }
}

/// The configuration of tests; `changes` win.
pub(crate) fn config(changes: &[(&str, &str)]) -> Config {
    Config::read(|name| {
        let changed = changes.iter().find(|(key, _)| *key == name);
        changed
            .map(|(_, value)| (*value).to_owned())
            .or_else(|| match name {
                "NODE_ENV" => Some("test".to_owned()),
                "DATABASE_URL" | "REDIS_URL" => std::env::var(name).ok(),
                _ => None,
            })
    })
    .unwrap()
}

/// A context of an admin.
pub(crate) fn ada() -> Ctx {
    Ctx::new(Actor::user("ada", &[Role::Admin]), &Clock::system())
}

/// A context of the system's own.
pub(crate) fn ctx() -> Ctx {
    Ctx::new(Actor::System, &Clock::system())
}

/// What most handlers answer.
#[expect(clippy::unnecessary_wraps, reason = "it is what a handler answers")]
pub(crate) fn done() -> Outcome {
    Ok(Done::NOTHING)
}
