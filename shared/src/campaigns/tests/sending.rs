//! Sending, and every way in which it goes wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::PgPool;
use uuid::Uuid;

use super::world::{World, go_on, until};
use crate::campaigns::*;
use crate::kernel::{Actor, Ctx};
use crate::privacy;
use crate::providers::email::Handover;
use crate::queue::JobId;

/// The address of the creator who is last in the order of rows.
async fn address(world: &World, nth: i64) -> String {
    sqlx::query_scalar("select email from creators order by id offset $1 limit 1")
        .bind(nth)
        .fetch_one(world.db.pool())
        .await
        .expect("a creator")
}

async fn only(world: &World, id: CampaignId, status: DeliveryStatus) -> Delivery {
    let mut rows = world.deliveries(id, Some(status)).await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0)
}

#[sqlx::test(migrations = "../migrations")]
async fn each_row_tells_how_its_mail_ended(pool: PgPool) {
    let world = World::new(pool, 10, 4).await;
    let dead = address(&world, 0).await;
    world.email.answer(
        &dead,
        Handover::Refused {
            reply: "550 5.1.1 no such user".into(),
            dead_mailbox: true,
        },
    );
    let refused = Handover::Refused {
        reply: "554 refused".into(),
        dead_mailbox: false,
    };
    world.email.answer(&address(&world, 1).await, refused);
    world.email.answer(
        &address(&world, 2).await,
        Handover::Unknown { why: "cut".into() },
    );
    world.email.accept_in_silence(&address(&world, 3).await);
    let id = world.launched().await;
    assert_eq!(world.send(id, 0).await, ChunkEnd::Closed);

    let rows = world.metrics(id).await.rows;
    assert_eq!((rows["sent"], rows["failed"], rows["unknown"]), (6, 2, 2));
    // rows come in the order of their random ids
    let failed = world.deliveries(id, Some(DeliveryStatus::Failed)).await;
    let mut replies: Vec<_> = failed
        .iter()
        .filter_map(|row| row.reason.as_deref())
        .collect();
    replies.sort_unstable();
    assert_eq!(replies, ["550 5.1.1 no such user", "554 refused"]);
    world.check_promises(id).await;

    // nothing is sent to a dead mailbox again, whoever asks
    let again = world.launched().await;
    world.send(again, 0).await;
    assert_eq!(world.metrics(again).await.skipped["suppressed"], 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_deferred_mail_is_tried_again_and_at_last_given_up(pool: PgPool) {
    let world = World::new(pool, 3, 2).await;
    let deferred = || Handover::Deferred {
        reply: "451 later".into(),
    };
    let (once, always) = (address(&world, 0).await, address(&world, 1).await);
    world.email.answer(&once, deferred());
    (0..3).for_each(|_| world.email.answer(&always, deferred()));
    let id = world.launched().await;

    let ChunkEnd::Later { delay, .. } = world.send(id, 0).await else {
        panic!("two are left")
    };
    assert!(delay <= Duration::from_secs(60), "{delay:?}");
    let rows = world.deliveries(id, Some(DeliveryStatus::Pending)).await;
    assert!(
        rows.iter()
            .all(|row| row.attempts == 1 && row.reason.as_deref() == Some("451 later"))
    );

    world.clock.advance(chrono::Duration::seconds(61));
    assert!(
        matches!(world.send(id, 0).await, ChunkEnd::Later { .. }),
        "one is left"
    );
    world.clock.advance(chrono::Duration::seconds(121));
    assert_eq!(world.send(id, 0).await, ChunkEnd::Closed);
    let failed = only(&world, id, DeliveryStatus::Failed).await;
    assert_eq!(
        failed.reason.as_deref(),
        Some("given up after 3 attempts: 451 later")
    );
    assert_eq!(world.count(id, DeliveryStatus::Sent).await, 2);
    world.check_promises(id).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_server_that_is_away_uses_up_no_attempts(pool: PgPool) {
    let world = World::new(pool, 40, 4).await;
    for nth in 0..40 {
        let away = Handover::Unreachable {
            why: "cannot connect".into(),
        };
        world.email.answer(&address(&world, nth).await, away);
    }
    let id = world.launched().await;
    let end = world.send(id, 0).await;
    assert!(
        matches!(&end, ChunkEnd::Later { why, .. } if why == "cannot connect"),
        "{end:?}"
    );
    let rows = world.deliveries(id, Some(DeliveryStatus::Pending)).await;
    assert_eq!(rows.len(), 40);
    assert!(rows.iter().all(|row| row.attempts == 0));
    let tried = rows.iter().filter(|row| row.reason.is_some()).count();
    assert!(
        tried <= 4,
        "it stopped after the first batches, not after {tried}"
    );
    world.check_promises(id).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn who_may_not_be_written_to_is_asked_when_it_is_sent(pool: PgPool) {
    let world = World::new(pool, 7, 2).await;
    let id = world.launched().await;
    // all of this happens after the audience was fixed
    for change in [
        "insert into creator_consents (id, creator_id, channel, state, source, recorded_by, recorded_at)
         select uuid_v7(), id, 'email', 'withdrawn', 'unsubscribe_link', 'x', now() from creators order by id limit 1",
        "update creators set status = 'suspended' where id = (select id from creators order by id offset 1 limit 1)",
        "insert into creator_blocks (id, creator_id, source, reason, blocks, starts_at, created_by, created_at)
         select uuid_v7(), id, 'support', 'asked', '{mail}', now(), 'x', now() from creators order by id offset 2 limit 1",
        "insert into creator_blocks (id, creator_id, source, reason, blocks, starts_at, ends_at, created_by, created_at)
         select uuid_v7(), id, 'support', 'over', '{mail}', now() - interval '2 days', now() - interval '1 day', 'x', now()
         from creators order by id offset 3 limit 1",
        "insert into suppressions (channel, address, reason, detail, created_at)
         select 'email', email_key, 'complaint', 'x', now() from creators order by id offset 4 limit 1",
        "update people set restricted_at = now() where id = (select person_id from creators order by id offset 5 limit 1)",
    ] {
        sqlx::query(change).execute(world.db.pool()).await.expect(change);
    }
    assert_eq!(world.send(id, 0).await, ChunkEnd::Closed);
    let metrics = world.metrics(id).await;
    let reasons: Vec<&str> = metrics.skipped.keys().map(String::as_str).collect();
    assert_eq!(
        reasons,
        ["blocked", "creator_status", "no_consent", "suppressed"]
    );
    assert_eq!(metrics.skipped["blocked"], 2);
    assert_eq!(metrics.rows["sent"], 2);
    world.check_promises(id).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn an_address_of_somebody_who_was_erased_is_not_written_to_again(pool: PgPool) {
    let world = World::new(pool, 12, 2).await;
    let digests = world.sender.mailer.links().digests().clone();
    let (gone, address): (Uuid, String) =
        sqlx::query_as("select id, email from creators order by id limit 1")
            .fetch_one(world.db.pool())
            .await
            .expect("somebody");
    let mut tx = world.db.begin().await.expect("begun");
    let ctx = Ctx::new(Actor::System, &world.clock);
    let planned = privacy::plan_erasure(&mut tx, &ctx, gone.into(), "ticket 7").await;
    let planned = planned.expect("planned");
    privacy::confirm_erasure(&mut tx, &ctx, gone.into(), planned.id)
        .await
        .expect("confirmed");
    privacy::erase(&mut tx, &ctx, &digests, planned.id)
        .await
        .expect("erased");
    tx.commit().await.expect("committed");
    // they come back as somebody new, and have not been asked
    sqlx::query("update creators set email = $1, email_key = lower($1) where id = (select max(id::text)::uuid from creators where archived_at is null)")
        .bind(address.to_uppercase())
        .execute(world.db.pool())
        .await
        .expect("registered again");
    let id = world.launched().await;
    assert_eq!(world.send(id, 0).await, ChunkEnd::Closed);
    let metrics = world.metrics(id).await;
    // all profiles of the person are gone, of the others one has their address
    let left: i64 = sqlx::query_scalar("select count(*) from creators where archived_at is null")
        .fetch_one(world.db.pool())
        .await
        .expect("counted");
    assert_eq!(metrics.skipped["suppressed"], 1);
    assert_eq!(metrics.rows["sent"], left - 1);
    let mails = world.email.accepted();
    assert!(
        mails
            .iter()
            .all(|mail| !mail.to.as_str().eq_ignore_ascii_case(&address)),
        "{address}"
    );
    world.check_promises(id).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn two_runs_of_one_chunk_never_mail_twice(pool: PgPool) {
    let world = World::new(pool, 300, 8).await;
    let id = world.launched().await;
    let leases = [
        world.running_job(id, 0).await,
        world.running_job(id, 0).await,
        world.running_job(id, 0).await,
    ];
    let runs = leases.map(|lease| world.send_with(id, 0, lease));
    let ends = futures_util::future::join_all(runs).await;
    assert!(ends.contains(&ChunkEnd::Closed), "{ends:?}");
    assert_eq!(world.count(id, DeliveryStatus::Sent).await, 300);
    world.check_promises(id).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn two_runs_that_both_believe_the_other_lost_never_mail_twice(pool: PgPool) {
    let world = World::new(pool, 300, 8).await;
    let id = world.launched().await;
    // neither lease is known to the queue, so each takes the chunk over from the other
    let leases = [
        world.running_job(id, 0).await,
        world.running_job(id, 0).await,
    ];
    for lease in leases {
        world.lose(lease).await;
    }
    let runs = leases.map(|lease| world.send_with(id, 0, lease));
    futures_util::future::join_all(runs).await;
    world.send(id, 0).await;
    assert_eq!(world.metrics(id).await.rows["pending"], 0);
    world.check_promises(id).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_worker_killed_after_the_mail_was_accepted_leaves_unknown(pool: PgPool) {
    let world = Arc::new(World::new(pool, 50, 8).await);
    let id = world.launched().await;
    let lease = world.running_job(id, 0).await;
    world.email.hold();
    let run = tokio::spawn({
        let world = world.clone();
        async move { world.send_with(id, 0, lease).await }
    });
    // two lanes of two rows each have been accepted, and nobody has heard of it
    until("four mails wait for their answers", || {
        world.email.waiting() == 4
    })
    .await;
    run.abort();
    assert!(run.await.expect_err("killed").is_cancelled());
    world.email.release();
    world.lose(lease).await;
    assert_eq!(world.email.accepted().len(), 4);

    assert_eq!(world.send(id, 0).await, ChunkEnd::Closed);
    let rows = world.metrics(id).await.rows;
    assert_eq!((rows["unknown"], rows["sent"]), (4, 46));
    world.check_promises(id).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_run_that_was_thought_lost_writes_nothing_more(pool: PgPool) {
    let world = Arc::new(World::new(pool, 50, 8).await);
    let id = world.launched().await;
    let lease = world.running_job(id, 0).await;
    world.email.hold();
    let stopped = tokio::spawn({
        let world = world.clone();
        async move { world.send_with(id, 0, lease).await }
    });
    until("mails wait for their answers", || {
        world.email.waiting() == 4
    })
    .await;
    world.lose(lease).await;
    let successor = tokio::spawn({
        let world = world.clone();
        async move { world.send(id, 0).await }
    });
    until("the successor has begun too", || world.email.waiting() == 8).await;
    world.email.release();
    stopped.await.expect("it ends");
    assert_eq!(successor.await.expect("it ends"), ChunkEnd::Closed);
    let rows = world.metrics(id).await.rows;
    assert_eq!((rows["unknown"], rows["sent"]), (4, 46));
    world.check_promises(id).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_pause_stops_a_run_and_resuming_sends_the_rest(pool: PgPool) {
    let world = Arc::new(World::new(pool, 200, 8).await);
    let id = world.launched().await;
    world.email.hold();
    let run = tokio::spawn({
        let world = world.clone();
        async move { world.send(id, 0).await }
    });
    until("mails are on the wire", || world.email.waiting() == 4).await;
    world.steer(id, Move::Pause).await.expect("paused");
    world.email.release();
    assert_eq!(run.await.expect("it ends"), ChunkEnd::NotActive);
    let rows = world.metrics(id).await.rows;
    assert_eq!((rows["sent"], rows["pending"]), (4, 196));
    world.check_promises(id).await;

    world.steer(id, Move::Resume).await.expect("resumed");
    assert_eq!(world.send(id, 0).await, ChunkEnd::Closed);
    assert_eq!(world.count(id, DeliveryStatus::Sent).await, 200);
    world.check_promises(id).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn cancelling_lets_what_is_on_the_wire_arrive(pool: PgPool) {
    let world = Arc::new(World::new(pool, 60, 8).await);
    let id = world.launched().await;
    world.email.hold();
    let run = tokio::spawn({
        let world = world.clone();
        async move { world.send(id, 0).await }
    });
    until("mails are on the wire", || world.email.waiting() == 4).await;
    world.steer(id, Move::Cancel).await.expect("cancelled");
    assert_eq!(world.run_finish(id).await, Finished::InFlight);
    world.email.release();
    assert_eq!(run.await.expect("it ends"), ChunkEnd::NotActive);
    assert_eq!(world.run_finish(id).await, Finished::Over);
    let metrics = world.metrics(id).await;
    assert_eq!(
        (metrics.rows["sent"], metrics.skipped["cancelled"]),
        (4, 56)
    );
    world.check_promises(id).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_worker_that_is_to_stop_begins_nothing_more(pool: PgPool) {
    let world = World::new(pool, 30, 8).await;
    let id = world.launched().await;
    let lease = world.running_job(id, 0).await;
    let live = AtomicBool::new(true);
    let go_on = || live.load(Ordering::SeqCst);
    let (job, ctx) = (
        SendDeliveries {
            campaign_id: id,
            chunk: 0,
        },
        Ctx::new(Actor::Job(JobId::new()), &world.clock),
    );
    world.email.hold();
    let run = world.sender.send_chunk(&ctx, &job, lease, &go_on);
    let stop = async {
        until("mails are on the wire", || world.email.waiting() == 4).await;
        live.store(false, Ordering::SeqCst);
        world.email.release();
    };
    let (end, ()) = tokio::join!(run, stop);
    assert_eq!(end.expect("a good end"), ChunkEnd::Stopped);
    let rows = world.metrics(id).await.rows;
    assert_eq!((rows["sent"], rows["pending"]), (4, 26));
    world.check_promises(id).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_row_that_was_marked_but_not_begun_is_pending_again(pool: PgPool) {
    let world = World::new(pool, 30, 8).await;
    let id = world.launched().await;
    let lease = world.running_job(id, 0).await;
    // the worker loses its lease between marking the rows and handing them over: after the questions before the batches
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let may = |_: usize| asked.fetch_add(1, Ordering::SeqCst) < 4;
    let (job, ctx) = (
        SendDeliveries {
            campaign_id: id,
            chunk: 0,
        },
        Ctx::new(Actor::Job(JobId::new()), &world.clock),
    );
    let end = world
        .sender
        .send_chunk(&ctx, &job, lease, &|| may(0))
        .await
        .expect("a good end");
    assert_eq!(end, ChunkEnd::Stopped);
    let rows = world.deliveries(id, None).await;
    assert!(
        rows.iter()
            .all(|row| row.status == DeliveryStatus::Pending && row.attempts == 0),
        "{rows:?}"
    );
    assert!(
        rows.iter().any(|row| row.begun_at.is_some()),
        "some had been marked"
    );
    world.check_promises(id).await;
    assert!(go_on());
    assert_eq!(world.send(id, 0).await, ChunkEnd::Closed);
    world.check_promises(id).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_mail_carries_what_the_recipient_needs(pool: PgPool) {
    let world = World::new(pool, 1, 1).await;
    let id = world.launched().await;
    world.send(id, 0).await;
    let mail = world.email.accepted().remove(0).message;
    let row = only(&world, id, DeliveryStatus::Sent).await;
    let name: String =
        sqlx::query_scalar("select first_name from creators where first_name ~ '^[A-Za-z]+$'")
            .fetch_one(world.db.pool())
            .await
            .expect("a name");
    assert!(
        mail.contains(&format!("Subject: We miss you, {name}!\r\n")),
        "{mail}"
    );
    assert!(
        mail.contains(&format!("Message-ID: <{}@crm.example>\r\n", row.id)),
        "{mail}"
    );
    assert!(
        mail.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"),
        "{mail}"
    );
    let link = mail
        .split("List-Unsubscribe: <https://crm.example/u/")
        .nth(1)
        .expect("a link");
    let token = link.split('>').next().expect("closed");
    let link = world.sender.mailer.links().read(token).expect("ours");
    assert_eq!(link.creator, row.creator);

    // and whoever uses it gets no further mail
    let mut conn = world.db.pool().acquire().await.expect("a connection");
    for _ in 0..2 {
        crate::messaging::unsubscribe(&mut conn, &world.ctx(), link)
            .await
            .expect("unsubscribed");
    }
    let again = world.launched().await;
    world.send(again, 0).await;
    assert_eq!(world.metrics(again).await.skipped["no_consent"], 1);
}
