//! Many payouts and a provider that does what it likes.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::providers::payout::{FakeAnswer, PayoutStatus};

/// Payouts in one storm.
const PAYOUTS: usize = 60;
/// Hours within which everything has to have come to an end.
const PATIENCE_HOURS: usize = 300;

#[sqlx::test(migrations = "../migrations")]
async fn whatever_the_provider_does_each_payout_is_there_once_and_the_books_hold(pool: PgPool) {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut chance = StdRng::seed_from_u64(seed);
    let world = World::new(pool);
    sqlx::query("update payout_limits set day_max_count = 1000")
        .execute(&world.pool)
        .await
        .expect("updated");
    let ada = world.payee("ada", 10_000_000).await;
    let mut open = Vec::new();
    for _ in 0..PAYOUTS {
        open.push(world.small(ada).await.id);
    }
    let all = open.clone();
    let mut hours = 0;
    while !open.is_empty() {
        hours += 1;
        assert!(hours < PATIENCE_HOURS, "stuck: {open:?}");
        // bad weather for some time, then clear skies
        let storm = hours < 30;
        world.fake.be_silent(storm && chance.random_bool(0.3));
        let mut left = Vec::new();
        for id in open {
            let payout = world.shown(id).await.payout;
            if payout.state == PayoutState::Scheduled {
                if storm && chance.random_bool(0.6) {
                    world.fake.answer(weather(&mut chance));
                }
                world.submitted(id, payout.submissions + 1).await;
                // a job is run twice now and then
                if chance.random_bool(0.2) {
                    world.submitted(id, payout.submissions + 1).await;
                }
            } else if payout.state == PayoutState::Unknown {
                world.asked_about(id).await;
            } else if payout.state == PayoutState::InTransit {
                let ends = [PayoutStatus::Completed, PayoutStatus::Failed];
                let end = ends[chance.random_range(0..2)];
                world.fake.set_status(&InstructionId::from(id.uuid()), end);
                world.asked_about(id).await;
            }
            let state = world.shown(id).await.payout.state;
            if state.is_held() {
                left.push(id);
            }
        }
        open = left;
        world.clock.advance(Duration::hours(1));
    }
    let (mut completed, mut failed) = (0, 0);
    for id in all {
        let state = world.shown(id).await.payout.state;
        if state == PayoutState::Completed {
            completed += 1;
            assert_eq!(world.carried(id), 1, "{id}");
        } else {
            failed += 1;
            assert_eq!(state, PayoutState::Failed, "{id}");
        }
    }
    assert_eq!(completed + failed, i64::try_from(PAYOUTS).expect("few"));
    let spent = completed * 10_000;
    assert_eq!(
        world.funds(ada).await,
        (10_000_000 - spent, 10_000_000 - spent, completed * 9_800)
    );
    world.holds().await;
}

fn weather(chance: &mut StdRng) -> FakeAnswer {
    match chance.random_range(0..5) {
        0 => FakeAnswer::Refuse,
        1 => FakeAnswer::RefuseForNow,
        2 => FakeAnswer::Unreachable,
        3 => FakeAnswer::LoseRequest,
        _ => FakeAnswer::LoseAnswer,
    }
}
