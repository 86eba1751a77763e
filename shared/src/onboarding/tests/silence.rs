//! Stalls, giving up, and the figures of both.

use super::*;
use crate::kernel::PageRequest;

const DAY: i64 = 24 * 60;

async fn sweep_now(world: &World) -> (i64, i64) {
    let mut conn = world.conn().await;
    let swept = sweep(&mut conn, &Ctx::new(Actor::System, &world.clock))
        .await
        .expect("swept");
    (swept.stalled, swept.abandoned)
}

#[sqlx::test(migrations = "../migrations")]
async fn silence_becomes_a_stall_then_an_end_and_a_sign_of_life_undoes_both(pool: PgPool) {
    let world = World::new(pool).await;
    world.end(StepKey::Welcome).await;
    world.after_minutes(3 * DAY - 1);
    assert_eq!(sweep_now(&world).await, (0, 0));
    world.after_minutes(1);
    assert_eq!(sweep_now(&world).await, (1, 0));
    assert_eq!(sweep_now(&world).await, (0, 0), "once");
    assert!(world.run().await.stalled_at.is_some());

    world.end(StepKey::ProfileSetup).await;
    assert_eq!(world.run().await.stalled_at, None);
    world.after_minutes(30 * DAY);
    assert_eq!(sweep_now(&world).await, (0, 1));
    assert_eq!(world.run().await.state, RunState::Abandoned);
    let told = history(
        &mut *world.conn().await,
        &world.ctx(),
        world.creator,
        &PageRequest::default(),
    )
    .await
    .expect("a history");
    let last = &told.items[0];
    assert_eq!(
        (last.kind, last.step),
        (EventKind::RunAbandoned, Some(StepKey::Verification))
    );

    let run = world
        .decide(StepKey::Verification, true)
        .await
        .expect("approved");
    assert_eq!((run.state, run.stalled_at), (RunState::Open, None));
    assert_eq!(world.run().await, run);
}

#[sqlx::test(migrations = "../migrations")]
async fn figures_come_from_what_happened_and_open_runs_count_in_no_rate(pool: PgPool) {
    let world = World::new(pool).await;
    let none = figures(
        &mut *world.conn().await,
        &world.ctx(),
        &FiguresFilter {
            cluster: Some("boyfanz".into()),
            ..FiguresFilter::default()
        },
    )
    .await
    .expect("figures");
    assert_eq!(
        (
            none.started,
            none.completion_rate,
            none.average_minutes,
            none.median_minutes
        ),
        (0, None, None, None)
    );

    world.all_but(StepKey::FirstContent).await;
    let given_up = world.another("bea", "girlfanz").await;
    world.another("cleo", "girlfanz").await;
    world.after_minutes(600);
    world
        .decide(StepKey::FirstContent, true)
        .await
        .expect("approved");
    world.after_minutes(30 * DAY);
    sqlx::query("update onboarding_runs set abandons_at = abandons_at + interval '10 days' where creator_id not in ($1, $2)")
        .bind(crate::kernel::TypedId::uuid(given_up))
        .bind(crate::kernel::TypedId::uuid(world.creator))
        .execute(&world.pool)
        .await
        .expect("another given more time");
    sweep_now(&world).await;

    let told = figures(
        &mut *world.conn().await,
        &world.ctx(),
        &FiguresFilter::default(),
    )
    .await
    .expect("figures");
    assert_eq!(
        (
            told.started,
            told.completed,
            told.abandoned,
            told.open,
            told.stalled
        ),
        (3, 1, 1, 1, 1)
    );
    assert_eq!(told.completion_rate, Some(0.5));
    let (average, median) = (
        told.average_minutes.expect("measured"),
        told.median_minutes.expect("measured"),
    );
    assert!(
        (600.0..601.0).contains(&average) && (600.0..601.0).contains(&median),
        "{average} {median}"
    );
    let points: Vec<(StepKey, i64)> = told
        .abandonment_points()
        .iter()
        .map(|step| (step.step, step.abandoned_here))
        .collect();
    assert_eq!(points, [(StepKey::Welcome, 1)]);

    let later = FiguresFilter {
        from: Some(world.clock.now()),
        ..FiguresFilter::default()
    };
    assert_eq!(
        figures(&mut *world.conn().await, &world.ctx(), &later)
            .await
            .expect("figures")
            .started,
        0
    );
}
