//! Holds, and what many do at once.

use std::sync::Arc;

use chrono::Duration;
use sqlx::PgPool;

use super::*;
use crate::testing;

async fn rich(pool: &PgPool, amount: i64) -> CreatorId {
    let ada = testing::creator(pool, "girlfanz", "ada").await;
    let gift = moving(&ctx(), Step::Post, receipts(), available(ada), amount);
    posted(pool, &ctx(), &[gift]).await.expect("posted");
    ada
}

fn holding(ctx: &Ctx, of: CreatorId, amount: i64) -> NewTransfer {
    moving(
        ctx,
        Step::Hold { expires_at: None },
        available(of),
        clearing(),
        amount,
    )
}

#[sqlx::test(migrations = "../migrations")]
async fn of_two_hundred_who_hold_everything_at_once_one_does(pool: PgPool) {
    let ada = rich(&pool, 100_000).await;
    let pool = Arc::new(pool);
    let tries: Vec<_> = (0..200)
        .map(|_| {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move {
                let ctx = ctx();
                posted(&pool, &ctx, &[holding(&ctx, ada, 100_000)]).await
            })
        })
        .collect();
    let mut won = 0;
    for one in tries {
        match one.await.expect("no panic") {
            Ok(done) => {
                assert_eq!(done, [Posted::New]);
                won += 1;
            }
            Err(refused) => assert!(
                matches!(refused, LedgerError::Insufficient { .. }),
                "{refused}"
            ),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(funds(&pool, ada).await, (0, 100_000));
    check(&db(&pool), &ctx()).await.expect("it holds");
}

#[sqlx::test(migrations = "../migrations")]
async fn those_who_move_money_in_circles_do_not_wait_in_one(pool: PgPool) {
    let ada = rich(&pool, 10_000).await;
    let bea = testing::creator(&pool, "girlfanz", "bea").await;
    let gift = moving(&ctx(), Step::Post, receipts(), available(bea), 10_000);
    posted(&pool, &ctx(), &[gift]).await.expect("posted");
    let pool = Arc::new(pool);
    let tries: Vec<_> = (0..100)
        .map(|n| {
            let pool = Arc::clone(&pool);
            let (from, to) = if n % 2 == 0 { (ada, bea) } else { (bea, ada) };
            tokio::spawn(async move {
                let ctx = ctx();
                let one = moving(&ctx, Step::Post, available(from), available(to), 1 + n % 7);
                posted(&pool, &ctx, &[one]).await.expect("no deadlock");
            })
        })
        .collect();
    for one in tries {
        one.await.expect("no panic");
    }
    let (a, b) = (funds(&pool, ada).await.0, funds(&pool, bea).await.0);
    assert_eq!(a + b, 20_000);
    check(&db(&pool), &ctx()).await.expect("it holds");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_hold_is_resolved_once_and_says_how(pool: PgPool) {
    let ada = rich(&pool, 100).await;
    let ctx = ctx();
    let held = holding(&ctx, ada, 60);
    posted(&pool, &ctx, std::slice::from_ref(&held))
        .await
        .expect("held");
    assert_eq!(funds(&pool, ada).await, (40, 100));
    let settle = resolving(&ctx, Step::PostHeld(held.id));
    posted(&pool, &ctx, std::slice::from_ref(&settle))
        .await
        .expect("posted");
    assert_eq!(funds(&pool, ada).await, (40, 40));
    assert_eq!(
        posted(&pool, &ctx, std::slice::from_ref(&settle))
            .await
            .expect("said before"),
        [Posted::Before]
    );
    let void = posted(&pool, &ctx, &[resolving(&ctx, Step::VoidHeld(held.id))]).await;
    assert!(
        matches!(
            void,
            Err(LedgerError::AlreadyResolved {
                outcome: Outcome::Posted,
                ..
            })
        ),
        "{void:?}"
    );
    let nothing = TransferId::at(ctx.now());
    let void = posted(&pool, &ctx, &[resolving(&ctx, Step::VoidHeld(nothing))]).await;
    assert!(matches!(void, Err(LedgerError::NotFound(_))), "{void:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_part_of_a_hold_is_posted_and_the_rest_released(pool: PgPool) {
    let ada = rich(&pool, 100).await;
    let ctx = ctx();
    let held = holding(&ctx, ada, 60);
    posted(&pool, &ctx, std::slice::from_ref(&held))
        .await
        .expect("held");
    let part = |amount| NewTransfer {
        legs: vec![
            Leg::debit(available(ada), amount),
            Leg::credit(clearing(), amount),
        ],
        ..resolving(&ctx, Step::PostHeld(held.id))
    };
    let more = posted(&pool, &ctx, &[part(61)]).await;
    assert!(matches!(more, Err(LedgerError::Exceeds { .. })), "{more:?}");
    posted(&pool, &ctx, &[part(45)]).await.expect("posted");
    assert_eq!(funds(&pool, ada).await, (55, 55));
    check(&db(&pool), &ctx).await.expect("it holds");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_held_too_long_is_released_by_a_job_and_no_longer_posted(pool: PgPool) {
    let ada = rich(&pool, 100).await;
    let now = ctx();
    let until = Some(now.now() + Duration::hours(1));
    let held = moving(
        &now,
        Step::Hold { expires_at: until },
        available(ada),
        clearing(),
        70,
    );
    posted(&pool, &now, std::slice::from_ref(&held))
        .await
        .expect("held");
    let early = posted(&pool, &now, &[resolving(&now, Step::ExpireHeld(held.id))]).await;
    assert!(
        matches!(early, Err(LedgerError::HoldStands(_))),
        "{early:?}"
    );
    let later = ctx_in(Duration::hours(2));
    let late = posted(&pool, &later, &[resolving(&later, Step::PostHeld(held.id))]).await;
    assert!(matches!(late, Err(LedgerError::HoldExpired(_))), "{late:?}");
    for released in [1, 0] {
        let mut tx = pool.begin().await.expect("begun");
        assert_eq!(
            expire_holds(&mut tx, &later).await.expect("released"),
            released
        );
        tx.commit().await.expect("committed");
    }
    assert_eq!(funds(&pool, ada).await, (100, 100));
}

#[sqlx::test(migrations = "../migrations")]
async fn the_same_id_is_the_same_transfer_once(pool: PgPool) {
    let ada = rich(&pool, 100).await;
    let ctx = ctx();
    let take = moving(&ctx, Step::Post, available(ada), clearing(), 100);
    assert_eq!(
        posted(&pool, &ctx, std::slice::from_ref(&take))
            .await
            .expect("posted"),
        [Posted::New]
    );
    // there is nothing left, and nothing is needed
    assert_eq!(
        posted(&pool, &ctx, std::slice::from_ref(&take))
            .await
            .expect("said before"),
        [Posted::Before]
    );
    let mut other = take.clone();
    other.legs.iter_mut().for_each(|leg| leg.amount = 1);
    let reused = posted(&pool, &ctx, &[other]).await;
    assert!(
        matches!(reused, Err(LedgerError::IdReused(_))),
        "{reused:?}"
    );
    let more = moving(&ctx, Step::Post, receipts(), available(ada), 5);
    assert_eq!(
        posted(&pool, &ctx, &[take, more])
            .await
            .expect("one is new"),
        [Posted::Before, Posted::New]
    );
    assert_eq!(funds(&pool, ada).await, (5, 5));
}

#[sqlx::test(migrations = "../migrations")]
async fn only_a_reversal_overdraws_and_never_beyond_its_original(pool: PgPool) {
    let ada = rich(&pool, 100).await;
    let ctx = ctx();
    let earned = moving(&ctx, Step::Post, receipts(), available(ada), 80);
    posted(&pool, &ctx, std::slice::from_ref(&earned))
        .await
        .expect("posted");
    posted(
        &pool,
        &ctx,
        &[moving(&ctx, Step::Post, available(ada), clearing(), 180)],
    )
    .await
    .expect("paid");
    let take = |amount| {
        moving(
            &ctx,
            Step::Reverse(earned.id),
            available(ada),
            receipts(),
            amount,
        )
    };
    posted(&pool, &ctx, &[take(50)]).await.expect("taken back");
    assert_eq!(funds(&pool, ada).await, (-50, -50));
    let more = posted(&pool, &ctx, &[take(31)]).await;
    assert!(matches!(more, Err(LedgerError::Exceeds { .. })), "{more:?}");
    let spend = posted(&pool, &ctx, &[holding(&ctx, ada, 1)]).await;
    assert!(
        matches!(spend, Err(LedgerError::Insufficient { .. })),
        "{spend:?}"
    );
    posted(&pool, &ctx, &[take(30)]).await.expect("the rest");
    // later earnings make up for it
    posted(
        &pool,
        &ctx,
        &[moving(&ctx, Step::Post, receipts(), available(ada), 100)],
    )
    .await
    .expect("earned");
    assert_eq!(funds(&pool, ada).await, (20, 20));
    check(&db(&pool), &ctx).await.expect("it holds");
}
