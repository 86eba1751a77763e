//! A wall clock that jumps, under workers and their leader. Only Postgres's clock counts, and time that passes.

use std::time::Duration;

use anyhow::Result;
use lab::arena::{Arena, effects};

use crate::support::{
    SOON, Stream, assert_stream_whole, every_second, lasting, patient_arena,
    ticks_without_a_job_of_their_own,
};

const HOUR: i64 = 3_600;

async fn done(arena: &Arena) -> Result<i64> {
    arena.ask("select count(*) from job_history").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wall_clock_that_jumps_an_hour_makes_nothing_early_late_or_twice() -> Result<()> {
    let (mut arena, _one) = patient_arena().await?;
    let clock = arena.wall_clock()?;
    arena.worker(&[])?;
    arena.worker(&[])?;
    let soon = arena.now().await? + chrono::Duration::minutes(30);
    let later = effects(100, 0)?.into_iter().map(|job| job.at(soon));
    arena.put(later.collect()).await?;
    every_second(&arena).await?;
    let stream = Stream::start(&arena, 20, 50, Duration::from_millis(200))?;
    for ahead_s in [0, HOUR, -HOUR, 0] {
        clock.set(ahead_s)?;
        let off = clock.read()? - arena.now().await?.timestamp();
        assert!((off - ahead_s).abs() < 5, "the clock is {off} s ahead");
        let before = done(&arena).await?;
        lasting(Duration::from_secs(4)).await;
        let during = done(&arena).await? - before;
        assert!(during > 100, "{during} jobs were done at {ahead_s:+} s");
    }
    let committed = stream.end().await?;
    let early: i64 = arena
        .ask("select count(*) from jobs where run_at > now() + interval '10 minutes' and attempt > 0")
        .await?;
    assert_eq!(early, 0);
    let waiting: i64 = arena
        .ask("select count(*) from jobs where run_at > now() + interval '10 minutes'")
        .await?;
    assert_eq!(waiting, 100, "what is due in half an hour still waits");
    let lost: i64 = arena
        .ask("select count(*) from workers where state = 'lost'")
        .await?;
    assert_eq!(lost, 0, "nobody was taken for lost");

    let (ticks, doubtful) = ticks_without_a_job_of_their_own(&arena).await?;
    assert_eq!(doubtful, 0);
    assert!((8..=40).contains(&ticks), "{ticks} ticks in about 16 s");
    let future: i64 = arena
        .ask("select count(*) from schedule_runs_seen where tick > now() + interval '2 seconds'")
        .await?;
    assert_eq!(future, 0, "no tick came before its time");

    arena
        .run("update jobs set run_at = now() where run_at > now() + interval '10 minutes'")
        .await?;
    arena.all_over(SOON).await?;
    assert_stream_whole(&arena, committed.and(100 + ticks)).await
}
