//! Redis emptied, restarted, stalled and gone: slower, never stopped, nothing lost.

use std::time::Duration;

use anyhow::Result;
use lab::arena::Arena;

use crate::support::{SOON, Stream, arena, assert_stream_whole, either, lasting, patient_arena};

async fn completed(arena: &Arena) -> Result<i64> {
    arena.ask("select count(*) from job_history").await
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_to_redis_jobs_go_on() -> Result<()> {
    let (mut arena, _one) = patient_arena().await?;
    arena.worker(&[])?;
    arena.worker(&[])?;
    let stream = Stream::flowing(&arena, 20, 5, Duration::from_millis(200)).await?;

    for _ in 0..20 {
        arena.redis.flush()?;
        lasting(Duration::from_millis(100)).await;
    }
    let before = completed(&arena).await?;
    arena.redis.stall()?;
    lasting(Duration::from_secs(5)).await;
    assert!(
        completed(&arena).await? > before,
        "nothing was done while Redis was stalled"
    );
    arena.redis.resume()?;

    let before = completed(&arena).await?;
    arena.redis.stop()?;
    lasting(Duration::from_secs(either(8, 60))).await;
    assert!(
        completed(&arena).await? > before,
        "nothing was done while Redis was gone"
    );
    arena.redis.restart()?;

    let committed = stream.end().await?;
    assert_eq!(committed.perhaps, 0, "enqueuing does not depend on Redis");
    arena.all_over(SOON).await?;
    assert_stream_whole(&arena, committed).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_survives_flushes_in_the_middle_of_it() -> Result<()> {
    let (mut arena, _one) = arena().await?;
    arena.worker(&[])?;
    arena.worker(&[])?;
    arena.put_effects(10_000, 20).await?;
    let mut flushes = 0;
    while arena
        .ask::<bool>("select exists (select from jobs)")
        .await?
    {
        arena.redis.flush()?;
        flushes += 1;
        lasting(Duration::from_secs(1)).await;
        anyhow::ensure!(flushes < 90, "flushed lists are not rebuilt in time");
    }
    assert!(flushes > 3, "{flushes}");
    crate::support::assert_each_once(&arena, 10_000).await
}
