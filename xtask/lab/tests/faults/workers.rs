//! Worker processes and leaders that are killed, stopped, and come back.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use lab::arena::Arena;
use lab::drill::{QUEUE, catalog};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use shared::queue::dispatch::{Dispatcher, Fleet};
use shared::queue::{ReadyLists, leadership, schedule, settings};

use crate::support::{
    SOON, arena, assert_each_once, either, every_second, lasting, patient_arena,
    ticks_without_a_job_of_their_own,
};

/// A lost worker's jobs wait again after this long at the most, in seconds.
const RESCUE_MAX: f64 = 20.0;
/// After a leader is gone somebody else leads within this time.
const HANDOVER_MAX: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_points_nothing_is_lost_and_nothing_done_twice() -> Result<()> {
    let (mut arena, _one) = arena().await?;
    let mut rng = StdRng::seed_from_u64(20);
    for _ in 0..3 {
        arena.worker(&[])?;
    }
    let jobs = either(10_000, 100_000);
    arena.put_effects(jobs, 40).await?;
    let mut killed = Vec::new();
    for _ in 0..either(8, 50) {
        lasting(Duration::from_millis(rng.random_range(500..3_000))).await;
        let places = arena.places();
        killed.push(
            arena
                .kill(places[rng.random_range(0..places.len())])
                .await?,
        );
        arena.worker(&[])?;
    }
    arena.all_over(either(SOON, 4 * SOON)).await?;
    assert_each_once(&arena, jobs.into()).await?;
    let slowest = arena.slowest_rescue(&killed, SOON).await?;
    assert!(slowest <= RESCUE_MAX, "{slowest} s");
    Ok(())
}

/// Waits until two workers have their slots full.
async fn both_are_busy(arena: &Arena) -> Result<()> {
    let full = "select count(*) = 32 from jobs where state = 'running'";
    arena.until("both workers are busy", SOON, full).await
}

/// Waits until another session leads than `before`; answers how long that took.
async fn new_leader(arena: &Arena, before: Option<i32>) -> Result<Duration> {
    let began = Instant::now();
    loop {
        let leader = arena.leader().await?;
        if leader.is_some() && leader != before {
            return Ok(began.elapsed());
        }
        anyhow::ensure!(began.elapsed() < 2 * HANDOVER_MAX, "nobody leads");
        lasting(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_worker_that_comes_back_repeats_no_effect_and_works_on() -> Result<()> {
    let (mut arena, _one) = patient_arena().await?;
    // the first one leads, and is stopped, so this is about the leader too
    let first = arena.worker(&[])?;
    new_leader(&arena, None).await?;
    let leader = arena.leader().await?;
    arena.worker(&[])?;
    every_second(&arena).await?;
    arena.put_effects(48, 3_000).await?;
    both_are_busy(&arena).await?;
    arena.stop(first)?;
    let handover = new_leader(&arena, leader).await?;
    assert!(handover <= HANDOVER_MAX, "{handover:?}");
    arena
        .until(
            "the stopped worker is taken for lost",
            SOON,
            "select exists (select from workers where state = 'lost')",
        )
        .await?;
    arena.go_on(first)?;
    arena
        .until(
            "it is back under a new id",
            SOON,
            "select count(*) = 2 from workers where state = 'running' and seen_at > now() - interval '2 seconds'",
        )
        .await?;
    arena.put_effects(500, 10).await?;
    arena
        .until(
            "both have worked since",
            SOON,
            "select count(distinct h.worker_id) = 2 from job_history h join workers w on w.id = h.worker_id
             where w.state = 'running'",
        )
        .await?;
    let (ticks, doubtful) = ticks_without_a_job_of_their_own(&arena).await?;
    assert_eq!(doubtful, 0);
    arena.all_over(SOON).await?;
    assert_each_once(&arena, 548 + ticks).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_leader_is_followed_at_once_and_its_jobs_rescued_in_time() -> Result<()> {
    let (mut arena, _one) = patient_arena().await?;
    let first = arena.worker(&[])?;
    new_leader(&arena, None).await?;
    let leader = arena.leader().await?;
    arena.worker(&[])?;
    arena.put_effects(40, 2_000).await?;
    both_are_busy(&arena).await?;
    let killed = arena.kill(first).await?;
    let handover = new_leader(&arena, leader).await?;
    assert!(handover <= HANDOVER_MAX, "{handover:?}");
    let slowest = arena.slowest_rescue(&[killed], SOON).await?;
    assert!(slowest <= RESCUE_MAX, "{slowest} s");
    arena.all_over(SOON).await?;
    assert_each_once(&arena, 40).await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_leaders_do_no_harm() -> Result<()> {
    let (mut arena, _one) = arena().await?;
    arena.worker(&[])?;
    arena.worker(&[])?;
    new_leader(&arena, None).await?;
    every_second(&arena).await?;
    arena.put_effects(5_000, 5).await?;
    // one that believes it leads, and does all that a leader does
    let mut conn = leadership::connect(&arena.postgres.url().parse()?).await?;
    let (ready, catalog) = (ReadyLists::new(&arena.redis.url())?, catalog());
    let fleet = Fleet {
        kinds: catalog
            .iter()
            .map(|kind| kind.spec.kind.to_owned())
            .collect(),
        slots: HashMap::from([(QUEUE.to_owned(), 32)]),
    };
    let (mut dispatcher, began) = (Dispatcher::default(), Instant::now());
    while began.elapsed() < Duration::from_secs(5) {
        let settings = settings::all(&mut conn).await?;
        dispatcher
            .round(&mut conn, &ready, &fleet, &settings, Instant::now())
            .await?;
        schedule::fire_due(&arena.pool, &catalog).await?;
    }
    let (ticks, doubtful) = ticks_without_a_job_of_their_own(&arena).await?;
    assert_eq!(doubtful, 0);
    assert!(ticks >= 4, "{ticks}");
    arena.all_over(SOON).await?;
    assert_each_once(&arena, 5_000 + ticks).await
}
