//! Statements.

use chrono::{DateTime, Utc};

use super::*;
use crate::ledger::{
    Account, AccountCode, Funds, Leg, NewTransfer, Step, TransferId, TransferKind,
};

fn at(text: &str) -> Ctx {
    let clock = Clock::system();
    let then: DateTime<Utc> = text.parse().expect("a time");
    clock.advance(then - clock.now());
    Ctx::new(Actor::System, &clock)
}

fn month(text: &str) -> Month {
    text.parse().expect("a month")
}

async fn stated(
    pool: &PgPool,
    ctx: &Ctx,
    id: CreatorId,
    of: &str,
) -> Result<Statement, EarningError> {
    let mut conn = pool.acquire().await.expect("a connection");
    statement(&mut conn, ctx, id, month(of)).await
}

/// Holds 50.00 for a payout of which 1.00 is a fee, and posts it.
async fn paid(pool: &PgPool, ctx: &Ctx, id: CreatorId) {
    let own = |code| Account::creator(id, code, Currency::USD);
    let platform = |code| Account::platform(code, Currency::USD);
    let legs = [
        Leg::debit(own(AccountCode::CreatorAvailable), 5_000),
        Leg::credit(platform(AccountCode::PayoutClearing), 4_900),
        Leg::credit(platform(AccountCode::PayoutFee), 100),
        Leg::debit(platform(AccountCode::PayoutsSettled), 4_900),
        Leg::credit(own(AccountCode::CreatorPaid), 4_900),
    ];
    let hold = NewTransfer {
        step: Step::Hold { expires_at: None },
        ..NewTransfer::posting(
            TransferId::at(ctx.now()),
            TransferKind::Payout,
            ctx.now(),
            legs,
        )
    };
    let post = NewTransfer {
        step: Step::PostHeld(hold.id),
        ..NewTransfer::posting(
            TransferId::at(ctx.now()),
            TransferKind::Payout,
            ctx.now(),
            [],
        )
    };
    let mut tx = pool.begin().await.expect("begun");
    ledger::post(&mut tx, ctx, &[hold]).await.expect("held");
    ledger::post(&mut tx, ctx, &[post]).await.expect("posted");
    tx.commit().await.expect("committed");
}

/// What is posted on the creator's accounts in dollars.
async fn on_accounts(pool: &PgPool, id: CreatorId) -> Funds {
    let mut conn = pool.acquire().await.expect("a connection");
    let balances = ledger::creator_balances(&mut conn, id)
        .await
        .expect("balances");
    let of = |code| {
        let account = Account::creator(id, code, Currency::USD);
        let found = balances.iter().find(|(at, _)| *at == account);
        found.map_or(0, |(_, balance)| balance.posted())
    };
    Funds {
        pending: of(AccountCode::CreatorPending),
        reserved: of(AccountCode::CreatorReserved),
        available: of(AccountCode::CreatorAvailable),
    }
}

/// October: two earnings, one of which is taken back in part. November: it matures, and something is paid out.
async fn lived(pool: &PgPool) -> CreatorId {
    let ada = ada(pool).await;
    let october = at("2026-10-28T10:00:00Z");
    let (first, _) = recorded(pool, &october, tip(ada, "100.00"))
        .await
        .expect("recorded");
    let later = at("2026-10-28T10:01:00Z");
    recorded(pool, &later, tip(ada, "10.00"))
        .await
        .expect("recorded");
    reversed(
        pool,
        &at("2026-10-29T10:00:00Z"),
        &first,
        refund(Some("20.00")),
    )
    .await
    .expect("taken back");
    let november = at("2026-11-05T00:05:00Z");
    assert_eq!(matured(pool, &november).await, 1);
    paid(pool, &at("2026-11-05T00:06:00Z"), ada).await;
    ada
}

