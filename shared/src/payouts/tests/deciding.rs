//! Approving, rejecting, cancelling, and running out of time.

use super::*;
use crate::kernel::{Caller, Classify, ErrorKind, PageRequest, Role};

impl World {
    async fn approved(&self, by: &str, id: PayoutId) -> Result<Payout, PayoutError> {
        let mut tx = self.pool.begin().await?;
        let done = approve(&mut tx, &self.by(by), id, None).await;
        match &done {
            Ok(_) => tx.commit().await?,
            Err(_) => tx.rollback().await?,
        }
        done
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn above_the_threshold_two_others_approve_it(pool: PgPool) {
    let world = World::new(pool);
    let ada = world.payee("ada", 2_000_000).await;
    let payout = world
        .asked(&world.by("requester"), ada, "10000")
        .await
        .expect("asked");
    assert_eq!(payout.approvals_needed, 2);
    for own in ["requester", "clerk"] {
        let refused = world.approved(own, payout.id).await;
        assert!(
            matches!(refused, Err(PayoutError::OwnPayout)),
            "{refused:?}"
        );
    }
    let first = world.approved("finn", payout.id).await.expect("approved");
    assert_eq!(first.state, PayoutState::AwaitingApproval);
    let again = world.approved("finn", payout.id).await;
    assert!(
        matches!(again, Err(PayoutError::ApprovedAlready)),
        "{again:?}"
    );
    let second = world.approved("faye", payout.id).await.expect("approved");
    assert_eq!(second.state, PayoutState::Scheduled);
    let late = world.approved("fred", payout.id).await;
    assert!(matches!(late, Err(PayoutError::Illegal { .. })), "{late:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn an_approval_of_another_content_does_not_count(pool: PgPool) {
    let world = World::new(pool);
    let ada = world.payee("ada", 2_000_000).await;
    let payout = world
        .asked(&world.by("requester"), ada, "10000")
        .await
        .expect("asked");
    world.approved("finn", payout.id).await.expect("approved");
    // nothing of ours edits a payout; were somebody to, what was approved before is worth nothing
    sqlx::query("update payouts set content_hash = sha256(content_hash)")
        .execute(&world.pool)
        .await
        .expect("edited");
    let second = world.approved("faye", payout.id).await.expect("approved");
    assert_eq!(second.state, PayoutState::AwaitingApproval);
    let counts: Vec<bool> = world
        .shown(payout.id)
        .await
        .approvals
        .iter()
        .map(|approval| approval.counts)
        .collect();
    assert_eq!(counts, [false, true]);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_ends_before_it_is_handed_over_gives_everything_back(pool: PgPool) {
    let world = World::new(pool);
    let ada = world.payee("ada", 1_000_000).await;
    let mut ends = Vec::new();
    for _ in 0..3 {
        let payout = world
            .asked(&world.by("requester"), ada, "3000")
            .await
            .expect("asked");
        ends.push(payout.id);
    }
    assert_eq!(world.funds(ada).await.0, 100_000);
    let mut tx = world.pool.begin().await.expect("begun");
    let by = world.by("finn");
    let silent = reject(&mut tx, &by, ends[0], None, " ").await;
    let silent = silent.expect_err("refused");
    assert_eq!(silent.kind(), ErrorKind::Invalid);
    assert_eq!(silent.fields()[0].field, "/reason", "{silent:?}");
    let stale = reject(&mut tx, &by, ends[0], Some(99), "no").await;
    assert!(matches!(stale, Err(PayoutError::Stale)), "{stale:?}");
    reject(&mut tx, &by, ends[0], None, "no")
        .await
        .expect("rejected");
    cancel(&mut tx, &by, ends[1], None, "changed their mind")
        .await
        .expect("cancelled");
    tx.commit().await.expect("committed");
    world.clock.advance(Duration::hours(169));
    let mut tx = world.pool.begin().await.expect("begun");
    assert_eq!(expire_step(&mut tx, &world.ctx()).await.expect("ended"), 1);
    assert_eq!(expire_step(&mut tx, &world.ctx()).await.expect("ended"), 0);
    tx.commit().await.expect("committed");
    let mut states = Vec::new();
    for id in &ends {
        states.push(world.shown(*id).await.payout.state);
    }
    assert_eq!(
        states,
        [
            PayoutState::Rejected,
            PayoutState::Cancelled,
            PayoutState::Expired
        ]
    );
    assert_eq!(world.funds(ada).await, (1_000_000, 1_000_000, 0));
    world.holds().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_handed_over_is_not_taken_back(pool: PgPool) {
    let world = World::new(pool);
    let ada = world.payee("ada", 100_000).await;
    let payout = world.small(ada).await;
    world.submitted(payout.id, 1).await;
    let mut tx = world.pool.begin().await.expect("begun");
    let late = cancel(&mut tx, &world.by("finn"), payout.id, None, "too late").await;
    assert!(matches!(late, Err(PayoutError::Illegal { .. })), "{late:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn others_payouts_are_not_there(pool: PgPool) {
    let world = World::new(pool);
    let ada = world.payee("ada", 100_000).await;
    let payout = world.small(ada).await;
    let eve = testing::creator(&world.pool, "boyfanz", "eve").await;
    let of = |clusters: Option<Vec<String>>, creator: Option<CreatorId>| {
        let caller = Caller {
            subject: "eve".into(),
            roles: creator.map(|_| Role::Creator).into_iter().collect(),
            scopes: None,
            clusters,
            creator: creator.map(TypedId::uuid),
            session: None,
        };
        Ctx::new(Actor::User(caller), &world.clock)
    };
    let mut conn = world.pool.acquire().await.expect("a connection");
    for stranger in [of(Some(vec!["boyfanz".into()]), None), of(None, Some(eve))] {
        let hidden = show(&mut conn, &stranger, payout.id).await;
        assert!(
            matches!(hidden, Err(PayoutError::NotFound(_))),
            "{hidden:?}"
        );
        let hidden = cancel(&mut conn, &stranger, payout.id, None, "mine now").await;
        assert!(
            matches!(hidden, Err(PayoutError::NotFound(_))),
            "{hidden:?}"
        );
        let (filter, page) = (PayoutFilter::default(), PageRequest::default());
        let page = list(&mut conn, &stranger, &filter, &page).await;
        assert!(page.expect("a page").items.is_empty());
    }
    show(&mut conn, &of(None, Some(ada)), payout.id)
        .await
        .expect("it is ada's");
}
