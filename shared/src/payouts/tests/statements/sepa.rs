//! Transfers in euro: accepted, refused, booked, come back; each counted once.

use super::written::{back, camt, entry, of, pain002, refusing};
use super::*;

use EntryState::{Attention, Matched, Repeated, Unmatched};

#[sqlx::test(migrations = "../migrations")]
async fn what_a_bank_accepts_and_refuses_is_followed_once_however_many_files_say_so(pool: PgPool) {
    let bank = Bank::new(pool);
    let (_, payouts) = bank.sent(&["ada", "bea", "cleo"]).await;
    let [ada, bea, cleo] = payouts[..] else {
        panic!("three")
    };
    let day = bank.today();
    let answer = pain002(
        "A1",
        &day,
        &[(ada, "ACSC", ""), (bea, "RJCT", "AC04"), (cleo, "ACSP", "")],
    );
    assert_eq!(bank.read(&answer).await, [Matched; 3]);
    assert_eq!(bank.state(ada).await, PayoutState::Completed);
    assert_eq!(bank.state(bea).await, PayoutState::Failed);
    assert_eq!(bank.state(cleo).await, PayoutState::InTransit);
    assert_eq!(euro_funds(&bank, bea).await, (500_000, 0), "all is back");
    let failed = bank.world.shown(bea).await.payout;
    assert_eq!(failed.failure_code.as_deref(), Some("AC04"));
    assert_eq!(
        failed.failure_message.as_deref(),
        Some("the account is closed")
    );
    // the very same file
    let known = bank.taken_by(&bank.world.by("other"), &answer).await;
    assert!(!known.expect("known").1);

    // booked, and come back: once in a notice, again in the day's statement
    let returned = entry("B3", "CRDT", "97.50", &day, &back(ada, "AC01"));
    let notice = camt("camt.054", "N1", &day, None, &returned);
    assert_eq!(bank.read(&notice).await, [Matched]);
    assert_eq!(bank.state(ada).await, PayoutState::Returned);
    let moved = bank.transfers().await;
    let entries = [
        entry("B1", "DBIT", "97.50", &day, &of(ada)),
        entry("B2", "DBIT", "97.50", &day, &of(cleo)),
        returned,
        entry("B4", "CRDT", "97.50", &day, &back(ada, "AC01")),
    ]
    .concat();
    let statement = camt("camt.053", "S1", &day, Some((100_000, 100_000)), &entries);
    assert_eq!(
        bank.read(&statement).await,
        [Matched, Matched, Repeated, Repeated]
    );
    assert_eq!(bank.state(cleo).await, PayoutState::Completed);
    assert_eq!(bank.transfers().await, moved + 1, "only what was new");
    // the fee of a return is kept, and that of the payout
    let fees = bank.world.shown(ada).await.payout.parts;
    assert_eq!(
        euro_funds(&bank, ada).await,
        (500_000 - fees.fee - fees.return_fee, 0)
    );
    let steps = bank.world.shown(ada).await.events;
    let returns = steps
        .iter()
        .filter(|step| step.to == PayoutState::Returned)
        .count();
    assert_eq!(returns, 1);

    // overlapping: the day's statement once more, written another way, with one booking that nobody knows
    let foreign = entry("B9", "CRDT", "12.34", &day, "");
    let overlap = camt("camt.053", "S2", &day, None, &(entries + &foreign));
    assert_eq!(
        bank.read(&overlap).await,
        [Repeated, Repeated, Repeated, Repeated, Unmatched]
    );
    let again = camt("camt.054", "N2", &day, None, &foreign);
    assert_eq!(
        bank.read(&again).await,
        [Repeated],
        "known by its reference"
    );
    assert_eq!(bank.transfers().await, moved + 1);
    bank.world.holds().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn another_amount_closes_nothing_until_somebody_else_says_what_it_means(pool: PgPool) {
    let bank = Bank::new(pool);
    let (_, payouts) = bank.sent(&["ada"]).await;
    let ada = payouts[0];
    let day = bank.today();
    let short = entry("B1", "DBIT", "97.40", &day, &of(ada));
    let text = camt("camt.053", "S1", &day, None, &short);
    assert_eq!(bank.read(&text).await, [Attention]);
    let stands = bank.world.shown(ada).await.payout;
    assert_eq!(stands.state, PayoutState::InTransit);
    let theirs = bank.theirs().await;
    assert_eq!(theirs.payout, Some(ada));
    assert!(stands.attention.is_some() && stands.attention == theirs.why);

    let differs = bank.match_by_hand("auditor", theirs.id, ada, None).await;
    assert!(
        matches!(differs, Err(PayoutError::AmountsDiffer { .. })),
        "{differs:?}"
    );
    let completed = Some(Finding::Completed);
    // who entered where it goes
    let own = bank.match_by_hand("clerk", theirs.id, ada, completed).await;
    assert!(matches!(own, Err(PayoutError::OwnPayout)), "{own:?}");
    assert_eq!(bank.state(ada).await, PayoutState::InTransit);
    let done = bank
        .match_by_hand("auditor", theirs.id, ada, completed)
        .await
        .expect("decided");
    assert_eq!((done.state, done.payout), (Matched, Some(ada)));
    let paid = bank.world.shown(ada).await.payout;
    assert_eq!((paid.state, paid.attention), (PayoutState::Completed, None));
    let again = bank
        .match_by_hand("auditor", theirs.id, ada, completed)
        .await;
    assert!(
        matches!(again, Err(PayoutError::EntryDecided(Matched))),
        "{again:?}"
    );
    let (report, missing) = bank.reconciled(Currency::EUR).await;
    assert_eq!(missing, ["amounts_differ"]);
    assert_eq!(report.explained.differing, 10);
    bank.world.holds().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_booking_without_its_id_is_matched_by_hand_or_set_aside(pool: PgPool) {
    let bank = Bank::new(pool);
    let (_, payouts) = bank.sent(&["ada", "bea"]).await;
    let day = bank.today();
    let unnamed = entry("B1", "DBIT", "97.50", &day, "");
    let text = camt("camt.053", "S1", &day, None, &unnamed);
    assert_eq!(bank.read(&text).await, [Unmatched]);
    let theirs = bank.theirs().await;
    let done = bank
        .match_by_hand("auditor", theirs.id, payouts[0], None)
        .await;
    assert_eq!(done.expect("matched").state, Matched);
    assert_eq!(bank.state(payouts[0]).await, PayoutState::Completed);

    // another one says the same of it
    let other = camt(
        "camt.053",
        "S2",
        &day,
        None,
        &entry("B2", "DBIT", "97.50", &day, ""),
    );
    assert_eq!(bank.read(&other).await, [Unmatched]);
    let theirs = bank.theirs().await;
    let twice = bank
        .match_by_hand("auditor", theirs.id, payouts[0], None)
        .await;
    assert!(
        matches!(twice, Err(PayoutError::DoesNotFit(_))),
        "{twice:?}"
    );
    let mut tx = bank.world.pool.begin().await.expect("begun");
    let by = bank.world.by("auditor");
    let stale = dismiss_entry(&mut tx, &by, theirs.id, Some(theirs.version + 1), "a fee").await;
    assert!(matches!(stale, Err(PayoutError::Stale)), "{stale:?}");
    let aside = dismiss_entry(&mut tx, &by, theirs.id, Some(theirs.version), "a fee").await;
    tx.commit().await.expect("committed");
    let aside = aside.expect("set aside");
    assert_eq!(aside.state, EntryState::Dismissed);
    assert_eq!(aside.why.as_deref(), Some("a fee"));
    let audited: i64 = sqlx::query_scalar(
        "select count(*) from audit_entries where action in ('payout_statement.match_by_hand', 'payout_statement.dismiss')",
    )
    .fetch_one(&bank.world.pool)
    .await
    .expect("counted");
    assert_eq!(audited, 2);
    let (_, missing) = bank.reconciled(Currency::EUR).await;
    assert_eq!(missing, ["ours_only"], "the other payout");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_file_that_was_booked_as_one_completes_all_of_it_if_the_amount_is_right(pool: PgPool) {
    let bank = Bank::new(pool);
    let (batch, payouts) = bank.sent(&["ada", "bea", "cleo"]).await;
    let day = bank.today();
    let refused = pain002("A1", &day, &[(payouts[2], "RJCT", "AC01")]);
    assert_eq!(bank.read(&refused).await, [Matched]);
    let whole = |reference: &str, amount: &str| {
        let holds = format!(
            "<Btch><MsgId>{}</MsgId><NbOfTxs>2</NbOfTxs></Btch>",
            InstructionId::from(batch.uuid())
        );
        entry(reference, "DBIT", amount, &day, &holds)
    };
    let text = camt("camt.053", "S1", &day, None, &whole("B1", "292.50"));
    assert_eq!(bank.read(&text).await, [Attention], "one was refused");
    assert_eq!(bank.state(payouts[0]).await, PayoutState::InTransit);
    let text = camt("camt.053", "S2", &day, None, &whole("B2", "195.00"));
    assert_eq!(bank.read(&text).await, [Matched]);
    for paid in &payouts[..2] {
        assert_eq!(bank.state(*paid).await, PayoutState::Completed);
    }
    assert_eq!(bank.state(payouts[2]).await, PayoutState::Failed);
    // and each of them in a notice
    let singly = [
        entry("B3", "DBIT", "97.50", &day, &of(payouts[0])),
        entry("B4", "DBIT", "97.50", &day, &of(payouts[1])),
    ];
    let text = camt("camt.054", "N1", &day, None, &singly.concat());
    assert_eq!(bank.read(&text).await, [Repeated, Repeated]);
    let (report, missing) = bank.reconciled(Currency::EUR).await;
    assert_eq!(missing, ["theirs_only"]);
    assert_eq!(report.matched.out, tally(1, 19_500));
    assert_eq!(report.books.completed, tally(2, 19_500));
    bank.world.holds().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_file_that_the_bank_refuses_gives_everything_back(pool: PgPool) {
    let bank = Bank::new(pool);
    let (batch, payouts) = bank.sent(&["ada", "bea"]).await;
    let text = refusing("A1", &bank.today(), batch);
    assert_eq!(bank.read(&text).await, [Matched]);
    for payout in &payouts {
        assert_eq!(bank.state(*payout).await, PayoutState::Failed);
        assert_eq!(euro_funds(&bank, *payout).await, (500_000, 0));
    }
    let text = refusing("A2", &bank.today(), batch);
    assert_eq!(bank.read(&text).await, [Repeated]);
    let unknown = refusing("A3", &bank.today(), BatchId::from(Uuid::now_v7()));
    assert_eq!(bank.read(&unknown).await, [Unmatched]);
    let paid = entry("B1", "DBIT", "97.50", &bank.today(), &of(payouts[0]));
    let text = camt("camt.053", "S1", &bank.today(), None, &paid);
    assert_eq!(bank.read(&text).await, [Attention], "it paid all the same");
    assert_eq!(bank.state(payouts[0]).await, PayoutState::Failed);
    bank.world.holds().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_decides_about_their_own_payout_by_a_statement(pool: PgPool) {
    let bank = Bank::new(pool);
    let (_, payouts) = bank.sent(&["ada"]).await;
    let text = pain002("A1", &bank.today(), &[(payouts[0], "RJCT", "AC04")]);
    // who entered where it goes
    let (mine, _) = bank
        .taken_by(&bank.world.by("clerk"), &text)
        .await
        .expect("taken");
    bank.matched(mine.id).await;
    assert_eq!(bank.state(payouts[0]).await, PayoutState::InTransit);
    let theirs = bank.theirs().await;
    assert_eq!(theirs.state, Attention);
    let done = bank
        .match_by_hand("auditor", theirs.id, payouts[0], None)
        .await;
    assert_eq!(done.expect("matched").state, Matched);
    assert_eq!(bank.state(payouts[0]).await, PayoutState::Failed);
}
