//! Recording.

use super::*;

#[sqlx::test(migrations = "../migrations")]
async fn an_earning_is_parted_kept_and_counted(pool: PgPool) {
    let ada = ada(&pool).await;
    let (earning, new) = recorded(&pool, &ctx(), tip(ada, "125.50"))
        .await
        .expect("recorded");
    assert!(new);
    let parts = Parts {
        gross: 12_550,
        fee: 2_510,
        reserve: 628,
    };
    assert_eq!(earning.parts, parts);
    assert_eq!(funds(&pool, ada).await, (9_412, 628, 0));
    let of = usd(&pool, ada).await;
    assert_eq!(
        (
            of.total,
            of.current_month,
            of.breakdown[&BreakdownKey::Tips]
        ),
        (10_040, 10_040, 10_040)
    );
    let daily: i64 =
        sqlx::query_scalar("select share_minor from creator_earnings_daily where creator_id = $1")
            .bind(uuid::Uuid::from(ada))
            .fetch_one(&pool)
            .await
            .expect("a day");
    assert_eq!(daily, 10_040);
    let platform: Vec<(String, i64)> = sqlx::query_as(
        "select a.code, sum(b.credits_posted - b.debits_posted)::int8 from ledger_accounts a
         join ledger_balances b on b.account_id = a.id where a.creator_id is null group by a.code order by 1",
    )
    .fetch_all(&pool)
    .await
    .expect("balances");
    assert_eq!(
        platform,
        [
            ("fan_receipts".to_owned(), -12_550),
            ("platform_fee".to_owned(), 2_510)
        ]
    );
    holds(&pool).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_day_of_large_earnings_has_the_tier_looked_at_once(pool: PgPool) {
    let ada = ada(&pool).await;
    for amount in ["600.00", "700.00", "800.00"] {
        recorded(&pool, &ctx(), tip(ada, amount))
            .await
            .expect("recorded");
    }
    let jobs: Vec<String> =
        sqlx::query_scalar("select kind from jobs where kind = 'tier.evaluate'")
            .fetch_all(&pool)
            .await
            .expect("jobs");
    assert_eq!(jobs, ["tier.evaluate"], "one that waits will do");
}

#[sqlx::test(migrations = "../migrations")]
async fn the_same_external_id_counts_once_and_never_for_something_else(pool: PgPool) {
    let ada = ada(&pool).await;
    let named = |amount: &str| NewEarning {
        external_id: Some("order-7".to_owned()),
        ..tip(ada, amount)
    };
    let (first, _) = recorded(&pool, &ctx(), named("10.00"))
        .await
        .expect("recorded");
    let (again, new) = recorded(&pool, &ctx(), named("10.00"))
        .await
        .expect("recorded before");
    assert_eq!((again, new), (first, false));
    let other = recorded(&pool, &ctx(), named("11.00")).await;
    assert!(
        matches!(other, Err(EarningError::ExternalIdReused(_))),
        "{other:?}"
    );
    assert_eq!(usd(&pool, ada).await.total, 800);
}

#[sqlx::test(migrations = "../migrations")]
async fn rows_that_are_refused_keep_no_others_from_being_recorded(pool: PgPool) {
    let ada = ada(&pool).await;
    let named = |id: &str, amount: &str| NewEarning {
        external_id: Some(id.to_owned()),
        ..tip(ada, amount)
    };
    let rows = vec![
        named("a", "1.00"),
        tip(CreatorId::new(), "1.00"),
        named("a", "1.00"),
        named("a", "2.00"),
        tip(ada, "0"),
        tip(ada, "1.001"),
        NewEarning {
            occurred_at: Some(ctx().now() - Duration::days(BACKDATED_MAX_DAYS + 1)),
            ..tip(ada, "1.00")
        },
        named("b", "2.00"),
    ];
    let mut tx = pool.begin().await.expect("begun");
    let done = record_many(&mut tx, &ctx(), rows).await.expect("done");
    tx.commit().await.expect("committed");
    let told: Vec<&str> = done
        .iter()
        .map(|one| match one {
            Ok(one) if one.new => "new",
            Ok(_) => "before",
            Err(EarningError::Creator(_)) => "nobody",
            Err(EarningError::ExternalIdReused(_)) => "reused",
            Err(EarningError::Invalid(_)) => "invalid",
            Err(other) => panic!("{other}"),
        })
        .collect();
    assert_eq!(
        told,
        [
            "new", "nobody", "before", "reused", "invalid", "invalid", "invalid", "new"
        ]
    );
    assert_eq!(usd(&pool, ada).await.total, 240);
    holds(&pool).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn many_at_once_are_all_counted(pool: PgPool) {
    let ada = ada(&pool).await;
    let tries: Vec<_> = (0..40)
        .map(|n| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let ctx = ctx();
                let rows = (0..5).map(|_| tip(ada, if n % 2 == 0 { "1.00" } else { "2.00" }));
                let mut tx = pool.begin().await.expect("begun");
                record_many(&mut tx, &ctx, rows.collect())
                    .await
                    .expect("no deadlock");
                tx.commit().await.expect("committed");
            })
        })
        .collect();
    for one in tries {
        one.await.expect("no panic");
    }
    assert_eq!(usd(&pool, ada).await.total, 20 * 5 * (80 + 160));
    holds(&pool).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn another_currency_is_counted_by_itself_and_waits_for_a_rate(pool: PgPool) {
    let ada = ada(&pool).await;
    let mut tx = pool.begin().await.expect("begun");
    set_currency(&mut tx, &ctx(), ada, Currency::JPY)
        .await
        .expect("set");
    tx.commit().await.expect("committed");
    recorded(&pool, &ctx(), tip(ada, "1001"))
        .await
        .expect("yen");
    let yen = recorded(&pool, &ctx(), tip(ada, "10.5")).await;
    assert!(
        matches!(yen, Err(EarningError::Invalid(_))),
        "yen have no decimals"
    );
    let dinars = NewEarning {
        currency: Some(Currency::KWD),
        ..tip(ada, "1.125")
    };
    recorded(&pool, &ctx(), dinars).await.expect("dinars");
    let mut conn = pool.acquire().await.expect("a connection");
    let all = summary(&mut conn, &ctx(), ada).await.expect("a summary");
    assert_eq!(all.headline(), (Currency::USD, None));
    assert_eq!(all.reporting.without_rate, [Currency::JPY, Currency::KWD]);
    let totals: Vec<i64> = all.currencies.iter().map(|of| of.total).collect();
    assert_eq!(
        totals,
        [801, 900],
        "yen 1001 less 200, dinars 1.125 less 0.225"
    );
    let waiting: i64 = sqlx::query_scalar("select count(*) from earnings_unconverted")
        .fetch_one(&pool)
        .await
        .expect("counted");
    assert_eq!(waiting, 2);
    let days: i64 = sqlx::query_scalar("select count(*) from creator_earnings_daily")
        .fetch_one(&pool)
        .await
        .expect("counted");
    assert_eq!(days, 0);
    holds(&pool).await;
}
