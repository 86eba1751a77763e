//! Refunds and chargebacks.

use super::*;
use crate::ledger::{Account, AccountCode, Leg, NewTransfer, TransferId, TransferKind};

/// Pays out what a creator has available, as payouts will.
async fn paid_out(pool: &PgPool, id: CreatorId) {
    let amount = usd(pool, id).await.available;
    let ctx = ctx();
    let own = |code| Account::creator(id, code, Currency::USD);
    let platform = |code| Account::platform(code, Currency::USD);
    let legs = [
        Leg::debit(own(AccountCode::CreatorAvailable), amount),
        Leg::credit(platform(AccountCode::PayoutClearing), amount),
        Leg::debit(platform(AccountCode::PayoutsSettled), amount),
        Leg::credit(own(AccountCode::CreatorPaid), amount),
    ];
    let payout = NewTransfer::posting(
        TransferId::at(ctx.now()),
        TransferKind::Payout,
        ctx.now(),
        legs,
    );
    let mut tx = pool.begin().await.expect("begun");
    ledger::post(&mut tx, &ctx, &[payout]).await.expect("paid");
    tx.commit().await.expect("committed");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_pending_is_taken_back_from_there_and_never_more_than_it_was(pool: PgPool) {
    let ada = ada(&pool).await;
    let (earning, _) = recorded(&pool, &ctx(), tip(ada, "100.00"))
        .await
        .expect("recorded");
    let (part, _) = reversed(&pool, &ctx(), &earning, refund(Some("33.33")))
        .await
        .expect("taken back");
    assert_eq!(
        (part.parts.fee, part.parts.reserve, part.parts.maturing()),
        (667, 167, 2_499)
    );
    assert_eq!(funds(&pool, ada).await, (7_500 - 2_499, 500 - 167, 0));
    let more = reversed(&pool, &ctx(), &earning, refund(Some("66.68"))).await;
    let Err(EarningError::Invalid(fields)) = more else {
        panic!("{more:?}");
    };
    assert!(fields[0].message.contains("66.67 USD"), "{fields:?}");
    reversed(&pool, &ctx(), &earning, refund(None))
        .await
        .expect("the rest");
    assert_eq!(funds(&pool, ada).await, (0, 0, 0));
    let nothing = reversed(&pool, &ctx(), &earning, refund(None)).await;
    assert!(
        matches!(nothing, Err(EarningError::Invalid(_))),
        "{nothing:?}"
    );
    assert_eq!(usd(&pool, ada).await.total, 0);
    assert_eq!(
        matured(&pool, &ctx_in(100)).await,
        2,
        "rows with nothing left go"
    );
    holds(&pool).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_paid_out_makes_the_balance_negative_until_later_earnings_make_up_for_it(
    pool: PgPool,
) {
    let ada = ada(&pool).await;
    let (earning, _) = recorded(&pool, &ctx(), tip(ada, "100.00"))
        .await
        .expect("recorded");
    matured(&pool, &ctx_in(7)).await;
    paid_out(&pool, ada).await;
    assert_eq!(usd(&pool, ada).await.paid, 7_500);
    let chargeback = NewReversal {
        kind: ReversalKind::Chargeback,
        ..refund(None)
    };
    reversed(&pool, &ctx(), &earning, chargeback)
        .await
        .expect("taken back");
    assert_eq!(funds(&pool, ada).await, (0, 0, -7_500));
    recorded(&pool, &ctx(), tip(ada, "120.00"))
        .await
        .expect("recorded");
    assert_eq!(matured(&pool, &ctx_in(8)).await, 1);
    assert_eq!(funds(&pool, ada).await, (0, 600, 1_500));
    holds(&pool).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn of_many_who_take_back_everything_at_once_one_does(pool: PgPool) {
    let ada = ada(&pool).await;
    let (earning, _) = recorded(&pool, &ctx(), tip(ada, "100.00"))
        .await
        .expect("recorded");
    let tries: Vec<_> = (0..20)
        .map(|_| {
            let (pool, earning) = (pool.clone(), earning.clone());
            tokio::spawn(async move {
                reversed(&pool, &ctx(), &earning, refund(Some("60.00")))
                    .await
                    .is_ok()
            })
        })
        .collect();
    let mut won = 0;
    for one in tries {
        won += usize::from(one.await.expect("no panic"));
    }
    assert_eq!(won, 1);
    holds(&pool).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_reversal_with_an_external_id_counts_once_and_only_for_its_creator(pool: PgPool) {
    let ada = ada(&pool).await;
    let (earning, _) = recorded(&pool, &ctx(), tip(ada, "100.00"))
        .await
        .expect("recorded");
    let named = || NewReversal {
        external_id: Some("dispute-1".to_owned()),
        ..refund(Some("10.00"))
    };
    let (first, new) = reversed(&pool, &ctx(), &earning, named())
        .await
        .expect("taken back");
    assert!(new);
    let (again, new) = reversed(&pool, &ctx(), &earning, named())
        .await
        .expect("before");
    assert_eq!((again, new), (first, false));
    let bea = testing::creator(&pool, "girlfanz", "bea").await;
    let foreign = Earning {
        creator: bea,
        ..earning
    };
    let refused = reversed(&pool, &ctx(), &foreign, refund(None)).await;
    assert!(
        matches!(refused, Err(EarningError::NotFound(_))),
        "{refused:?}"
    );
    assert_eq!(usd(&pool, ada).await.total, 8_000 - 800);
}
