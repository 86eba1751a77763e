//! What the database refuses, whoever asks.

use sqlx::PgPool;

use super::*;
use crate::testing;

/// Runs statements in one transaction and commits it; answers what the database said against it.
async fn refusal(pool: &PgPool, statements: &[String]) -> Option<String> {
    let mut tx = pool.begin().await.expect("begun");
    for statement in statements {
        let done = sqlx::query(sqlx::AssertSqlSafe(statement.clone()))
            .execute(&mut *tx)
            .await;
        if let Err(error) = done {
            return Some(error.to_string());
        }
    }
    tx.commit().await.err().map(|error| error.to_string())
}

fn header(id: &str, legs: i16) -> String {
    format!(
        "insert into ledger_transfers (id, kind, phase, legs, effective_at, recorded_at, caused_by, body_hash)
         values ('{id}', 'earning', 'posted', {legs}, now(), now(), 'test', sha256('x'))"
    )
}

fn entries(id: &str, rows: &[(&str, i64, bool, i16)]) -> String {
    let rows: Vec<String> = rows
        .iter()
        .map(|(account, amount, debit, leg)| {
            format!("('{id}', (select id from ledger_accounts where code = '{account}'), {amount}, {leg}, {debit}, false)")
        })
        .collect();
    format!(
        "insert into ledger_entries (transfer_id, account_id, amount, leg, debit, pending) values {}",
        rows.join(", ")
    )
}

