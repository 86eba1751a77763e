//! An arena: a private Postgres, a private Redis, and worker processes of the real code, all of which can be killed,
//! stopped and cut off while jobs are counted.
//!
//! Times are the database's, so that no difference of clocks comes into what is asserted about them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};
use nix::sys::signal::Signal;
use shared::kernel::{Actor, Clock, Ctx, Db, TypedId};
use shared::queue::{EnqueueError, Job, JobId, NewJob, Signals, WorkerId, enqueue_many};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use uuid::Uuid;
use xtask::servers::{
    Durability, Output, Postgres, PostgresOptions, Process, ProcessSpec, Redis, RunFolder,
};

use crate::drill::{self, Effect};
use crate::wall_clock::WallClock;

/// How long a worker may take from its start to its first confirmed heartbeat.
const START_LIMIT: Duration = Duration::from_secs(30);
/// The time between two looks at a condition.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Jobs enqueued in one transaction.
const BATCH: usize = 1_000;

/// See the module.
#[derive(Debug)]
pub struct Arena {
    /// Workers by the order of their starts; none for one that was taken out.
    workers: Vec<Option<Drilled>>,
    /// The database.
    pub postgres: Postgres,
    /// What carries the ids.
    pub redis: Redis,
    /// Connections for those who count.
    pub pool: PgPool,
    db: Db,
    program: PathBuf,
    /// For workers that are started from now on.
    variables: Vec<(&'static str, String)>,
    folder: RunFolder,
}

/// A worker of the arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place(usize);

/// A worker's process, and the id it registered under when it started.
#[derive(Debug)]
struct Drilled {
    process: Process,
    id: WorkerId,
}

/// A worker that was killed.
#[derive(Debug, Clone, Copy)]
pub struct Killed {
    /// Which.
    pub id: WorkerId,
    /// The database's time right before.
    pub at: DateTime<Utc>,
}

impl Arena {
    /// Starts the servers, with Postgres as safe as it is by default, and prepares the database. `program` is the
    /// laboratory's own, which also runs the workers.
    ///
    /// # Errors
    /// If a server is not installed or does not start.
    pub async fn open(program: &Path) -> Result<Self> {
        let folder = RunFolder::create()?;
        let postgres = Postgres::start(&folder, PostgresOptions::new(Durability::Safe))?;
        let redis = Redis::start(&folder)?;
        let pool = PgPoolOptions::new()
            .max_connections(8)
            .acquire_timeout(Duration::from_secs(5))
            .connect(&postgres.url())
            .await?;
        shared::kernel::MIGRATIONS.run(&pool).await?;
        drill::prepare(&pool).await?;
        Ok(Self {
            workers: Vec::new(),
            db: Db::new(pool.clone(), Some(Signals::new(&redis.url())?)),
            postgres,
            redis,
            pool,
            program: program.to_owned(),
            variables: Vec::new(),
            folder,
        })
    }

    /// A wall clock by which the workers that are started from now on go.
    ///
    /// # Errors
    /// As [`WallClock::new`].
    pub fn wall_clock(&mut self) -> Result<WallClock> {
        let clock = WallClock::new(&self.folder)?;
        self.variables = clock.variables();
        Ok(clock)
    }

    /// Starts a drill worker with more arguments; returns once it may take jobs.
    ///
    /// # Errors
    /// If it does not come up.
    pub fn worker(&mut self, arguments: &[&str]) -> Result<Place> {
        let url = self.postgres.url();
        self.worker_on(&url, arguments)
    }

    /// As [`Arena::worker`], on another database.
    ///
    /// # Errors
    /// As [`Arena::worker`].
    pub fn worker_on(&mut self, database: &str, arguments: &[&str]) -> Result<Place> {
        let mut process = self.launch(database, arguments)?;
        let id = process.announced(drill::UP, START_LIMIT)?.parse()?;
        self.workers.push(Some(Drilled { process, id }));
        Ok(Place(self.workers.len() - 1))
    }

    /// Starts a drill worker and does not wait for it.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub fn launch(&self, database: &str, arguments: &[&str]) -> Result<Process> {
        let mut command = Command::new(&self.program);
        command
            .arg("drill-worker")
            .args(arguments)
            .env("DATABASE_URL", database)
            .env("REDIS_URL", self.redis.url())
            .env("NODE_ENV", "test")
            .env("RUST_LOG", "info,sqlx=warn")
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        let spec = ProcessSpec {
            name: format!("worker-{}", self.workers.len()),
            command,
            output: Output::Quiet,
        };
        Process::start(&self.folder, spec)
    }

