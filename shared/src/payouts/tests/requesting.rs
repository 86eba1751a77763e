//! Asking for payouts.

use super::*;

#[sqlx::test(migrations = "../migrations")]
async fn the_specifications_sample_holds_the_amount_and_freezes_the_fee(pool: PgPool) {
    let world = World::new(pool);
    let ada = world.payee("ada", 300_000).await;
    let payout = world
        .asked(&world.by("clerk"), ada, "2500.00")
        .await
        .expect("asked");
    assert_eq!(payout.gross().decimal(), "2500.00");
    assert_eq!(payout.parts.fee, 5_000);
    assert_eq!(payout.net().decimal(), "2450.00");
    assert_eq!(payout.state, PayoutState::AwaitingApproval);
    assert_eq!(payout.approvals_needed, 1);
    assert_eq!(world.funds(ada).await, (50_000, 300_000, 0));
    // a dearer rule of today changes nothing of it
    sqlx::query("update payout_methods set fee_bps = 900")
        .execute(&world.pool)
        .await
        .expect("updated");
    assert_eq!(world.shown(payout.id).await.payout.parts.fee, 5_000);
    let events = world.shown(payout.id).await.events;
    let states: Vec<PayoutState> = events.iter().map(|event| event.to).collect();
    assert_eq!(
        states,
        [PayoutState::Requested, PayoutState::AwaitingApproval]
    );
    assert_eq!(events[0].transfer, Some(payout.hold));
    world.holds().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn of_two_hundred_who_ask_for_everything_at_once_one_gets_it(pool: PgPool) {
    let world = Arc::new(World::new(pool));
    sqlx::query("update payout_limits set day_max_count = 1000")
        .execute(&world.pool)
        .await
        .expect("updated");
    let ada = world.payee("ada", 50_000).await;
    let tries: Vec<_> = (0..200)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.asked(&world.ctx(), ada, "500").await })
        })
        .collect();
    let mut won = 0;
    for one in tries {
        match one.await.expect("no panic") {
            Ok(_) => won += 1,
            Err(PayoutError::Insufficient(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(world.funds(ada).await, (0, 50_000, 0));
    world.holds().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn everything_that_stands_against_it_is_said_at_once_and_nothing_is_held(pool: PgPool) {
    let world = World::new(pool);
    let ada = testing::creator(&world.pool, "girlfanz", "ada").await;
    world.earn(ada, 100_000).await;
    let refused = world.asked(&world.ctx(), ada, "100").await;
    let codes = codes(&refused.expect_err("refused"));
    assert!(codes.contains(&"no_destination"), "{codes:?}");
    assert!(codes.contains(&"creator_not_active"), "{codes:?}");
    assert!(codes.contains(&"identity_not_verified"), "{codes:?}");
    assert_eq!(world.funds(ada).await, (100_000, 100_000, 0));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_destination_is_paid_to_once_it_is_verified_and_has_cooled(pool: PgPool) {
    let world = World::new(pool);
    let ada = testing::payable_creator(&world.pool, "girlfanz", "ada").await;
    world.earn(ada, 100_000).await;
    let one = world.entered(ada, "ada", "ada@pay.example").await;
    let refusal = |refused: Result<Payout, PayoutError>| codes(&refused.expect_err("refused"));
    let ctx = world.ctx();
    assert_eq!(
        refusal(world.asked(&ctx, ada, "100").await),
        ["destination_not_verified"]
    );
    world.verified(ada, one).await;
    assert_eq!(
        refusal(world.asked(&ctx, ada, "100").await),
        ["destination_cooling"]
    );
    world.clock.advance(Duration::hours(72));
    world
        .asked(&world.ctx(), ada, "100")
        .await
        .expect("it has cooled");
    // a second one makes it unclear which
    world.destination(ada, "ada", "other@pay.example").await;
    assert_eq!(
        refusal(world.asked(&world.ctx(), ada, "100").await),
        ["destination_ambiguous"]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn amounts_that_cannot_be_name_their_field_and_change_nothing(pool: PgPool) {
    let world = World::new(pool);
    let ada = world.payee("ada", 100_000).await;
    for amount in [
        "0",
        "-5",
        "20.001",
        "19.99",
        "1e9",
        "",
        "99999999999999999999",
    ] {
        match world.asked(&world.ctx(), ada, amount).await {
            Err(PayoutError::Invalid(fields)) => assert_eq!(fields[0].field, "/amount", "{amount}"),
            other => panic!("{amount}: {other:?}"),
        }
    }
    let more = world.asked(&world.ctx(), ada, "1000.01").await;
    assert!(
        matches!(more, Err(PayoutError::Insufficient(_))),
        "{more:?}"
    );
    let mut tx = world.pool.begin().await.expect("begun");
    let yen = NewPayout {
        creator: ada,
        amount: "5000".into(),
        currency: Currency::JPY,
        method: PayoutMethod::Paxum,
        destination: None,
    };
    match request(&mut tx, &world.ctx(), &yen).await {
        Err(PayoutError::Invalid(fields)) => assert_eq!(fields[0].field, "/method"),
        other => panic!("{other:?}"),
    }
    assert_eq!(world.funds(ada).await, (100_000, 100_000, 0));
}

#[sqlx::test(migrations = "../migrations")]
async fn money_leaves_no_faster_than_it_may(pool: PgPool) {
    let world = World::new(pool);
    let ada = world.payee("ada", 100_000_000).await;
    for _ in 0..5 {
        world.small(ada).await;
    }
    let refused = world.asked(&world.ctx(), ada, "100").await;
    assert_eq!(codes(&refused.expect_err("refused")), ["too_many_payouts"]);
    world.clock.advance(Duration::hours(25));
    let refused = world.asked(&world.ctx(), ada, "50000.01").await;
    assert_eq!(
        codes(&refused.expect_err("refused")),
        ["too_much_within_a_day"]
    );
    world
        .asked(&world.ctx(), ada, "50000")
        .await
        .expect("just so much");
}

#[sqlx::test(migrations = "../migrations")]
async fn the_same_account_is_there_once_and_others_who_use_it_are_noticed(pool: PgPool) {
    let world = World::new(pool);
    let ada = testing::payable_creator(&world.pool, "girlfanz", "ada").await;
    let eve = testing::payable_creator(&world.pool, "girlfanz", "eve").await;
    let one = world.entered(ada, "ada", "ada@pay.example").await;
    assert_eq!(world.entered(ada, "ada", " Ada@PAY.example").await, one);
    let same = world.entered(eve, "eve", "ada@pay.example").await;
    let mut tx = world.pool.begin().await.expect("begun");
    let alike = creators::duplicates(&mut tx, &world.by("auditor"), eve).await;
    let alike: Vec<_> = alike
        .expect("read")
        .into_iter()
        .map(|one| (one.id, one.likeness))
        .collect();
    assert_eq!(alike, [(ada, vec![creators::Likeness::PayoutDestination])]);
    let by = world.by("auditor");
    let clerk = world.by("clerk");
    let own = decide_destination(&mut tx, &clerk, eve, same, Verdict::Verified, None).await;
    assert!(matches!(own, Err(PayoutError::OwnDestination)), "{own:?}");
    let silent = decide_destination(&mut tx, &by, eve, same, Verdict::Verified, None).await;
    match silent {
        Err(PayoutError::Invalid(fields)) => {
            assert_eq!(fields[0].field, "/reason");
            assert!(
                fields[0].message.contains("somebody else is paid"),
                "{fields:?}"
            );
        }
        other => panic!("{other:?}"),
    }
    let why = Some("they share it, see ticket 7");
    let done = decide_destination(&mut tx, &by, eve, same, Verdict::Verified, why).await;
    assert_eq!(done.expect("decided").state, DestinationState::Verified);
    // what is kept does not show where the money goes
    let kept: Vec<u8> = sqlx::query_scalar("select sealed from payout_destinations limit 1")
        .fetch_one(&mut *tx)
        .await
        .expect("a row");
    assert!(!kept.windows(3).any(|part| part == b"ada"));
    let revealed = reveal_destination(&mut tx, &by, &world.carriers, eve, same, "ticket 7").await;
    assert_eq!(
        revealed.expect("revealed").payee.account,
        PayoutAccount::Paxum {
            email: "ada@pay.example".into()
        }
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_method_says_what_stands_against_it(pool: PgPool) {
    let world = World::new(pool);
    let ada = world.payee("ada", 100_000).await;
    let mut conn = world.pool.acquire().await.expect("a connection");
    let all = methods(&mut conn, &world.ctx(), &world.carriers, None)
        .await
        .expect("methods");
    // only what somebody carries is offered
    assert!(
        all.iter()
            .all(|one| one.terms.method == PayoutMethod::Paxum)
    );
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|one| one.reasons.is_none()));
    let own = methods(&mut conn, &world.ctx(), &world.carriers, Some(ada))
        .await
        .expect("methods");
    assert!(own.iter().all(|one| one.reasons == Some(Vec::new())));
}
