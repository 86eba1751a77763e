//! What the pages are measured on.

use shared::kernel::{Actor, Clock, Ctx, Db};
use shared::queue::batch;
use sqlx::PgPool;

use super::Options;
use crate::bench_queue::{enqueue_all, fill_history};

/// The queue that jobs wait in which nobody works off.
const WAITING: &str = "bench";
/// The queue of the jobs that are dead, and retried.
pub(super) const REPLAYED: &str = "replayed";
/// Sorts of errors that the dead ones have.
const ERRORS: i32 = 40;

/// Fills the queue, unless it is filled.
pub(super) async fn all(pool: &PgPool, db: &Db, options: &Options) -> anyhow::Result<()> {
    let waiting: i64 = sqlx::query_scalar("select count(*) from jobs")
        .fetch_one(pool)
        .await?;
    anyhow::ensure!(
        waiting == 0,
        "the queue is not empty; the bench wants a database of its own"
    );
    fill_history(pool, options.finished).await?;
    paces(pool).await?;
    enqueue_all(db, WAITING, options.waiting).await?;
    enqueue_all(db, REPLAYED, options.dead).await?;
    kill(pool).await?;
    let ctx = Ctx::new(Actor::System, &Clock::system());
    let mut tx = db.begin().await?;
    batch::create(&mut tx, &ctx, "measured", None).await?;
    db.commit(tx, &ctx).await?;
    sqlx::query("vacuum (analyze) jobs").execute(pool).await?;
    Ok(())
}

/// What workers would have counted in a week, for the charts.
async fn paces(pool: &PgPool) -> anyhow::Result<()> {
    sqlx::query(
        "insert into queue_pace (step_s, at, queue, completed, failed, dead, pickup)
         select s.step, to_timestamp(floor(extract(epoch from now()) / s.step - n) * s.step), 'bench', 100 * s.step,
                s.step, 1, array_fill(s.step::int8, array[33])
         from (values (10, 30), (60, 60), (600, 144), (3600, 168)) s (step, steps), generate_series(0, s.steps) n
         on conflict do nothing",
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Lets the jobs of [`REPLAYED`] have died in the course of a day, of different errors.
async fn kill(pool: &PgPool) -> anyhow::Result<()> {
    sqlx::query(
        "update jobs set state = 'dead', attempt = 10,
                dead_at = now() - make_interval(secs => ((args ->> 'i')::int8 % 86400)::float8),
                fingerprint = md5(((args ->> 'i')::int8 % $2)::text),
                last_error = 'connection refused by host ' || ((args ->> 'i')::int8 % $2)
         where queue = $1",
    )
    .bind(REPLAYED)
    .bind(i64::from(ERRORS))
    .execute(pool)
    .await?;
    Ok(())
}

/// Every page, with the jobs, batches and searches that there are.
pub(super) async fn paths(pool: &PgPool) -> anyhow::Result<Vec<String>> {
    let finished: Option<String> = sqlx::query_scalar(
        "select 'job_' || replace(id::text, '-', '') from job_history order by id desc limit 1",
    )
    .fetch_optional(pool)
    .await?;
    let batch: String =
        sqlx::query_scalar("select 'batch_' || replace(id::text, '-', '') from batches limit 1")
            .fetch_one(pool)
            .await?;
    let fixed = [
        "/",
        "/?span=hour",
        "/?span=day",
        "/?span=week",
        "/jobs",
        "/jobs?q=state:completed",
        "/jobs?q=state:available",
        "/jobs?q=state:dead",
        "/jobs?q=kind:bench.noop",
        "/jobs?q=queue:bench",
        "/jobs?q=refused",
        "/dead-letters",
        "/campaigns",
        "/batches",
        "/bulk",
        "/schedules",
        "/queues",
        "/workers",
        "/audit",
    ];
    let fixed = fixed.into_iter().map(str::to_owned);
    let finished = finished.map(|id| format!("/jobs/{id}"));
    Ok(fixed
        .chain(finished)
        .chain([format!("/batches/{batch}")])
        .collect())
}
