//! Bulk loads.

use chrono::Duration;
use sqlx::PgPool;

use super::*;
use crate::testing;

#[sqlx::test(migrations = "../migrations")]
async fn a_bulk_load_is_as_if_all_had_been_posted(pool: PgPool) {
    let ada = testing::creator(&pool, "girlfanz", "ada").await;
    let ctx = ctx();
    let long_ago = |days| {
        let at = ctx.now() - Duration::days(days);
        let mut new = moving(&ctx, Step::Post, receipts(), available(ada), 10);
        new.id = TransferId::at(at);
        new.effective_at = at;
        new
    };
    let mut tx = pool.begin().await.expect("begun");
    let mut loader = bulk_load(&mut tx).await.expect("begun");
    for part in 0..3 {
        let transfers: Vec<_> = (0..100).map(|n| long_ago(part * 100 + n)).collect();
        loader.add(&mut tx, &ctx, &transfers).await.expect("added");
    }
    let found = loader.finish(&mut tx, &ctx).await.expect("it holds");
    assert_eq!(found.entries, 600);
    tx.commit().await.expect("committed");
    assert_eq!(funds(&pool, ada).await, (3_000, 3_000));
    let strays: i64 = sqlx::query_scalar("select count(*) from ledger_entries_default")
        .fetch_one(&pool)
        .await
        .expect("counted");
    assert_eq!(strays, 0, "each month has its partition");
    // and afterwards the database looks again
    let off = sqlx::query("insert into ledger_entries select transfer_id, account_id, amount, 3, debit, pending from ledger_entries where leg = 1")
        .execute(&pool)
        .await;
    assert!(off.is_err());
    posted(
        &pool,
        &ctx,
        &[moving(&ctx, Step::Post, available(ada), clearing(), 3_000)],
    )
    .await
    .expect("posted");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_bulk_load_that_overdraws_is_refused(pool: PgPool) {
    let ada = testing::creator(&pool, "girlfanz", "ada").await;
    let ctx = ctx();
    let pending = Account::creator(ada, AccountCode::CreatorPending, USD);
    let mut tx = pool.begin().await.expect("begun");
    let mut loader = bulk_load(&mut tx).await.expect("begun");
    let taken = moving(&ctx, Step::Post, pending, receipts(), 10);
    loader.add(&mut tx, &ctx, &[taken]).await.expect("added");
    let refused = loader.finish(&mut tx, &ctx).await;
    assert!(
        matches!(refused, Err(LedgerError::DoesNotHold(_))),
        "{refused:?}"
    );
}
