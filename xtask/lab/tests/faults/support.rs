//! What the fault tests share.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use lab::arena::{Arena, Count, effects};
use shared::kernel::{Actor, Clock, Ctx, Db};
use shared::queue::{Signals, enqueue_many};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long a backlog of these tests may take once nothing is broken any more.
pub(crate) const SOON: Duration = Duration::from_secs(90);

/// One of two sizes of a test: short in `cargo xtask test`, long in `cargo xtask chaos --drills`.
pub(crate) fn either<T>(short: T, long: T) -> T {
    if std::env::var_os("LONG_DRILLS").is_some() {
        long
    } else {
        short
    }
}

/// Tests that share a process share the machine's two cores; nextest, which gives each its own, does so by its
/// configuration.
static CORES: Semaphore = Semaphore::const_new(2);

/// The right to be the only one of these tests.
pub(crate) async fn alone() -> Result<SemaphorePermit<'static>> {
    Ok(CORES.acquire_many(2).await?)
}

/// An arena, and the right to be the only one.
pub(crate) async fn arena() -> Result<(Arena, SemaphorePermit<'static>)> {
    let permit = alone().await?;
    Ok((open().await?, permit))
}

/// An arena for a test that mostly waits, for a worker to be missed or a server to come back, and does not mind another
/// such test beside it.
pub(crate) async fn patient_arena() -> Result<(Arena, SemaphorePermit<'static>)> {
    let permit = CORES.acquire().await?;
    Ok((open().await?, permit))
}

async fn open() -> Result<Arena> {
    Arena::open(Path::new(env!("CARGO_BIN_EXE_lab"))).await
}

/// Asserts that `jobs` completed, each with exactly one effect, and that none is dead.
pub(crate) async fn assert_each_once(arena: &Arena, jobs: i64) -> Result<()> {
    let expected = Count {
        completed: jobs,
        dead: 0,
        twice: 0,
        without: 0,
    };
    assert_eq!(arena.count().await?, expected);
    Ok(())
}

/// Enqueues jobs all the time, until it is ended.
#[derive(Debug)]
pub(crate) struct Stream {
    stop: CancellationToken,
    task: JoinHandle<Committed>,
}

/// Jobs that were certainly committed, and those of commits that broke and may have happened.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Committed {
    pub(crate) surely: i64,
    pub(crate) perhaps: i64,
}

impl Committed {
    /// These and `more`, which were certainly committed.
    pub(crate) fn and(self, more: i64) -> Self {
        Self {
            surely: self.surely + more,
            ..self
        }
    }
}

impl Stream {
    /// `n` jobs of `hold_ms` every `every`.
    pub(crate) fn start(arena: &Arena, n: u32, hold_ms: u64, every: Duration) -> Result<Self> {
        let db = Db::new(arena.pool.clone(), Some(Signals::new(&arena.redis.url())?));
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let mut committed = Committed::default();
            let mut ticks = tokio::time::interval(every);
            loop {
                tokio::select! {
                    () = stopped.cancelled() => return committed,
                    _ = ticks.tick() => {}
                }
                match put(&db, n, hold_ms).await {
                    Ok(()) => committed.surely += i64::from(n),
                    Err(error) => {
                        tracing::debug!(%error, "not enqueued, or not known to be");
                        committed.perhaps += i64::from(n);
                    }
                }
            }
        });
        Ok(Self { stop, task })
    }

    /// As [`Stream::start`], and waits until jobs come out at the other end.
    pub(crate) async fn flowing(
        arena: &Arena,
        n: u32,
        hold_ms: u64,
        every: Duration,
    ) -> Result<Self> {
        let stream = Self::start(arena, n, hold_ms, every)?;
        let flows = "select count(*) > 100 from job_history";
        arena.until("jobs are done", SOON, flows).await?;
        Ok(stream)
    }

    /// Ends it; answers what it enqueued.
    pub(crate) async fn end(self) -> Result<Committed> {
        self.stop.cancel();
        Ok(self.task.await?)
    }
}

async fn put(db: &Db, n: u32, hold_ms: u64) -> Result<()> {
    let ctx = Ctx::new(Actor::System, &Clock::system());
    let mut tx = db.begin().await?;
    enqueue_many(&mut tx, &ctx, effects(n, hold_ms)?).await?;
    db.commit(tx, &ctx).await?;
    Ok(())
}

/// Lets time pass in which nothing is asserted: the moment of a fault, or how long it lasts.
pub(crate) async fn lasting(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Asserts that everything a stream enqueued came to its one end.
pub(crate) async fn assert_stream_whole(arena: &Arena, committed: Committed) -> Result<()> {
    let count = arena.count().await?;
    let range = committed.surely..=committed.surely + committed.perhaps;
    assert!(
        range.contains(&count.completed),
        "{count:?} of {committed:?}"
    );
    assert_eq!((count.dead, count.twice, count.without), (0, 0, 0));
    Ok(())
}

/// A schedule that fires each second, whose runs are kept even when it is deleted.
pub(crate) async fn every_second(arena: &Arena) -> Result<()> {
    for sql in [
        "create table schedule_runs_seen (tick timestamptz primary key, job_id uuid not null)",
        "create function keep_run() returns trigger language plpgsql as
         $$ begin insert into schedule_runs_seen values (new.tick, new.job_id); return new; end $$",
        "create trigger keep after insert on schedule_runs for each row execute function keep_run()",
        "insert into schedules (id, name, kind, args, cron, timezone, misfire, last_tick, created_by)
         values (gen_random_uuid(), 'often', 'drill.effect', '{\"n\": 1}', '* * * * * *', 'UTC', 'all', now(), 'test')",
    ] {
        arena.run(sql).await?;
    }
    Ok(())
}

/// Ends the schedule of [`every_second`]; answers how often it fired, and how many of these ticks share a job with
/// another.
pub(crate) async fn ticks_without_a_job_of_their_own(arena: &Arena) -> Result<(i64, i64)> {
    arena.run("delete from schedules").await?;
    let ticks: i64 = arena.ask("select count(*) from schedule_runs_seen").await?;
    let jobs: i64 = arena
        .ask("select count(distinct job_id) from schedule_runs_seen")
        .await?;
    Ok((ticks, ticks - jobs))
}