#[sqlx::test(migrations = "../migrations")]
async fn opening_and_movements_make_up_closing_which_is_what_is_on_the_accounts(pool: PgPool) {
    let ada = lived(&pool).await;
    let now = at("2026-11-20T10:00:00Z");
    let october = stated(&pool, &now, ada, "2026-10").await.expect("October");
    let november = stated(&pool, &now, ada, "2026-11").await.expect("November");
    assert!(!october.provisional && november.provisional);
    let (before, after) = (&october.sections[0], &november.sections[0]);
    assert_eq!(before.opening, Funds::default());
    assert_eq!(before.closing, after.opening);
    assert_eq!(after.closing, on_accounts(&pool, ada).await);
    let told: Vec<_> = before
        .lines
        .iter()
        .chain(&after.lines)
        .map(|line| {
            let moved = &line.moved;
            (moved.kind, line.gross(), moved.fee, moved.change.total())
        })
        .collect();
    assert_eq!(
        told,
        [
            (TransferKind::Earning, 10_000, -2_000, 8_000),
            (TransferKind::Earning, 1_000, -200, 800),
            (TransferKind::Refund, -2_000, 400, -1_600),
            (TransferKind::Maturity, 0, 0, 0),
            (TransferKind::Payout, -4_900, -100, -5_000),
        ]
    );
    assert_eq!(before.lines[2].source, Some(EarningSource::Tip));
    assert_eq!(after.closing.total(), 8_800 - 1_600 - 5_000);
    holds(&pool).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_reported_late_stands_in_the_month_in_which_it_became_known(pool: PgPool) {
    let ada = lived(&pool).await;
    let now = at("2026-11-20T10:00:00Z");
    let before = stated(&pool, &now, ada, "2026-10").await.expect("October");
    let late = NewEarning {
        occurred_at: Some(at("2026-10-15T10:00:00Z").now()),
        ..tip(ada, "7.00")
    };
    recorded(&pool, &now, late).await.expect("recorded");
    let after = stated(&pool, &now, ada, "2026-10").await.expect("October");
    assert_eq!(before.sections, after.sections);
    let next = at("2026-11-20T10:00:01Z");
    let november = stated(&pool, &next, ada, "2026-11")
        .await
        .expect("November");
    assert_eq!(november.sections[0].closing, on_accounts(&pool, ada).await);
}

#[sqlx::test(migrations = "../migrations")]
async fn months_with_movements_are_listed_and_others_have_no_statement(pool: PgPool) {
    let ada = lived(&pool).await;
    let now = at("2026-11-20T10:00:00Z");
    let mut conn = pool.acquire().await.expect("a connection");
    let months = statement_months(&mut conn, &now, ada)
        .await
        .expect("listed");
    let told: Vec<(String, bool)> = months
        .into_iter()
        .map(|of| (of.month.to_string(), of.provisional))
        .collect();
    assert_eq!(told, [("2026-11".into(), true), ("2026-10".into(), false)]);
    for none in ["2026-09", "2026-12"] {
        let refused = stated(&pool, &now, ada, none).await;
        assert!(
            matches!(refused, Err(EarningError::NoStatement(_))),
            "{none}"
        );
    }
    let quiet = stated(&pool, &at("2027-02-01T10:00:00Z"), ada, "2027-01").await;
    let quiet = quiet.expect("nothing moved, and there is something");
    assert!(quiet.sections[0].lines.is_empty());
    assert_eq!(quiet.sections[0].closing, on_accounts(&pool, ada).await);
}

#[sqlx::test(migrations = "../migrations")]
async fn more_than_there_is_room_for_comes_as_sums_by_day_and_kind(pool: PgPool) {
    let ada = lived(&pool).await;
    let (from, until) = month("2026-10").bounds();
    let mut conn = pool.acquire().await.expect("a connection");
    let mut read = async |most| {
        ledger::creator_movements(&mut conn, ada, Currency::USD, from, until, most)
            .await
            .expect("read")
    };
    let (each, sums) = (read(3).await, read(2).await);
    assert!(!each.by_day && sums.by_day);
    assert_eq!(each.closing(), sums.closing());
    let told: Vec<_> = sums
        .moved
        .iter()
        .map(|moved| (moved.kind, moved.count, moved.change.total(), moved.fee))
        .collect();
    assert_eq!(
        told,
        [
            (TransferKind::Earning, 2, 8_800, -2_200),
            (TransferKind::Refund, 1, -1_600, 400),
        ]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn it_is_written_as_csv_and_printed(pool: PgPool) {
    let ada = lived(&pool).await;
    let now = at("2026-11-20T10:00:00Z");
    let november = stated(&pool, &now, ada, "2026-11").await.expect("November");
    let csv = String::from_utf8(november.csv().expect("written")).expect("a text");
    let lines: Vec<&str> = csv.lines().collect();
    let widths: Vec<usize> = lines.iter().map(|line| line.split(',').count()).collect();
    assert_eq!(widths, [15; 5], "{csv}");
    assert_eq!(
        lines[1],
        "2026-11,true,USD,opening,,,,,,,,72.00,67.50,4.50,0.00"
    );
    assert!(
        lines[3].ends_with(",-49.00,-1.00,-50.00,0.00,0.00,-50.00"),
        "{csv}"
    );
    assert_eq!(
        lines[4],
        "2026-11,true,USD,closing,,,,,,,,22.00,0.00,4.50,17.50"
    );
    let pdf = november.pdf();
    assert!(pdf.starts_with(b"%PDF-"));
    let has = |text: &str| pdf.windows(text.len()).any(|part| part == text.as_bytes());
    for text in [
        "/Count 1",
        "PROVISIONAL",
        "Closing balance",
        "page 1 of 1",
        "17.50",
        "-49.00",
    ] {
        assert!(has(text), "{text}");
    }
    let october = stated(&pool, &now, ada, "2026-10").await.expect("October");
    let pdf = String::from_utf8_lossy(&october.pdf()).into_owned();
    assert!(!pdf.contains("PROVISIONAL"));
}
