//! What becomes available when, and what does not.

use super::*;
use crate::creators;

#[sqlx::test(migrations = "../migrations")]
async fn what_was_earned_matures_and_the_reserve_is_released_later(pool: PgPool) {
    let ada = ada(&pool).await;
    recorded(&pool, &ctx(), tip(ada, "100.00"))
        .await
        .expect("recorded");
    recorded(&pool, &ctx(), tip(ada, "50.00"))
        .await
        .expect("recorded");
    assert_eq!(funds(&pool, ada).await, (11_250, 750, 0));
    assert_eq!(matured(&pool, &ctx_in(6)).await, 0);
    assert_eq!(matured(&pool, &ctx_in(7)).await, 1, "a day is one row");
    assert_eq!(funds(&pool, ada).await, (0, 750, 11_250));
    assert_eq!(matured(&pool, &ctx_in(7)).await, 0, "twice is once");
    let later = ctx_in(90);
    // as the leader's schedule has done by then
    let mut conn = pool.acquire().await.expect("a connection");
    ledger::make_partitions(&mut conn, later.now().date_naive())
        .await
        .expect("made");
    assert_eq!(matured(&pool, &later).await, 1);
    assert_eq!(funds(&pool, ada).await, (0, 0, 12_000));
    holds(&pool).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_suspended_creator_still_earns_but_held(pool: PgPool) {
    let ada = ada(&pool).await;
    let mut tx = pool.begin().await.expect("begun");
    sqlx::query("update creators set status = 'active' where id = $1")
        .bind(uuid::Uuid::from(ada))
        .execute(&mut *tx)
        .await
        .expect("active");
    creators::suspend(&mut tx, &ctx(), ada, None, "policy violation", 400 * 86_400)
        .await
        .expect("suspended");
    tx.commit().await.expect("committed");
    recorded(&pool, &ctx(), tip(ada, "100.00"))
        .await
        .expect("still earns");
    assert_eq!(matured(&pool, &ctx_in(100)).await, 0);
    assert_eq!(funds(&pool, ada).await, (7_500, 500, 0));
    sqlx::query("update creator_blocks set ends_at = starts_at + interval '1 second'")
        .execute(&pool)
        .await
        .expect("lifted");
    sqlx::query("update creators set status = 'active'")
        .execute(&pool)
        .await
        .expect("active");
    assert_eq!(matured(&pool, &ctx_in(100)).await, 2);
    assert_eq!(funds(&pool, ada).await, (0, 0, 8_000));
}

#[sqlx::test(migrations = "../migrations")]
async fn balances_follow_a_merge_by_transfers_what_is_owed_too(pool: PgPool) {
    let ada = ada(&pool).await;
    let bea = testing::creator(&pool, "girlfanz", "bea").await;
    let (first, _) = recorded(&pool, &ctx(), tip(ada, "100.00"))
        .await
        .expect("recorded");
    matured(&pool, &ctx_in(7)).await;
    recorded(&pool, &ctx(), tip(ada, "10.00"))
        .await
        .expect("recorded");
    recorded(&pool, &ctx(), tip(bea, "1.00"))
        .await
        .expect("recorded");
    let mut tx = pool.begin().await.expect("begun");
    creators::merge(&mut tx, &ctx(), ada, bea, "the same person")
        .await
        .expect("merged");
    tx.commit().await.expect("committed");
    assert_eq!(funds(&pool, bea).await, (750 + 75, 500 + 50 + 5, 7_500));
    assert_eq!(usd(&pool, bea).await.total, 8_000 + 800 + 80);
    // what was earned under the old name can still be taken back, and matures
    reversed(&pool, &ctx(), &first, refund(Some("40.00")))
        .await
        .expect("taken back");
    assert_eq!(matured(&pool, &ctx_in(7)).await, 1);
    let moved: i64 =
        sqlx::query_scalar("select count(*) from ledger_transfers where kind = 'merge'")
            .fetch_one(&pool)
            .await
            .expect("counted");
    assert_eq!(moved, 1);
    holds(&pool).await;
}
