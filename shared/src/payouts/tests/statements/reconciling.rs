//! Both sides added up.

use super::written::{back, camt, entry, of, pain002};
use super::*;

#[sqlx::test(migrations = "../migrations")]
async fn the_report_balances_and_names_what_is_missing(pool: PgPool) {
    let bank = Bank::new(pool);
    let names = ["ada", "bea", "cleo", "dora", "eve"];
    let (_, payouts) = bank.sent(&names).await;
    let day = bank.today();
    let (report, missing) = bank.reconciled(Currency::EUR).await;
    assert_eq!(report.under_way.handed_over, tally(5, 48_750));
    assert_eq!(report.under_way.closing, tally(5, 48_750));
    assert_eq!(missing, ["ours_only"]);

    // refused; paid; paid and come back; paid by the answer alone; nothing at all
    let answer = pain002(
        "A1",
        &day,
        &[(payouts[0], "RJCT", "AC01"), (payouts[3], "ACSC", "")],
    );
    bank.read(&answer).await;
    let entries = [
        entry("B1", "DBIT", "97.50", &day, &of(payouts[1])),
        entry("B2", "DBIT", "97.50", &day, &of(payouts[2])),
        entry("B3", "CRDT", "97.50", &day, &back(payouts[2], "AC04")),
        entry("B4", "DBIT", "3.00", &day, ""),
    ];
    let text = camt(
        "camt.053",
        "S1",
        &day,
        Some((50_000, 39_950)),
        &entries.concat(),
    );
    bank.read(&text).await;
    let (report, missing) = bank.reconciled(Currency::EUR).await;
    assert_eq!(report.under_way.failed, tally(1, 9_750));
    assert_eq!(report.under_way.completed, tally(3, 29_250));
    assert_eq!(report.under_way.closing, tally(1, 9_750));
    assert_eq!(report.books.returned, tally(1, 9_750));
    assert_eq!(report.books.ledger, 19_500);
    assert_eq!(report.matched.out, tally(2, 19_500));
    assert_eq!(report.matched.back, tally(1, 9_750));
    assert_eq!(report.theirs.out, tally(1, 300));
    assert_eq!(report.ours, tally(2, 19_500));
    assert_eq!(report.explained.completed_unbooked, tally(1, 9_750));
    assert_eq!(missing, ["theirs_only", "ours_only"]);
    let [account] = &report.accounts[..] else {
        panic!("{report:?}")
    };
    assert_eq!(account.adds_up(), Some(true));
    let mut conn = bank.world.pool.acquire().await.expect("a connection");
    let scope = report.scope;
    let ours = list_ours_only(&mut conn, &bank.world.ctx(), scope, &PageRequest::default()).await;
    let mut ours: Vec<_> = ours
        .expect("listed")
        .items
        .iter()
        .map(|one| one.id)
        .collect();
    ours.sort_unstable_by_key(|id| id.uuid());
    assert_eq!(ours, [payouts[3], payouts[4]]);

    // later days begin where these end
    bank.world.clock.advance(Duration::days(2));
    let later = ReconciliationScope {
        from: scope.to + Duration::days(1),
        to: scope.to + Duration::days(2),
        ..scope
    };
    let late = bank.world.ctx().now().format("%Y-%m-%d").to_string();
    let text = camt(
        "camt.053",
        "S2",
        &late,
        Some((39_950, 30_200)),
        &entry("B5", "DBIT", "97.50", &late, &of(payouts[3])),
    );
    bank.read(&text).await;
    let next = reconcile(&mut conn, &bank.world.ctx(), later).await;
    let next = next.expect("reconciled");
    assert_eq!(next.under_way.opening, report.under_way.closing);
    assert_eq!(next.faults(), []);
    assert_eq!(next.matched.out, tally(1, 9_750));
    assert_eq!(next.explained.noted_on_other_days, 9_750);
    let before = reconcile(&mut conn, &bank.world.ctx(), scope).await;
    let before = before.expect("reconciled");
    assert_eq!(before.faults(), []);
    assert_eq!(
        before.under_way, report.under_way,
        "closed days stay as they were"
    );
    assert_eq!(before.explained.booked_on_other_days, 9_750);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_does_not_add_up_is_named(pool: PgPool) {
    let bank = Bank::new(pool);
    let (_, payouts) = bank.sent(&["ada", "bea"]).await;
    let day = bank.today();
    let paid = entry("B1", "DBIT", "97.50", &day, &of(payouts[0]));
    let text = camt("camt.053", "S1", &day, Some((50_000, 40_251)), &paid);
    bank.read(&text).await;
    let today = bank.world.ctx().now().date_naive();
    let scope = ReconciliationScope {
        method: PayoutMethod::BankTransfer,
        currency: Currency::EUR,
        from: today,
        to: today,
    };
    let mut conn = bank.world.pool.acquire().await.expect("a connection");
    let ctx = bank.world.ctx();
    let codes = |report: &Reconciliation| -> Vec<&'static str> {
        report.faults().iter().map(|fault| fault.code).collect()
    };
    let report = reconcile(&mut conn, &ctx, scope).await.expect("reconciled");
    assert_eq!(codes(&report), ["statement_does_not_add_up"], "a cent");
    // somebody edits a payout behind our back
    sqlx::query("update payouts set state = 'completed' where id = $1")
        .bind(payouts[1].uuid())
        .execute(&bank.world.pool)
        .await
        .expect("edited");
    let report = reconcile(&mut conn, &ctx, scope).await.expect("reconciled");
    assert!(
        codes(&report).contains(&"under_way_does_not_add_up"),
        "{report:?}"
    );
    sqlx::query("update payout_events set transfer_id = null where payout_id = $1 and to_state = 'completed'")
        .bind(payouts[0].uuid())
        .execute(&bank.world.pool)
        .await
        .expect("edited");
    let report = reconcile(&mut conn, &ctx, scope).await.expect("reconciled");
    assert!(codes(&report).contains(&"ledger_differs"), "{report:?}");
    let backwards = ReconciliationScope {
        from: today,
        to: today - Duration::days(1),
        ..scope
    };
    let refused = reconcile(&mut conn, &ctx, backwards).await;
    assert!(
        matches!(refused, Err(PayoutError::Invalid(_))),
        "{refused:?}"
    );
}
