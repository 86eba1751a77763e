//! The check finds what should not be, and partitions are there before they are needed.

use chrono::Months;
use sqlx::PgPool;

use super::*;
use crate::testing;

#[sqlx::test(migrations = "../migrations")]
async fn a_balance_that_is_not_its_entries_is_found_and_kept(pool: PgPool) {
    let ada = testing::creator(&pool, "girlfanz", "ada").await;
    let ctx = ctx();
    posted(
        &pool,
        &ctx,
        &[moving(&ctx, Step::Post, receipts(), available(ada), 100)],
    )
    .await
    .expect("posted");
    let found = check(&db(&pool), &ctx).await.expect("it holds");
    assert_eq!((found.entries, found.holds()), (2, true));
    sqlx::query(
        "update ledger_balances set credits_posted = credits_posted + 1
         where account_id = (select id from ledger_accounts where code = 'creator_available')",
    )
    .execute(&pool)
    .await
    .expect("somebody meddles");
    // of two checks in one moment neither would be the latest
    let refused = check(&db(&pool), &ctx_in(Duration::minutes(1))).await;
    let Err(LedgerError::DoesNotHold(told)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("entries make 0/100/0/0, its balance says 0/101/0/0"),
        "{told:?}"
    );
    let mut conn = pool.acquire().await.expect("a connection");
    let kept = latest_check(&mut conn).await.expect("read").expect("kept");
    assert_eq!(kept.findings.len(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn months_to_come_have_partitions_before_they_come(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let today = ctx().now().date_naive();
    assert_eq!(
        make_partitions(&mut conn, today).await.expect("made"),
        2,
        "the fourth month"
    );
    assert_eq!(make_partitions(&mut conn, today).await.expect("made"), 0);
    let in_a_year = today + Months::new(12);
    assert_eq!(
        make_partitions(&mut conn, in_a_year).await.expect("made"),
        8
    );
    // the last moment of a month and the first of the next lie in two partitions that touch
    let bounds: Vec<String> = sqlx::query_scalar(
        "select pg_get_expr(c.relpartbound, c.oid) from pg_class c join pg_inherits i on i.inhrelid = c.oid
         where i.inhparent = 'ledger_entries'::regclass and c.relname ~ '_[0-9]{6}$' order by c.relname",
    )
    .fetch_all(&mut *conn)
    .await
    .expect("bounds");
    assert!(bounds.len() >= 9, "{bounds:?}");
    let ends = |text: &str| {
        let parts: Vec<String> = text.split('\'').map(str::to_owned).collect();
        (parts[1].clone(), parts[3].clone())
    };
    let first: Vec<_> = bounds.iter().take(5).map(|text| ends(text)).collect();
    assert!(
        first.windows(2).all(|pair| pair[0].1 == pair[1].0),
        "{first:?}"
    );
}
