//! Payouts by schedule.

use super::*;

impl World {
    async fn scheduled(
        &self,
        of: CreatorId,
        threshold: &str,
    ) -> Result<PayoutSchedule, PayoutError> {
        let new = NewSchedule {
            currency: Currency::USD,
            method: PayoutMethod::Paxum,
            destination: None,
            frequency: Frequency::Daily,
            threshold: Some(threshold.to_owned()),
        };
        let mut tx = self.pool.begin().await?;
        let set = set_schedule(&mut tx, &self.by("clerk"), of, &new).await?;
        tx.commit().await?;
        Ok(set)
    }

    async fn run(&self) -> RunStep {
        let mut tx = self.pool.begin().await.expect("begun");
        let step = run_step(&mut tx, &self.ctx(), &self.carriers)
            .await
            .expect("run");
        tx.commit().await.expect("committed");
        step
    }

    async fn result(&self, of: CreatorId) -> String {
        let mut conn = self.pool.acquire().await.expect("a connection");
        let all = schedules(&mut conn, &self.ctx(), of).await.expect("there");
        all[0].last_result.clone().unwrap_or_default()
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_run_pays_whom_it_can_and_says_of_the_others_why_not(pool: PgPool) {
    let world = World::new(pool);
    let rich = world.payee("rich", 123_456).await;
    let poor = world.payee("poor", 9_999).await;
    let huge = world.payee("huge", 9_000_000).await;
    let lost = testing::payable_creator(&world.pool, "girlfanz", "lost").await;
    world.earn(lost, 50_000).await;
    let shady = world.payee("shady", 50_000).await;
    for id in [rich, poor, huge, lost, shady] {
        world.scheduled(id, "100").await.expect("set");
    }
    assert_eq!(world.run().await, RunStep::default(), "not today");
    world.clock.advance(Duration::days(1));
    let mut tx = world.pool.begin().await.expect("begun");
    crate::creators::suspend(&mut tx, &world.ctx(), shady, None, "fraud?", 0)
        .await
        .expect("suspended");
    tx.commit().await.expect("committed");
    let step = world.run().await;
    assert_eq!((step.looked_at, step.requested, step.more), (5, 2, false));
    assert_eq!(world.result(rich).await, "requested");
    assert_eq!(world.funds(rich).await, (0, 123_456, 0));
    assert_eq!(world.result(poor).await, "below_threshold");
    assert_eq!(world.funds(poor).await.0, 9_999);
    assert_eq!(world.result(huge).await, "requested");
    assert_eq!(world.funds(huge).await.0, 4_000_000, "a day's limit");
    assert_eq!(world.result(lost).await, "no_destination");
    let why = world.result(shady).await;
    assert!(why.contains("creator_not_active"), "{why}");
    // the same day again is nothing, and what a run asks for is approved like any other
    assert_eq!(world.run().await, RunStep::default());
    let mut conn = world.pool.acquire().await.expect("a connection");
    let filter = PayoutFilter {
        creator: Some(rich),
        ..PayoutFilter::default()
    };
    let page = crate::kernel::PageRequest::default();
    let asked = list(&mut conn, &world.ctx(), &filter, &page)
        .await
        .expect("a page");
    let states: Vec<_> = asked
        .items
        .iter()
        .map(|one| (one.state, one.automatic))
        .collect();
    assert_eq!(states, [(PayoutState::AwaitingApproval, true)]);
    world.holds().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn two_runs_at_once_ask_for_each_once(pool: PgPool) {
    let world = World::new(pool);
    let mut all = Vec::new();
    for n in 0..12 {
        let name = format!("ada{n}");
        let id = testing::payable_creator(&world.pool, "girlfanz", &name).await;
        world.earn(id, 20_000).await;
        let to = world
            .entered(id, &name, &format!("{name}@pay.example"))
            .await;
        world.verified(id, to).await;
        world.scheduled(id, "100").await.expect("set");
        all.push(id);
    }
    world.clock.advance(Duration::days(COOLED));
    let (a, b) = tokio::join!(world.run(), world.run());
    assert_eq!(a.requested + b.requested, 12, "{a:?} {b:?}");
    for id in all {
        assert_eq!(world.funds(id).await.0, 0);
    }
    world.holds().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_schedule_that_cannot_be_names_its_fields(pool: PgPool) {
    let world = World::new(pool);
    let ada = world.payee("ada", 20_000).await;
    for threshold in ["19.99", "0", "x", "20.001"] {
        match world.scheduled(ada, threshold).await {
            Err(PayoutError::Invalid(fields)) => assert_eq!(fields[0].field, "/threshold"),
            other => panic!("{threshold}: {other:?}"),
        }
    }
    let eve = world.payee("eve", 20_000).await;
    let mut tx = world.pool.begin().await.expect("begun");
    let ctx = world.by("clerk");
    let foreign = destinations(&mut tx, &ctx, eve).await.expect("hers")[0].id;
    let new = NewSchedule {
        currency: Currency::JPY,
        method: PayoutMethod::Check,
        destination: Some(foreign),
        frequency: Frequency::Monthly,
        threshold: None,
    };
    match set_schedule(&mut tx, &ctx, ada, &new).await {
        Err(PayoutError::Invalid(fields)) => {
            let named: Vec<_> = fields.iter().map(|error| error.field.as_ref()).collect();
            assert_eq!(named, ["/method", "/destinationId"]);
        }
        other => panic!("{other:?}"),
    }
    tx.rollback().await.expect("nothing was written");
    let set = world.scheduled(ada, "50").await.expect("set");
    assert_eq!(set.threshold_minor, 5_000);
    let mut tx = world.pool.begin().await.expect("begun");
    remove_schedule(&mut tx, &ctx, ada, Currency::USD)
        .await
        .expect("removed");
    assert_eq!(schedules(&mut tx, &ctx, ada).await.expect("none"), []);
}