#[sqlx::test(migrations = "../migrations")]
async fn the_database_refuses_what_does_not_balance_and_every_change(pool: PgPool) {
    let ada = testing::creator(&pool, "girlfanz", "ada").await;
    let there = moving(&ctx(), Step::Post, receipts(), available(ada), 100);
    posted(&pool, &ctx(), std::slice::from_ref(&there))
        .await
        .expect("posted");
    let euro = Account::creator(ada, AccountCode::CreatorPending, Currency::EUR);
    let from = Account::platform(AccountCode::Bonuses, Currency::EUR);
    posted(&pool, &ctx(), &[moving(&ctx(), Step::Post, from, euro, 5)])
        .await
        .expect("posted");
    let new = || uuid::Uuid::now_v7().to_string();
    let old = uuid::Uuid::from(there.id).to_string();
    let (debit, credit) = ("fan_receipts", "creator_available");
    let id = new();
    let balanced = [
        header(&id, 2),
        entries(&id, &[(debit, 7, true, 1), (credit, 7, false, 2)]),
    ];
    assert_eq!(refusal(&pool, &balanced).await, None, "as it should be");
    for (what, statements, why) in [
        (
            "one side only",
            {
                let id = new();
                vec![header(&id, 1), entries(&id, &[(debit, 7, true, 1)])]
            },
            "does not balance",
        ),
        (
            "a cent off",
            {
                let id = new();
                vec![
                    header(&id, 2),
                    entries(&id, &[(debit, 7, true, 1), (credit, 8, false, 2)]),
                ]
            },
            "does not balance",
        ),
        (
            "two currencies",
            {
                let id = new();
                vec![
                    header(&id, 2),
                    entries(
                        &id,
                        &[(debit, 7, true, 1), ("creator_pending", 7, false, 2)],
                    ),
                ]
            },
            "does not balance",
        ),
        (
            "no such account",
            {
                let id = new();
                vec![
                    header(&id, 2),
                    entries(&id, &[(debit, 7, true, 1)])
                        + &format!(", ('{id}', 99999, 7, 2, false, false)"),
                ]
            },
            "does not balance",
        ),
        (
            "a leg less than it says",
            {
                let id = new();
                vec![
                    header(&id, 3),
                    entries(&id, &[(debit, 7, true, 1), (credit, 7, false, 2)]),
                ]
            },
            "states 3 legs and has 2",
        ),
        (
            "no header",
            {
                let id = new();
                vec![entries(&id, &[(debit, 7, true, 1), (credit, 7, false, 2)])]
            },
            "legs and has 2",
        ),
        (
            "legs added later",
            vec![entries(&old, &[(debit, 7, true, 3), (credit, 7, false, 4)])],
            "not added to a transfer",
        ),
        (
            "a negative amount",
            {
                let id = new();
                vec![
                    header(&id, 2),
                    entries(&id, &[(debit, -7, true, 1), (credit, -7, false, 2)]),
                ]
            },
            "violates check constraint",
        ),
        (
            "an update",
            vec!["update ledger_entries set amount = 1".to_owned()],
            "append-only",
        ),
        (
            "a deletion",
            vec!["delete from ledger_transfers".to_owned()],
            "append-only",
        ),
        (
            "emptying",
            vec!["truncate ledger_entries".to_owned()],
            "append-only",
        ),
        (
            "closing an account",
            vec!["delete from ledger_accounts".to_owned()],
            "append-only",
        ),
        (
            "another currency of an account",
            vec!["update ledger_accounts set currency = 'JPY'".to_owned()],
            "settled",
        ),
    ] {
        let said = refusal(&pool, &statements).await.unwrap_or_default();
        assert!(said.contains(why), "{what}: {said}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_partition_refuses_by_its_own_name_too(pool: PgPool) {
    let ada = testing::creator(&pool, "girlfanz", "ada").await;
    let there = moving(&ctx(), Step::Post, receipts(), available(ada), 100);
    posted(&pool, &ctx(), &[there]).await.expect("posted");
    let part: String =
        sqlx::query_scalar("select tableoid::regclass::text from ledger_entries limit 1")
            .fetch_one(&pool)
            .await
            .expect("a partition");
    assert_ne!(part, "ledger_entries_default");
    for statement in [
        format!("update {part} set amount = 1"),
        format!("delete from {part}"),
        format!("truncate {part}"),
    ] {
        let said = refusal(&pool, &[statement]).await.unwrap_or_default();
        assert!(said.contains("append-only"), "{said}");
    }
    let late = format!(
        "insert into {part} select transfer_id, account_id, amount, leg + 2, debit, pending from {part}"
    );
    let said = refusal(&pool, &[late]).await.unwrap_or_default();
    assert!(said.contains("not added to a transfer"), "{said}");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_malformed_never_reaches_the_database(pool: PgPool) {
    let ada = testing::creator(&pool, "girlfanz", "ada").await;
    let ctx = ctx();
    let good = || moving(&ctx, Step::Post, receipts(), available(ada), 100);
    let with = |change: fn(&mut NewTransfer)| {
        let mut new = good();
        change(&mut new);
        new
    };
    for (what, new) in [
        ("no legs", with(|new| new.legs.clear())),
        ("one leg", with(|new| new.legs.truncate(1))),
        (
            "nothing",
            with(|new| new.legs.iter_mut().for_each(|leg| leg.amount = 0)),
        ),
        (
            "a debt",
            with(|new| new.legs.iter_mut().for_each(|leg| leg.amount = -1)),
        ),
        (
            "too much",
            with(|new| new.legs.iter_mut().for_each(|leg| leg.amount = i64::MAX)),
        ),
        ("off", with(|new| new.legs[0].amount += 1)),
        (
            "a creator's receipts",
            with(|new| new.legs[0].account.owner = new.legs[1].account.owner),
        ),
        (
            "nobody's balance",
            with(|new| new.legs[1].account.owner = None),
        ),
        (
            "a random id",
            with(|new| new.id = uuid::Uuid::new_v4().into()),
        ),
        (
            "an id from long ago",
            with(|new| new.id = TransferId::at("2020-01-01T00:00:00Z".parse().expect("a time"))),
        ),
    ] {
        let refused = posted(&pool, &ctx, &[new]).await.expect_err(what);
        assert!(
            matches!(
                refused,
                LedgerError::Malformed { .. } | LedgerError::Unbalanced { .. }
            ),
            "{what}: {refused}"
        );
    }
    let twice = good();
    let refused = posted(&pool, &ctx, &[twice.clone(), twice]).await;
    assert!(matches!(refused, Err(LedgerError::Malformed { .. })));
    let many = vec![good(); POST_MAX + 1];
    assert!(matches!(
        posted(&pool, &ctx, &many).await,
        Err(LedgerError::TooMany(_))
    ));
    assert_eq!(funds(&pool, ada).await, (0, 0));
}
