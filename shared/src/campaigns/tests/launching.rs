//! Launching, waiting, pausing, cancelling.

use chrono::Duration;
use sqlx::PgPool;

use super::world::{LIMITS, World};
use crate::campaigns::*;
use crate::config::CampaignConfig;
use crate::creators::Tier;

#[sqlx::test(migrations = "../migrations")]
async fn every_matching_creator_gets_one_row_and_one_mail(pool: PgPool) {
    let world = World::new(pool, 1_200, 8).await;
    let id = world.launched().await;
    assert_eq!(world.waiting_jobs().await["campaign.send"], 3);
    assert_eq!(world.count(id, DeliveryStatus::Pending).await, 1_200);
    for chunk in 0..3 {
        assert_eq!(world.send(id, chunk).await, ChunkEnd::Closed);
    }
    assert_eq!(world.waiting_jobs().await["campaign.finish"], 1);
    assert_eq!(world.run_finish(id).await, Finished::Over);
    let metrics = world.metrics(id).await;
    assert_eq!(
        (metrics.status, metrics.rows["sent"]),
        (CampaignStatus::Completed, 1_200)
    );
    world.check_promises(id).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_launch_that_is_run_again_goes_on_where_it_was(pool: PgPool) {
    let world = World::new(pool, 5_000, 8).await;
    let id = world.draft().await;
    world.steer(id, Move::Launch).await.expect("launched");
    let ctx = world.ctx();
    for place in [LaunchPlace::START, LaunchPlace::Audience] {
        let mut tx = world.db.begin().await.expect("a transaction");
        launch_step(&mut tx, &ctx, &LIMITS, id, place)
            .await
            .expect("a step");
        world.db.commit(tx, &ctx).await.expect("committed");
    }
    // a step that does not commit leaves nothing
    let mut tx = world.db.begin().await.expect("a transaction");
    launch_step(&mut tx, &ctx, &LIMITS, id, LaunchPlace::Audience)
        .await
        .expect("a step");
    tx.rollback().await.expect("rolled back");
    assert_eq!(world.metrics(id).await.audience, 2_000);

    assert_eq!(world.run_launch(id).await, Launched::Done);
    let metrics = world.metrics(id).await;
    assert_eq!((metrics.audience, metrics.audience_complete), (5_000, true));
    assert_eq!(world.waiting_jobs().await["campaign.send"], 10);
    world.check_promises(id).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn only_the_audience_is_addressed(pool: PgPool) {
    let world = World::new(pool, 400, 8).await;
    let mut new = world.new_campaign();
    new.audience.clusters = vec!["girlfanz".into(), "boyfanz".into()];
    new.audience.tiers = vec![Tier::Rising];
    let mut conn = world.db.pool().acquire().await.expect("a connection");
    let expected = preview(&mut conn, &new.audience).await.expect("a count");
    let made = create(&mut conn, &world.ctx(), &new)
        .await
        .expect("a draft");
    world.steer(made.id, Move::Launch).await.expect("launched");
    world.run_launch(made.id).await;
    assert_eq!(world.metrics(made.id).await.audience, expected);
    let strangers: i64 = sqlx::query_scalar(
        "select count(*) from campaign_deliveries d join creator_tiers c using (creator_id)
         where c.tier <> 'rising' or c.cluster_id not in ('girlfanz', 'boyfanz')",
    )
    .fetch_one(world.db.pool())
    .await
    .expect("a count");
    assert_eq!((strangers, expected > 0), (0, true));
}

#[sqlx::test(migrations = "../migrations")]
async fn one_mailbox_on_two_clusters_gets_one_mail(pool: PgPool) {
    let world = World::new(pool, 20, 4).await;
    sqlx::query("update creators set email = 'same@x.example', email_key = 'same@x.example' where id in (select distinct on (cluster_id) id from creators order by cluster_id, id limit 3)")
        .execute(world.db.pool())
        .await
        .expect("updated");
    let id = world.launched().await;
    assert_eq!(world.send(id, 0).await, ChunkEnd::Closed);
    let metrics = world.metrics(id).await;
    assert_eq!(
        (metrics.rows["sent"], metrics.skipped["duplicate_address"]),
        (18, 2)
    );
    world.check_promises(id).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn an_empty_audience_is_completed_at_once(pool: PgPool) {
    let world = World::new(pool, 0, 1).await;
    let id = world.launched().await;
    assert_eq!(world.run_finish(id).await, Finished::Over);
    assert_eq!(world.metrics(id).await.status, CampaignStatus::Completed);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_second_launch_is_refused(pool: PgPool) {
    let world = World::new(pool, 3, 1).await;
    let id = world.launched().await;
    let refused = world.steer(id, Move::Launch).await;
    assert!(
        matches!(refused, Err(CampaignError::WrongState { .. })),
        "{refused:?}"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_launched_is_frozen(pool: PgPool) {
    let world = World::new(pool, 3, 1).await;
    let id = world.launched().await;
    let changed = sqlx::query("update campaigns set subject = 'other' where id = $1")
        .bind(id)
        .execute(world.db.pool())
        .await;
    assert!(changed.expect_err("frozen").to_string().contains("frozen"));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_campaign_waits_for_its_time(pool: PgPool) {
    let world = World::new(pool, 3, 1).await;
    let at = world.clock.now() + Duration::hours(2);
    let new = NewCampaign {
        starts_at: Some(at),
        ..world.new_campaign()
    };
    let mut conn = world.db.pool().acquire().await.expect("a connection");
    let id = create(&mut conn, &world.ctx(), &new)
        .await
        .expect("a draft")
        .id;
    let launched = world.steer(id, Move::Launch).await.expect("launched");
    assert_eq!(launched.status, CampaignStatus::Scheduled);
    let run_at: chrono::DateTime<chrono::Utc> =
        sqlx::query_scalar("select run_at from jobs where kind = 'campaign.launch'")
            .fetch_one(world.db.pool())
            .await
            .expect("a job");
    assert_eq!(run_at, at);
    assert_eq!(world.run_launch(id).await, Launched::WaitsUntil(at));
    world.clock.advance(Duration::hours(3));
    assert_eq!(world.run_launch(id).await, Launched::Done);
    assert_eq!(world.count(id, DeliveryStatus::Pending).await, 3);
}

#[sqlx::test(migrations = "../migrations")]
async fn no_more_campaigns_than_allowed_send_at_the_same_time(pool: PgPool) {
    let world = World::new(pool, 3, 1).await;
    let limits = CampaignConfig {
        max_concurrent: 1,
        ..LIMITS
    };
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(world.draft().await);
    }
    let mut states = Vec::new();
    for id in &ids {
        states.push(
            world
                .steer_within(*id, Move::Launch, &limits)
                .await
                .expect("launched")
                .status,
        );
    }
    assert_eq!(
        states,
        [
            CampaignStatus::Active,
            CampaignStatus::Scheduled,
            CampaignStatus::Scheduled
        ]
    );

    // a pause and a cancellation each make room, for whoever has waited longest
    world
        .steer_within(ids[0], Move::Pause, &limits)
        .await
        .expect("paused");
    assert_eq!(world.metrics(ids[1]).await.status, CampaignStatus::Active);
    let resumed = world
        .steer_within(ids[0], Move::Resume, &limits)
        .await
        .expect("resumed");
    assert_eq!(
        resumed.status,
        CampaignStatus::Scheduled,
        "there is no room"
    );
    world
        .steer_within(ids[1], Move::Cancel, &limits)
        .await
        .expect("cancelled");
    assert_eq!(world.metrics(ids[0]).await.status, CampaignStatus::Active);

    // and so does an end
    world.run_launch(ids[0]).await;
    world.send(ids[0], 0).await;
    let ctx = world.ctx();
    let mut tx = world.db.begin().await.expect("a transaction");
    finish(&mut tx, &ctx, &limits, ids[0], -1)
        .await
        .expect("finished");
    world.db.commit(tx, &ctx).await.expect("committed");
    assert_eq!(
        world.metrics(ids[0]).await.status,
        CampaignStatus::Completed
    );
    assert_eq!(world.metrics(ids[2]).await.status, CampaignStatus::Active);
}

#[sqlx::test(migrations = "../migrations")]
async fn cancelling_skips_what_is_not_sent(pool: PgPool) {
    let world = World::new(pool, 1_200, 8).await;
    let id = world.launched().await;
    assert_eq!(world.send(id, 1).await, ChunkEnd::Closed);
    world.steer(id, Move::Cancel).await.expect("cancelled");
    assert_eq!(world.send(id, 0).await, ChunkEnd::NotActive);
    assert_eq!(world.run_finish(id).await, Finished::Over);
    let metrics = world.metrics(id).await;
    assert_eq!(
        (metrics.rows["sent"], metrics.skipped["cancelled"]),
        (500, 700)
    );
    world.check_promises(id).await;
    let again = world.steer(id, Move::Resume).await;
    assert!(
        matches!(again, Err(CampaignError::WrongState { .. })),
        "{again:?}"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn resuming_neither_repeats_nor_forgets(pool: PgPool) {
    let world = World::new(pool, 1_200, 8).await;
    let id = world.draft().await;
    world.steer(id, Move::Launch).await.expect("launched");
    // paused before the launch job has run at all
    world.steer(id, Move::Pause).await.expect("paused");
    assert_eq!(
        world.run_launch(id).await,
        Launched::NotUnderWay(CampaignStatus::Paused)
    );
    world.steer(id, Move::Resume).await.expect("resumed");
    assert_eq!(world.run_launch(id).await, Launched::Done);
    // paused when a part is sent
    assert_eq!(world.send(id, 0).await, ChunkEnd::Closed);
    world.steer(id, Move::Pause).await.expect("paused");
    assert_eq!(world.send(id, 1).await, ChunkEnd::NotActive);
    sqlx::query("delete from jobs")
        .execute(world.db.pool())
        .await
        .expect("those jobs are done");
    world.steer(id, Move::Resume).await.expect("resumed");
    assert_eq!(world.run_launch(id).await, Launched::Done);
    assert_eq!(
        world.waiting_jobs().await["campaign.send"],
        2,
        "one for each open chunk"
    );
    for chunk in [1, 2, 0] {
        assert_eq!(world.send(id, chunk).await, ChunkEnd::Closed);
    }
    assert_eq!(world.run_finish(id).await, Finished::Over);
    assert_eq!(world.count(id, DeliveryStatus::Sent).await, 1_200);
    world.check_promises(id).await;
}