    /// The workers that have not been taken out.
    pub fn places(&self) -> Vec<Place> {
        let taken = self.workers.iter().enumerate();
        taken
            .filter(|(_, worker)| worker.is_some())
            .map(|(i, _)| Place(i))
            .collect()
    }

    /// SIGKILLs a worker and takes it out.
    ///
    /// # Errors
    /// If there is no such worker, the system refuses, or the database does not answer.
    pub async fn kill(&mut self, place: Place) -> Result<Killed> {
        let at = self.now().await?;
        let mut worker = self.take(place)?;
        worker.process.kill()?;
        Ok(Killed { id: worker.id, at })
    }

    /// Takes out the workers whose processes have ended by themselves; answers how many those were.
    ///
    /// # Errors
    /// If the system does not say.
    pub fn take_ended(&mut self) -> Result<usize> {
        let mut ended = 0;
        for slot in &mut self.workers {
            if let Some(worker) = slot
                && worker.process.ended()?.is_some()
            {
                *slot = None;
                ended += 1;
            }
        }
        Ok(ended)
    }

    fn take(&mut self, place: Place) -> Result<Drilled> {
        let worker = self.workers.get_mut(place.0).and_then(Option::take);
        worker.context("no such worker")
    }

    /// SIGSTOPs a worker: it does nothing, and its connections stay.
    ///
    /// # Errors
    /// If there is no such worker or the system refuses.
    pub fn stop(&mut self, place: Place) -> Result<()> {
        self.process(place)?.signal(Signal::SIGSTOP)
    }

    /// Lets a stopped worker go on.
    ///
    /// # Errors
    /// As [`Arena::stop`].
    pub fn go_on(&mut self, place: Place) -> Result<()> {
        self.process(place)?.signal(Signal::SIGCONT)
    }

    /// Asks a worker to drain, and waits until it has.
    ///
    /// # Errors
    /// If it does not within its grace, or not well.
    pub fn drain(&mut self, place: Place) -> Result<()> {
        let status = self
            .take(place)?
            .process
            .stop(Signal::SIGTERM, Duration::from_secs(45))?;
        anyhow::ensure!(status.success(), "the worker drained badly: {status}");
        Ok(())
    }

    /// The last lines a worker printed.
    ///
    /// # Errors
    /// If there is no such worker.
    pub fn tail(&mut self, place: Place) -> Result<String> {
        Ok(self.process(place)?.tail())
    }

    fn process(&mut self, place: Place) -> Result<&mut Process> {
        let worker = self.workers.get_mut(place.0).and_then(Option::as_mut);
        Ok(&mut worker.context("no such worker")?.process)
    }

    /// The server process that serves the leader's session; none when nobody leads. Another leader has another.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn leader(&self) -> Result<Option<i32>> {
        let pid = sqlx::query_scalar(
            "select l.pid from pg_locks l join pg_stat_activity a on a.pid = l.pid
             where l.locktype = 'advisory' and l.granted and a.application_name = 'creatorcrm leader'
               and a.datname = current_database()",
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(pid)
    }

