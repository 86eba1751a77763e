//! Postgres stopped, away, and hanging up in the middle of a commit.

use std::time::{Duration, Instant};

use anyhow::Result;
use xtask::servers::StopMode;

use crate::support::{
    SOON, Stream, arena, assert_each_once, assert_stream_whole, either, lasting, patient_arena,
};

#[tokio::test(flavor = "multi_thread")]
async fn stopped_at_once_and_restarted_it_has_lost_no_job_and_repeated_no_effect() -> Result<()> {
    let (mut arena, _one) = arena().await?;
    arena.worker(&[])?;
    arena.worker(&[])?;
    arena.put_effects(10_000, 20).await?;
    for pause in [700, 1_600, 1_100] {
        lasting(Duration::from_millis(pause)).await;
        arena.postgres.stop(StopMode::Immediate)?;
        arena.postgres.restart()?;
    }
    arena.all_over(SOON).await?;
    assert_each_once(&arena, 10_000).await
}

#[tokio::test(flavor = "multi_thread")]
async fn away_for_a_while_nobody_is_wrongly_rescued() -> Result<()> {
    let (mut arena, _one) = patient_arena().await?;
    arena.worker(&[])?;
    arena.worker(&[])?;
    let stream = Stream::flowing(&arena, 20, 200, Duration::from_millis(200)).await?;
    arena.postgres.stop(StopMode::Fast)?;
    // longer than the silence after which a worker is lost
    lasting(Duration::from_secs(either(18, 30))).await;
    arena.postgres.restart()?;
    let committed = stream.end().await?;
    arena.all_over(SOON).await?;
    let lost: i64 = arena
        .ask("select (select count(*) from workers where state = 'lost') + (select count(*) from job_attempts where outcome = 'lost')")
        .await?;
    assert_eq!(lost, 0);
    assert_stream_whole(&arena, committed).await
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_cut_in_the_middle_of_commits_leave_each_effect_once() -> Result<()> {
    let (mut arena, _one) = arena().await?;
    arena.worker(&[])?;
    arena.worker(&[])?;
    arena.put_effects(5_000, 10).await?;
    let (began, mut cut) = (Instant::now(), 0);
    // those that are at work right now: claiming, completing, or in a handler's transaction
    while began.elapsed() < Duration::from_secs(8) {
        cut += arena
            .ask::<i64>(
                "select count(pg_terminate_backend(pid)) from (
                     select pid from pg_stat_activity
                     where application_name in ('creatorcrm worker', 'creatorcrm queue')
                       and (state <> 'idle' or random() < 0.05) order by random() limit 3) victims",
            )
            .await?;
        lasting(Duration::from_millis(20)).await;
    }
    assert!(cut > 100, "{cut}");
    arena.all_over(SOON).await?;
    assert_each_once(&arena, 5_000).await
}
