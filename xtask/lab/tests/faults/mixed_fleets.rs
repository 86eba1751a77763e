//! Old programs beside new ones.

use anyhow::Result;
use lab::arena::job;
use lab::drill::{Effect, Newer};

use crate::support::{SOON, arena, assert_each_once};

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_only_newer_workers_know_waits_for_one_and_holds_up_nobody() -> Result<()> {
    let (mut arena, _one) = arena().await?;
    let old = arena.worker(&["--old"])?;
    let newer = (0..500).map(|n| job(&Newer { n })).collect::<Result<_>>()?;
    arena.put(newer).await?;
    arena.put_effects(500, 0).await?;
    arena
        .until(
            "what the old worker knows is done",
            SOON,
            "select count(*) = 500 from job_history where kind = 'drill.effect'",
        )
        .await?;
    let waiting: i64 = arena
        .ask("select count(*) from jobs where kind = 'drill.newer' and state = 'available' and attempt = 0")
        .await?;
    assert_eq!(waiting, 500);
    // now both serve the queue, and the old one must not get in the way of the new kind
    arena.worker(&[])?;
    arena.all_over(SOON).await?;
    assert_each_once(&arena, 1_000).await?;
    let ran: i64 = arena
        .ask("select count(*) from job_attempts where outcome <> 'completed'")
        .await?;
    assert_eq!(
        ran, 0,
        "no attempt was wasted on a worker that does not know the kind"
    );
    arena.drain(old)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_with_more_or_fewer_fields_is_still_understood() -> Result<()> {
    let (mut arena, _one) = arena().await?;
    let mut from_the_future = job(&Effect {
        n: 1,
        hold_ms: 0,
        failures: 0,
    })?;
    from_the_future.args =
        r#"{"n": 1, "hold_ms": 0, "failures": 0, "colour": ["blue"]}"#.to_owned();
    let mut from_the_past = job(&Effect {
        n: 2,
        hold_ms: 0,
        failures: 0,
    })?;
    from_the_past.args = r#"{"n": 2}"#.to_owned();
    arena.put(vec![from_the_future, from_the_past]).await?;
    arena.worker(&[])?;
    arena.all_over(SOON).await?;
    assert_each_once(&arena, 2).await
}
