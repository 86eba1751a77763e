//! Jobs that crowd, and jobs that kill.

use std::time::Duration;

use anyhow::Result;
use lab::arena::{Count, job};
use lab::drill::Killer;

use crate::support::{SOON, Stream, arena, either, lasting, patient_arena};

#[tokio::test(flavor = "multi_thread")]
async fn of_many_due_at_once_the_oldest_are_not_starved_by_new_ones() -> Result<()> {
    let (mut arena, _one) = arena().await?;
    arena.put_effects(either(10_000, 1_000_000), 0).await?;
    // all at the very same moment, as if a campaign had been scheduled for it
    sqlx::query("update jobs set run_at = date_trunc('second', now()), tags = '{old}'")
        .execute(&arena.pool)
        .await?;
    let stream = Stream::start(&arena, 20, 0, Duration::from_millis(50))?;
    arena.worker(&[])?;
    arena.worker(&[])?;
    arena
        .until(
            "the old ones are done",
            either(SOON, 20 * SOON),
            "select not exists (select from jobs where tags = '{old}')",
        )
        .await?;
    stream.end().await?;
    let overtook: i64 = arena
        .ask(
            "select count(*) from job_history where tags is null
               and started_at < (select max(started_at) from job_history where tags = '{old}')",
        )
        .await?;
    assert!(
        overtook < 500,
        "{overtook} new jobs began before the last old one"
    );
    // as many may have come meanwhile as there were
    arena.all_over(either(SOON, 20 * SOON)).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_kills_its_process_is_dead_after_three_and_harms_no_neighbour() -> Result<()> {
    let (mut arena, _one) = patient_arena().await?;
    arena.worker(&[])?;
    arena.worker(&[])?;
    let stream = Stream::flowing(&arena, 10, 100, Duration::from_millis(200)).await?;
    let killer = arena.put(vec![job(&Killer {})?]).await?[0];
    let mut deaths = 0;
    while deaths < 3 {
        let died = arena.take_ended()?;
        for _ in 0..died {
            arena.worker(&[])?;
        }
        deaths += died;
        lasting(Duration::from_millis(100)).await;
    }
    arena
        .until(
            "the killer is dead",
            SOON,
            "select exists (select from jobs where state = 'dead' and fingerprint = 'poison' and crashes = 3)",
        )
        .await?;
    let committed = stream.end().await?;
    arena.all_over(SOON).await?;
    assert_eq!(arena.take_ended()?, 0, "no process died after that");
    let expected = Count {
        completed: committed.surely,
        dead: 1,
        twice: 0,
        without: 0,
    };
    assert_eq!(arena.count().await?, expected);
    let told: i64 = arena
        .ask("select count(*) from job_attempts a join jobs j on j.id = a.job_id where a.outcome = 'lost'")
        .await?;
    assert_eq!(told, 3, "{killer} has a row for each death");
    Ok(())
}
