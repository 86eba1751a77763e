//! Handing over, losing answers, asking, and being told.

use super::*;
use crate::providers::payout::{FakeAnswer, PayoutStatus, Refusal, Report};

impl World {
    fn report(&self, event: &str, payout: &Payout, status: PayoutStatus) -> Report {
        Report {
            event_id: event.to_owned(),
            id: InstructionId::from(payout.id.uuid()),
            reference: Some("fake-1".to_owned()),
            status,
            amount: Some(payout.net()),
            refusal: matches!(status, PayoutStatus::Failed | PayoutStatus::Returned)
                .then(|| Refusal::new("closed", "the account is closed")),
            at: None,
        }
    }

    async fn told(&self, report: &Report) -> Result<PayoutState, PayoutError> {
        let mut tx = self.pool.begin().await?;
        let done = take_report(&mut tx, &self.ctx(), "fake", report).await;
        match &done {
            Ok(_) => tx.commit().await?,
            Err(_) => tx.rollback().await?,
        }
        done
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_payout_is_handed_over_once_and_posted_once_it_is_completed(pool: PgPool) {
    let world = World::new(pool);
    let ada = world.payee("ada", 100_000).await;
    let payout = world.small(ada).await;
    assert_eq!(
        world.submitted(payout.id, 1).await,
        Step::Stands(PayoutState::InTransit)
    );
    // the job may run twice
    assert_eq!(world.submitted(payout.id, 1).await, Step::Nothing);
    assert_eq!(world.funds(ada).await, (90_000, 100_000, 0));
    let done = world.report("e1", &payout, PayoutStatus::Completed);
    for _ in 0..3 {
        assert_eq!(
            world.told(&done).await.expect("taken"),
            PayoutState::Completed
        );
    }
    assert_eq!(world.carried(payout.id), 1);
    assert_eq!(world.funds(ada).await, (90_000, 90_000, 9_800));
    let events = world.shown(payout.id).await.events;
    let completed = events
        .iter()
        .filter(|event| event.to == PayoutState::Completed);
    assert_eq!(completed.count(), 1);
    // what comes late changes nothing
    let late = world.report("e0", &payout, PayoutStatus::Pending);
    assert_eq!(
        world.told(&late).await.expect("taken"),
        PayoutState::Completed
    );
    world.holds().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn an_answer_that_was_lost_is_asked_for_and_nothing_is_sent_twice(pool: PgPool) {
    let world = World::new(pool);
    let ada = world.payee("ada", 100_000).await;
    let payout = world.small(ada).await;
    world.fake.answer(FakeAnswer::LoseAnswer);
    assert_eq!(
        world.submitted(payout.id, 1).await,
        Step::Stands(PayoutState::Unknown)
    );
    assert_eq!(world.funds(ada).await.0, 90_000, "it stays held");
    world.fake.be_silent(true);
    assert_eq!(
        world.asked_about(payout.id).await,
        Step::Stands(PayoutState::Unknown)
    );
    world.fake.be_silent(false);
    assert_eq!(
        world.asked_about(payout.id).await,
        Step::Stands(PayoutState::InTransit)
    );
    assert_eq!(world.carried(payout.id), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_never_arrived_goes_out_again_under_its_own_id_once_it_had_time_to_show_up(
    pool: PgPool,
) {
    let world = World::new(pool);
    let ada = world.payee("ada", 100_000).await;
    let payout = world.small(ada).await;
    world.fake.answer(FakeAnswer::LoseRequest);
    world.submitted(payout.id, 1).await;
    assert_eq!(
        world.asked_about(payout.id).await,
        Step::Stands(PayoutState::Unknown)
    );
    assert_eq!(world.carried(payout.id), 0);
    world.clock.advance(Duration::minutes(15));
    assert_eq!(
        world.asked_about(payout.id).await,
        Step::Stands(PayoutState::InTransit)
    );
    assert_eq!(world.carried(payout.id), 1);
    let shown = world.shown(payout.id).await.payout;
    assert_eq!((shown.submissions, shown.was_lost), (2, false));
}

#[sqlx::test(migrations = "../migrations")]
async fn who_died_between_the_call_and_its_answer_leaves_a_question(pool: PgPool) {
    let world = World::new(pool);
    let ada = world.payee("ada", 100_000).await;
    let payout = world.small(ada).await;
    world.submitted(payout.id, 1).await;
    // as it was before the answer was noted
    sqlx::query("update payouts set state = 'submitted', reference = null, handed_over_at = $1")
        .bind(world.clock.now())
        .execute(&world.pool)
        .await
        .expect("set back");
    // the sweep asks too early
    assert_eq!(world.asked_about(payout.id).await, Step::Nothing);
    // the job that is run again does not call again
    assert_eq!(
        world.submitted(payout.id, 1).await,
        Step::Stands(PayoutState::Unknown)
    );
    assert_eq!(
        world.asked_about(payout.id).await,
        Step::Stands(PayoutState::InTransit)
    );
    assert_eq!(world.carried(payout.id), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refusal_gives_the_money_back_and_can_be_tried_again_once(pool: PgPool) {
    let world = World::new(pool);
    let ada = world.payee("ada", 100_000).await;
    let payout = world.small(ada).await;
    world.fake.answer(FakeAnswer::Refuse);
    assert_eq!(
        world.submitted(payout.id, 1).await,
        Step::Stands(PayoutState::Failed)
    );
    assert_eq!(world.funds(ada).await, (100_000, 100_000, 0));
    let mut tx = world.pool.begin().await.expect("begun");
    let again = retry(&mut tx, &world.ctx(), payout.id)
        .await
        .expect("again");
    let same = retry(&mut tx, &world.ctx(), payout.id)
        .await
        .expect("the same");
    tx.commit().await.expect("committed");
    assert_eq!((again.id, again.retry_of), (same.id, Some(payout.id)));
    assert_ne!(again.id, payout.id);
    assert_eq!(
        world.submitted(again.id, 1).await,
        Step::Stands(PayoutState::InTransit)
    );
    let mut tx = world.pool.begin().await.expect("begun");
    let wrong = retry(&mut tx, &world.ctx(), again.id).await;
    assert!(
        matches!(wrong, Err(PayoutError::Illegal { .. })),
        "{wrong:?}"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn what_could_not_be_sent_is_found_again_at_its_time(pool: PgPool) {
    let world = World::new(pool);
    let ada = world.payee("ada", 100_000).await;
    let payout = world.small(ada).await;
    world.fake.answer(FakeAnswer::Unreachable);
    world.fake.answer(FakeAnswer::RefuseForNow);
    for submission in [1, 2] {
        assert_eq!(
            world.submitted(payout.id, submission).await,
            Step::Stands(PayoutState::Scheduled)
        );
        let swept = |world: &World| {
            let (pool, ctx) = (world.pool.clone(), world.ctx());
            async move {
                let mut tx = pool.begin().await.expect("begun");
                let found = sweep_step(&mut tx, &ctx).await.expect("swept");
                tx.commit().await.expect("committed");
                found
            }
        };
        assert_eq!(swept(&world).await, 0);
        world.clock.advance(Duration::minutes(15));
        assert_eq!(swept(&world).await, 1);
        assert_eq!(swept(&world).await, 0);
    }
    assert_eq!(
        world.submitted(payout.id, 3).await,
        Step::Stands(PayoutState::InTransit)
    );
    assert_eq!(world.carried(payout.id), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refusal_says_nothing_of_an_earlier_time_that_had_no_answer(pool: PgPool) {
    let world = World::new(pool);
    let ada = world.payee("ada", 100_000).await;
    let payout = world.small(ada).await;
    world.fake.answer(FakeAnswer::LoseRequest);
    world.submitted(payout.id, 1).await;
    world.clock.advance(Duration::minutes(15));
    world.fake.answer(FakeAnswer::Refuse);
    assert_eq!(
        world.asked_about(payout.id).await,
        Step::Stands(PayoutState::Unknown)
    );
    assert_eq!(world.funds(ada).await.0, 90_000, "it stays held");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_comes_back_after_it_was_paid_is_a_new_transfer(pool: PgPool) {
    let world = World::new(pool);
    sqlx::query("update payout_methods set return_fee_minor = 500")
        .execute(&world.pool)
        .await
        .expect("updated");
    let ada = world.payee("ada", 100_000).await;
    for status in [PayoutStatus::Returned, PayoutStatus::Failed] {
        let before = world.funds(ada).await.0;
        let payout = world.small(ada).await;
        world.submitted(payout.id, 1).await;
        let done = world.report(&format!("{status}-1"), &payout, PayoutStatus::Completed);
        world.told(&done).await.expect("taken");
        let back = world.report(&format!("{status}-2"), &payout, status);
        for _ in 0..2 {
            assert_eq!(
                world.told(&back).await.expect("taken"),
                PayoutState::Returned
            );
        }
        // 100 less the fee of 2 and of what came back less 5
        assert_eq!(world.funds(ada).await, (before - 700, before - 700, 0));
        let shown = world.shown(payout.id).await.payout;
        assert_eq!(shown.failure_code.as_deref(), Some("closed"));
    }
    world.holds().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_is_closed_on_another_amount_or_against_what_is_known(pool: PgPool) {
    let world = World::new(pool);
    let ada = world.payee("ada", 100_000).await;
    let payout = world.small(ada).await;
    world.submitted(payout.id, 1).await;
    let mut other = world.report("e1", &payout, PayoutStatus::Completed);
    other.amount = Some(Money::new(Currency::USD, 9_799));
    assert_eq!(
        world.told(&other).await.expect("taken"),
        PayoutState::InTransit
    );
    let attention = world.shown(payout.id).await.payout.attention;
    assert!(
        attention
            .as_deref()
            .is_some_and(|why| why.contains("97.99")),
        "{attention:?}"
    );
    // somebody looked
    let mut tx = world.pool.begin().await.expect("begun");
    let by = world.by("finn");
    let done = resolve(
        &mut tx,
        &by,
        payout.id,
        None,
        Finding::Failed,
        "on the statement",
    )
    .await;
    assert_eq!(done.expect("resolved").state, PayoutState::Failed);
    tx.commit().await.expect("committed");
    assert_eq!(world.funds(ada).await, (100_000, 100_000, 0));
    let against = world.report("e2", &payout, PayoutStatus::Completed);
    assert_eq!(
        world.told(&against).await.expect("taken"),
        PayoutState::Failed
    );
    assert!(world.shown(payout.id).await.payout.attention.is_some());
    let mut foreign = world.report("e3", &payout, PayoutStatus::Completed);
    foreign.id = "0123456789abcdef0123456789abcdef".parse().expect("an id");
    let unknown = world.told(&foreign).await;
    assert!(
        matches!(unknown, Err(PayoutError::UnknownInstruction(_))),
        "{unknown:?}"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn what_has_come_up_since_holds_a_payout_before_it_goes_out(pool: PgPool) {
    let world = World::new(pool);
    let ada = world.payee("ada", 100_000).await;
    let payout = world.small(ada).await;
    let mut tx = world.pool.begin().await.expect("begun");
    crate::creators::suspend(&mut tx, &world.ctx(), ada, None, "fraud?", 0)
        .await
        .expect("suspended");
    tx.commit().await.expect("committed");
    assert_eq!(
        world.submitted(payout.id, 1).await,
        Step::Stands(PayoutState::ComplianceHold)
    );
    assert_eq!(world.carried(payout.id), 0);
    let mut tx = world.pool.begin().await.expect("begun");
    let early = release(&mut tx, &world.by("finn"), payout.id, None).await;
    assert!(
        matches!(early, Err(PayoutError::NotEligible(_))),
        "{early:?}"
    );
    crate::creators::reactivate(&mut tx, &world.ctx(), ada, None, "cleared")
        .await
        .expect("reactivated");
    let released = release(&mut tx, &world.by("finn"), payout.id, None).await;
    assert_eq!(released.expect("released").state, PayoutState::Scheduled);
    tx.commit().await.expect("committed");
    assert_eq!(
        world.submitted(payout.id, 1).await,
        Step::Stands(PayoutState::InTransit)
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_payout_whose_job_is_gone_is_found_again(pool: PgPool) {
    let world = World::new(pool);
    let ada = world.payee("ada", 100_000).await;
    let payout = world.small(ada).await;
    sqlx::query("delete from jobs")
        .execute(&world.pool)
        .await
        .expect("gone");
    for (minutes, found) in [(9, 0), (2, 1)] {
        world.clock.advance(Duration::minutes(minutes));
        let mut tx = world.pool.begin().await.expect("begun");
        let swept = sweep_step(&mut tx, &world.ctx()).await.expect("swept");
        tx.commit().await.expect("committed");
        assert_eq!(swept, found, "after {minutes} minutes more");
    }
    let jobs: Vec<String> = sqlx::query_scalar("select args ->> 'payoutId' from jobs")
        .fetch_all(&world.pool)
        .await
        .expect("jobs");
    assert_eq!(jobs, [payout.id.to_string()]);
}
