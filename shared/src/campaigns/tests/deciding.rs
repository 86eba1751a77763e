//! What operators make of mails that may have arrived.

use sqlx::PgPool;

use super::world::{LIMITS, World};
use crate::campaigns::*;
use crate::providers::email::Handover;

/// A completed campaign of five, one of whose mails is unknown.
async fn with_one_unknown(world: &World) -> (CampaignId, DeliveryId) {
    let address: String = sqlx::query_scalar("select email from creators order by id limit 1")
        .fetch_one(world.db.pool())
        .await
        .expect("a creator");
    world.email.answer(
        &address,
        Handover::Unknown {
            why: "no answer within 60 s".into(),
        },
    );
    let id = world.launched().await;
    world.send(id, 0).await;
    world.run_finish(id).await;
    let rows = world.deliveries(id, Some(DeliveryStatus::Unknown)).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(world.metrics(id).await.status, CampaignStatus::Completed);
    (id, rows[0].id)
}

async fn decide_about(
    world: &World,
    row: (CampaignId, DeliveryId),
    decision: Decision,
    note: &str,
) -> Result<Decided, CampaignError> {
    let ctx = world.ctx();
    let mut tx = world.db.begin().await?;
    let decided = decide(&mut tx, &ctx, &LIMITS, row, decision, note).await?;
    world.db.commit(tx, &ctx).await?;
    Ok(decided)
}

#[sqlx::test(migrations = "../migrations")]
async fn a_decision_is_kept_with_who_when_and_why(pool: PgPool) {
    let world = World::new(pool, 5, 2).await;
    let (id, row) = with_one_unknown(&world).await;
    let decided = decide_about(
        &world,
        (id, row),
        Decision::MarkFailed,
        " not in their inbox ",
    )
    .await
    .expect("decided");
    let delivery = decided.delivery;
    assert_eq!(delivery.status, DeliveryStatus::Failed);
    assert_eq!(delivery.decided_by.as_deref(), Some("user:ada"));
    assert_eq!(
        delivery.decision.as_deref(),
        Some("mark_failed: not in their inbox")
    );
    assert!(delivery.decided_at.is_some());
    assert_eq!(
        delivery.reason.as_deref(),
        Some("no answer within 60 s"),
        "what had happened stays"
    );
    world.check_promises(id).await;

    let again = decide_about(&world, (id, row), Decision::MarkSent, "no, it did").await;
    assert!(
        matches!(
            again,
            Err(CampaignError::NotUnknown(DeliveryStatus::Failed))
        ),
        "{again:?}"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn what_did_arrive_counts_as_sent(pool: PgPool) {
    let world = World::new(pool, 5, 2).await;
    let (id, row) = with_one_unknown(&world).await;
    decide_about(&world, (id, row), Decision::MarkSent, "they answered it")
        .await
        .expect("decided");
    let rows = world.metrics(id).await.rows;
    assert_eq!((rows["sent"], rows["unknown"]), (5, 0));
}

#[sqlx::test(migrations = "../migrations")]
async fn sending_again_reopens_the_campaign_until_it_is_sent(pool: PgPool) {
    let world = World::new(pool, 5, 2).await;
    let (id, row) = with_one_unknown(&world).await;
    let decided = decide_about(&world, (id, row), Decision::SendAgain, "they ask for it")
        .await
        .expect("decided");
    assert_eq!(
        (decided.delivery.status, decided.status),
        (DeliveryStatus::Pending, CampaignStatus::Active)
    );
    assert_eq!(world.run_launch(id).await, Launched::Done);
    assert_eq!(world.send(id, 0).await, ChunkEnd::Closed);
    assert_eq!(world.run_finish(id).await, Finished::Over);
    let metrics = world.metrics(id).await;
    assert_eq!(
        (metrics.status, metrics.rows["sent"]),
        (CampaignStatus::Completed, 5)
    );
    world.check_promises(id).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_decision_needs_a_reason_and_a_campaign_that_may_send(pool: PgPool) {
    let world = World::new(pool, 5, 2).await;
    let address: String = sqlx::query_scalar("select email from creators order by id limit 1")
        .fetch_one(world.db.pool())
        .await
        .expect("a creator");
    world
        .email
        .answer(&address, Handover::Unknown { why: "cut".into() });
    let id = world.launched().await;
    world.send(id, 0).await;
    let row = world.deliveries(id, Some(DeliveryStatus::Unknown)).await[0].id;
    let silent = decide_about(&world, (id, row), Decision::MarkSent, " ").await;
    assert!(
        matches!(silent, Err(CampaignError::Invalid(_))),
        "{silent:?}"
    );
    world.steer(id, Move::Cancel).await.expect("cancelled");
    let again = decide_about(&world, (id, row), Decision::SendAgain, "please").await;
    assert!(
        matches!(again, Err(CampaignError::WrongState { .. })),
        "{again:?}"
    );
    let other = decide_about(&world, (id, DeliveryId::new()), Decision::MarkSent, "x").await;
    assert!(
        matches!(other, Err(CampaignError::NoDelivery(_))),
        "{other:?}"
    );
}
