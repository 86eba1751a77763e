//! Pauses and limits, changed while workers run.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use shared::queue::retry;
use sqlx::PgPool;
use tokio::sync::{Semaphore, SemaphorePermit};
use worker::registry::Registry;

use crate::stage::{Stage, done, eventually, step, steps};

/// Who is at work, how many were at once, and the gate behind which they end.
#[derive(Debug)]
struct AtWork {
    now: AtomicI64,
    most: AtomicI64,
    gate: Semaphore,
}

/// A registry whose handlers are counted, and end when the gate lets them.
fn counting() -> (Registry, Arc<AtWork>) {
    let work = Arc::new(AtWork {
        now: AtomicI64::new(0),
        most: AtomicI64::new(0),
        gate: Semaphore::new(0),
    });
    let counted = work.clone();
    let registry = steps(move |_, _| {
        let work = counted.clone();
        async move {
            let now = work.now.fetch_add(1, Ordering::SeqCst) + 1;
            work.most.fetch_max(now, Ordering::SeqCst);
            let ended = work.gate.acquire().await.map(SemaphorePermit::forget);
            work.now.fetch_sub(1, Ordering::SeqCst);
            ended.map_err(retry)?;
            done()
        }
    });
    (registry, work)
}

/// Twenty jobs, of which `limit` are at work at once as long as none may end, and never more afterwards.
async fn twenty_run(stage: &Stage, work: &AtWork, limit: i64) {
    let ids = stage.put((0..20).map(step).collect()).await;
    eventually("as many as may are at work", || async {
        (work.now.load(Ordering::SeqCst) >= limit).then_some(())
    })
    .await;
    // two beats, in which others could begin
    settings_are_read(stage).await;
    work.gate.add_permits(ids.len());
    stage.all_reach(&ids, "completed").await;
    assert_eq!(work.most.load(Ordering::SeqCst), limit);
}

async fn set(stage: &Stage, change: &str) {
    let sql = format!("update queues set {change}, version = version + 1 where name = $1");
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(&stage.queue)
        .execute(&stage.pool)
        .await
        .unwrap();
}

/// Waits until every worker has read the settings as they are now: they are read after a beat is written, so those of
/// one beat are known at the next.
async fn settings_are_read(stage: &Stage) {
    let slowest = "select min(beat) from workers where state = 'running'";
    let before: i64 = stage.ask(slowest).await;
    eventually("every worker has read the settings", || async {
        (stage.ask::<i64>(slowest).await >= before + 2).then_some(())
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_paused_queue_starts_nothing_until_it_is_resumed(pool: PgPool) {
    let stage = Stage::new(pool);
    let other = format!("{}_b", stage.queue);
    let queues = [(stage.queue.as_str(), 2), (other.as_str(), 2)];
    let worker = stage.worker_for(&queues, &stage.redis_url, steps(|_, _| async { done() }));
    stage.is_up(&worker).await;
    set(&stage, "paused_at = now()").await;
    let paused = stage.put((0..5).map(step).collect()).await;
    let ran = stage.beside(&other).put((0..5).map(step).collect()).await;
    stage.all_reach(&ran, "completed").await;
    for id in &paused {
        assert_eq!(stage.stored(*id).await.state, "available");
    }
    set(&stage, "paused_at = null").await;
    stage.all_reach(&paused, "completed").await;
    worker.drain().await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_fleets_concurrency_limit_holds_and_follows_its_setting(pool: PgPool) {
    let stage = Stage::new(pool);
    let (registry, work) = counting();
    let workers = [stage.worker(8, registry.clone()), stage.worker(8, registry)];
    for worker in &workers {
        stage.is_up(worker).await;
    }
    set(&stage, "concurrency_limit = 2").await;
    settings_are_read(&stage).await;
    twenty_run(&stage, &work, 2).await;
    set(&stage, "concurrency_limit = 5").await;
    settings_are_read(&stage).await;
    twenty_run(&stage, &work, 5).await;
    for worker in workers {
        worker.drain().await.unwrap();
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_rate_limit_spreads_starts_over_time(pool: PgPool) {
    let stage = Stage::new(pool);
    let worker = stage.worker(16, steps(|_, _| async { done() }));
    stage.is_up(&worker).await;
    set(&stage, "rate_limit = 5, rate_period_ms = 500").await;
    settings_are_read(&stage).await;
    let ids = stage.put((0..25).map(step).collect()).await;
    stage.all_reach(&ids, "completed").await;
    // a full bucket of five, then the other twenty at ten a second
    let took: f64 = stage
        .ask(
            "select extract(epoch from max(started_at) - min(started_at))::float8 from job_history",
        )
        .await;
    assert!((1.7..6.0).contains(&took), "{took} s");
    worker.drain().await.unwrap();
}
