//! Returns and changes of the ACH network.

use super::written::nacha;
use super::*;
use crate::payouts::tests::batching::us_account;

#[sqlx::test(migrations = "../migrations")]
async fn returns_take_payouts_back_and_changes_mark_the_destination(pool: PgPool) {
    let bank = Bank::new(pool);
    let world = &bank.world;
    let ada = bank
        .fresh("ada", Currency::USD, us_account("1234567"))
        .await;
    bank.cool();
    let mut payouts = Vec::new();
    for _ in 0..3 {
        let one = bank.scheduled(ada, PayoutMethod::BankTransfer, Currency::USD, "100");
        payouts.push(one.await);
    }
    let batch = bank.written(BatchFormat::Nacha).await;
    bank.hand_over(batch.id).await.expect("handed over");
    let mut traces = Vec::new();
    for payout in &payouts {
        traces.push(bank.trace(*payout).await.expect("a trace number"));
    }
    let day = bank.today();
    let told = [
        (traces[0].as_str(), "R02", 9_750, ""),
        (traces[1].as_str(), "R03", 9_750, "NO SUCH ACCOUNT"),
        (traces[2].as_str(), "C01", 0, "7654321987654321"),
        ("021000029999999", "R03", 5, ""),
    ];
    let states = bank.read(&nacha(&day, &told)).await;
    let [matched, unmatched] = [EntryState::Matched, EntryState::Unmatched];
    assert_eq!(states, [matched, matched, matched, unmatched]);
    for (payout, code, words) in [
        (payouts[0], "R02", "the account is closed"),
        (payouts[1], "R03", "NO SUCH ACCOUNT"),
    ] {
        let shown = world.shown(payout).await.payout;
        assert_eq!(shown.state, PayoutState::Returned);
        assert_eq!(shown.failure_code.as_deref(), Some(code));
        assert_eq!(shown.failure_message.as_deref(), Some(words));
    }
    assert_eq!(bank.state(payouts[2]).await, PayoutState::InTransit);

    // nothing is changed by the change; it is kept, and what is right is not readable
    let destination = world.shown(payouts[2]).await.destination;
    assert_eq!(destination.state, DestinationState::Verified);
    let mut conn = world.pool.acquire().await.expect("a connection");
    let ctx = world.by("treasurer");
    let notices = destination_notices(&mut conn, &ctx, ada)
        .await
        .expect("read");
    let [notice] = &notices[..] else {
        panic!("{notices:?}")
    };
    let said = (
        notice.destination,
        notice.code.as_str(),
        notice.shown.as_str(),
    );
    assert_eq!(said, (destination.id, "C01", "… 4321"));
    let carriers = &world.carriers;
    let revealed = reveal_destination(&mut conn, &ctx, carriers, ada, destination.id, "ticket 7");
    assert_eq!(
        revealed.await.expect("revealed").corrections,
        [("C01".to_owned(), "7654321987654321".to_owned())]
    );
    let sealed: Vec<u8> = sqlx::query_scalar(
        "select correction from payout_statement_entries where correction is not null",
    )
    .fetch_one(&world.pool)
    .await
    .expect("read");
    assert!(!sealed.windows(7).any(|bytes| bytes == b"7654321"));

    // another file says one of them again
    let again = nacha(&day, &told[..1]);
    assert_eq!(bank.read(&again).await, [EntryState::Repeated]);
    let (report, missing) = bank.reconciled(Currency::USD).await;
    assert_eq!(missing, ["theirs_only", "ours_only"]);
    assert_eq!(report.books.returned, tally(2, 19_500));
    assert_eq!(report.matched.back, tally(2, 19_500));
    assert_eq!(report.explained.completed_unbooked, tally(2, 19_500));
    world.holds().await;
}