    /// The database's time.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn now(&self) -> Result<DateTime<Utc>> {
        Ok(sqlx::query_scalar("select clock_timestamp()")
            .fetch_one(&self.pool)
            .await?)
    }

    /// Enqueues jobs as the product does, in transactions of a thousand.
    ///
    /// # Errors
    /// If the database refuses; what was committed stays.
    pub async fn put(&self, jobs: Vec<NewJob>) -> Result<Vec<JobId>> {
        let mut ids = Vec::with_capacity(jobs.len());
        let mut jobs = jobs.into_iter().peekable();
        while jobs.peek().is_some() {
            let some: Vec<NewJob> = jobs.by_ref().take(BATCH).collect();
            let ctx = Ctx::new(Actor::System, &Clock::system());
            let mut tx = self.db.begin().await?;
            let answers = enqueue_many(&mut tx, &ctx, some).await?;
            self.db.commit(tx, &ctx).await?;
            ids.extend(answers.into_iter().map(|answer| answer.id()));
        }
        Ok(ids)
    }

    /// Enqueues `n` jobs that each have one effect and take `hold_ms`.
    ///
    /// # Errors
    /// As [`Arena::put`].
    pub async fn put_effects(&self, n: u32, hold_ms: u64) -> Result<Vec<JobId>> {
        self.put(effects(n, hold_ms)?).await
    }

    /// What a statement with one row and one column answers.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn ask<T>(&self, sql: &'static str) -> Result<T>
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
    {
        Ok(sqlx::query_scalar(sql).fetch_one(&self.pool).await?)
    }

    /// Runs a statement.
    ///
    /// # Errors
    /// If the database refuses or does not answer.
    pub async fn run(&self, sql: &'static str) -> Result<()> {
        sqlx::query(sql).execute(&self.pool).await?;
        Ok(())
    }

    /// Waits until a statement answers true. While the database is away it has not answered yet.
    ///
    /// # Errors
    /// With `what`, and what the queue looks like, if it does not within `limit`.
    pub async fn until(&self, what: &str, limit: Duration, sql: &'static str) -> Result<()> {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        let come = async {
            loop {
                looks.tick().await;
                if let Ok(true) = self.ask::<bool>(sql).await {
                    return;
                }
            }
        };
        if tokio::time::timeout(limit, come).await.is_err() {
            bail!("{what}: not within {limit:?}\n{}", self.picture().await?);
        }
        Ok(())
    }

    /// Waits until no job waits or runs.
    ///
    /// # Errors
    /// As [`Arena::until`].
    pub async fn all_over(&self, limit: Duration) -> Result<()> {
        let over = "select not exists (select from jobs where state <> 'dead')";
        self.until("all jobs are over", limit, over).await
    }

    /// Counts what came of `jobs` effects.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn count(&self) -> Result<Count> {
        let row: (i64, i64, i64, i64, i64) = sqlx::query_as(
            "select (select count(*) from job_history where state = 'completed'),
                    (select count(*) from jobs where state = 'dead'),
                    (select count(*) from effects), (select count(distinct job_id) from effects),
                    (select count(*) from job_history h where kind <> 'drill.killer' and state = 'completed'
                       and not exists (select from effects e where e.job_id = h.id))",
        )
        .fetch_one(&self.pool)
        .await?;
        let (completed, dead, effects, distinct, without) = row;
        Ok(Count {
            completed,
            dead,
            twice: effects - distinct,
            without,
        })
    }

    /// A few lines for the message of a failure.
    async fn picture(&self) -> Result<String> {
        let lines: Option<String> = sqlx::query_scalar(
            "select string_agg(line, E'\\n') from (
                 select concat_ws(' ', 'jobs', kind, state, 'crashes', crashes, count(*), 'attempt', max(attempt),
                                  min(run_at) - now(), max(last_error)) as line
                 from jobs group by kind, state, crashes
                 union all
                 select concat_ws(' ', 'worker', id, state, 'beat', beat, now() - seen_at) from workers) t",
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(lines.unwrap_or_default())
    }

    /// The longest time, in seconds, from the kill of one of these workers to its rescue.
    ///
    /// # Errors
    /// If one of them was not rescued within `limit`.
    pub async fn slowest_rescue(&self, killed: &[Killed], limit: Duration) -> Result<f64> {
        let ids: Vec<Uuid> = killed.iter().map(|worker| worker.id.uuid()).collect();
        let mut looks = tokio::time::interval(LOOK_EVERY);
        let rescued = async {
            loop {
                looks.tick().await;
                let left: i64 = sqlx::query_scalar(
                    "select count(*) from workers where id = any($1) and state <> 'lost'",
                )
                .bind(&ids)
                .fetch_one(&self.pool)
                .await?;
                if left == 0 {
                    return anyhow::Ok(());
                }
            }
        };
        tokio::time::timeout(limit, rescued)
            .await
            .context("dead workers were not rescued")??;
        let mut slowest = 0.0_f64;
        for Killed { id, at } in killed {
            let took: f64 = sqlx::query_scalar(
                "select extract(epoch from ended_at - $2)::float8 from workers where id = $1",
            )
            .bind(id.uuid())
            .bind(at)
            .fetch_one(&self.pool)
            .await?;
            slowest = slowest.max(took);
        }
        Ok(slowest)
    }
}

/// What came of the jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Jobs that completed.
    pub completed: i64,
    /// Dead letters.
    pub dead: i64,
    /// Effects beyond the first of their job.
    pub twice: i64,
    /// Completed jobs without their effect.
    pub without: i64,
}

/// `n` jobs that each have one effect and take `hold_ms`.
///
/// # Errors
/// None in practice: the payload is small.
pub fn effects(n: u32, hold_ms: u64) -> std::result::Result<Vec<NewJob>, EnqueueError> {
    (0..n)
        .map(|n| {
            NewJob::of(&Effect {
                n,
                hold_ms,
                failures: 0,
            })
        })
        .collect()
}

/// A job of a kind, as the kind declares.
///
/// # Errors
/// If its payload cannot be stored.
pub fn job<J: Job>(job: &J) -> Result<NewJob> {
    Ok(NewJob::of(job)?)
}
