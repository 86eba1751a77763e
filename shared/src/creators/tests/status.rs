//! Status, suspensions and what stands against being active.

use chrono::Duration;
use sqlx::{PgConnection, PgPool};

use super::{active, ctx, later, new_creator, verify};
use crate::creators::*;
use crate::kernel::PageRequest;
use crate::queue::Job;

fn to(status: CreatorStatus) -> StatusChange {
    StatusChange {
        status,
        reason: "because".into(),
        effective_from: None,
    }
}

/// The lift jobs that wait, the first to be due first.
async fn lifts(conn: &mut PgConnection) -> Vec<LiftSuspension> {
    let args: Vec<String> =
        sqlx::query_scalar("select args::text from jobs where kind = $1 order by run_at")
            .bind(LiftSuspension::KIND)
            .fetch_all(conn)
            .await
            .expect("jobs");
    let read = |text: &String| serde_json::from_str(text).expect("a payload");
    args.iter().map(read).collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_is_active_before_somebody_decided_about_their_age(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let new = new_creator("girlfanz", "ada@x.example", "ada");
    let made = register(&mut conn, &ctx(), &new).await.expect("registered");
    let refused = change_status(&mut conn, &ctx(), made.id, None, &to(CreatorStatus::Active)).await;
    assert!(
        matches!(&refused, Err(CreatorError::Obstacles(found)) if found == &[Obstacle::AgeNotVerified]),
        "{refused:?}"
    );
    verify(&mut conn, made.person).await;
    let made = change_status(&mut conn, &ctx(), made.id, None, &to(CreatorStatus::Active)).await;
    assert_eq!(made.expect("active").status, CreatorStatus::Active);
}

#[sqlx::test(migrations = "../migrations")]
async fn revoking_the_proof_of_age_takes_every_profile_out_of_active(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let creator = active(&mut conn, "ada").await;
    let revoked = NewAgeDecision {
        verdict: AgeVerdict::Revoked,
        birth_date: None,
        evidence: "the document was forged".into(),
    };
    decide_age(&mut conn, &ctx(), creator.person, &revoked)
        .await
        .expect("decided");
    let now = get(&mut conn, creator.id).await.expect("a creator");
    assert_eq!(now.status, CreatorStatus::PendingReview);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_illegal_status_is_refused_with_the_legal_ones(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let creator = active(&mut conn, "ada").await;
    let pending = to(CreatorStatus::PendingVerification);
    let refused = change_status(&mut conn, &ctx(), creator.id, None, &pending).await;
    let error = refused.expect_err("illegal");
    assert_eq!(
        error.to_string(),
        "`pending_verification` may not follow `active`; use one of: pending_review, inactive, suspended, banned, churned"
    );
    let banned = to(CreatorStatus::Banned);
    let stale = change_status(&mut conn, &ctx(), creator.id, Some(1), &banned).await;
    assert!(matches!(stale, Err(CreatorError::Stale(2))), "{stale:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_time_before_the_present_status_or_in_the_future_is_refused(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let creator = active(&mut conn, "ada").await;
    for offset in [-3600, 3600] {
        let change = StatusChange {
            effective_from: Some(ctx().now() + Duration::seconds(offset)),
            ..to(CreatorStatus::Inactive)
        };
        let refused = change_status(&mut conn, &ctx(), creator.id, None, &change).await;
        assert!(
            matches!(refused, Err(CreatorError::Invalid(_))),
            "{offset}: {refused:?}"
        );
    }
    let change = StatusChange {
        effective_from: Some(creator.status_since),
        ..to(CreatorStatus::Inactive)
    };
    let changed = change_status(&mut conn, &ctx(), creator.id, None, &change)
        .await
        .expect("changed");
    assert_eq!(changed.status_since, creator.status_since);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_suspension_ends_by_itself_and_the_creator_stands_where_they_stood(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let creator = active(&mut conn, "ada").await;
    let suspended = suspend(&mut conn, &ctx(), creator.id, None, "spam", 86_400)
        .await
        .expect("suspended");
    assert_eq!(suspended.status, CreatorStatus::Suspended);
    let standing = blocks(&mut conn, &ctx(), creator.id).await.expect("blocks");
    assert_eq!(
        standing[0].blocks,
        [BlockedThing::Mail, BlockedThing::Payout]
    );
    let job = lifts(&mut conn).await.remove(0);

    let early = lift_due(&mut conn, &later(Duration::seconds(86_000)), &job).await;
    assert_eq!(
        early.expect("asked"),
        Lifted::NotBefore(standing[0].ends_at.expect("an end"))
    );
    let due = later(Duration::seconds(86_401));
    for expected in [
        Lifted::Back(CreatorStatus::Active),
        // a job may run twice
        Lifted::NotSuspended,
    ] {
        assert_eq!(
            lift_due(&mut conn, &due, &job).await.expect("asked"),
            expected
        );
    }
    let history = status_history(&mut conn, &ctx(), creator.id, &PageRequest::default())
        .await
        .expect("a history");
    let words: Vec<_> = history.items.iter().map(|line| line.to.as_str()).collect();
    assert_eq!(
        words,
        ["active", "suspended", "active", "pending_verification"]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn the_end_of_one_suspension_does_not_override_another(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let creator = active(&mut conn, "ada").await;
    suspend(&mut conn, &ctx(), creator.id, None, "spam", 60)
        .await
        .expect("suspended");
    let shorter = suspend(&mut conn, &ctx(), creator.id, None, "again", 30).await;
    assert!(
        matches!(shorter, Err(CreatorError::SuspendedAlready(Some(_)))),
        "{shorter:?}"
    );
    suspend(&mut conn, &ctx(), creator.id, None, "worse", 0)
        .await
        .expect("extended without an end");
    let again = suspend(&mut conn, &ctx(), creator.id, None, "again", 600).await;
    assert!(
        matches!(again, Err(CreatorError::SuspendedAlready(None))),
        "{again:?}"
    );
    let job = lifts(&mut conn).await.remove(0);
    let lifted = lift_due(&mut conn, &later(Duration::seconds(61)), &job).await;
    assert_eq!(lifted.expect("asked"), Lifted::KeptByOthers);
    let now = get(&mut conn, creator.id).await.expect("a creator");
    assert_eq!(now.status, CreatorStatus::Suspended);
}

#[sqlx::test(migrations = "../migrations")]
async fn whoever_did_not_see_a_longer_suspension_does_not_lift_it(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let creator = active(&mut conn, "ada").await;
    let seen = suspend(
        &mut conn,
        &ctx(),
        creator.id,
        Some(creator.version),
        "spam",
        60,
    )
    .await
    .expect("suspended")
    .version;
    let extended = suspend(&mut conn, &ctx(), creator.id, None, "worse", 0)
        .await
        .expect("extended");
    let stale = reactivate(&mut conn, &ctx(), creator.id, Some(seen), "fine").await;
    assert!(matches!(stale, Err(CreatorError::Stale(_))), "{stale:?}");
    let stale = suspend(&mut conn, &ctx(), creator.id, Some(seen), "spam", 0).await;
    assert!(matches!(stale, Err(CreatorError::Stale(_))), "{stale:?}");
    reactivate(
        &mut conn,
        &ctx(),
        creator.id,
        Some(extended.version),
        "fine",
    )
    .await
    .expect("back");
}

#[sqlx::test(migrations = "../migrations")]
async fn whoever_lost_the_proof_of_age_while_suspended_comes_back_to_review(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let creator = active(&mut conn, "ada").await;
    suspend(&mut conn, &ctx(), creator.id, None, "spam", 60)
        .await
        .expect("suspended");
    let revoked = NewAgeDecision {
        verdict: AgeVerdict::Revoked,
        birth_date: None,
        evidence: "the document was forged".into(),
    };
    decide_age(&mut conn, &ctx(), creator.person, &revoked)
        .await
        .expect("decided");
    let job = lifts(&mut conn).await.remove(0);
    let lifted = lift_due(&mut conn, &later(Duration::seconds(61)), &job).await;
    assert_eq!(
        lifted.expect("asked"),
        Lifted::Back(CreatorStatus::PendingReview)
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn reactivating_lifts_suspensions_and_names_what_else_stands(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let creator = active(&mut conn, "ada").await;
    let refused = reactivate(&mut conn, &ctx(), creator.id, None, "fine").await;
    assert!(
        matches!(
            refused,
            Err(CreatorError::NotReactivatable(CreatorStatus::Active))
        ),
        "{refused:?}"
    );
    suspend(&mut conn, &ctx(), creator.id, None, "spam", 0)
        .await
        .expect("suspended");
    sqlx::query(
        "insert into creator_blocks (id, creator_id, source, reason, blocks, starts_at, created_by, created_at)
         values ($1, $2, 'compliance', 'open violation', '{reactivation}', now(), 'system', now())",
    )
    .bind(uuid::Uuid::now_v7())
    .bind(uuid::Uuid::from(creator.id))
    .execute(&mut *conn)
    .await
    .expect("a block");
    let refused = reactivate(&mut conn, &ctx(), creator.id, None, "fine").await;
    let Err(CreatorError::Obstacles(found)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(
        found[0].to_string(),
        "blocked by compliance: open violation"
    );
    sqlx::query("update creator_blocks set ends_at = now() + interval '1 microsecond' where source = 'compliance'")
        .execute(&mut *conn)
        .await
        .expect("lifted");
    let back = reactivate(
        &mut conn,
        &later(Duration::seconds(1)),
        creator.id,
        None,
        "fine",
    )
    .await
    .expect("active");
    assert_eq!(back.status, CreatorStatus::Active);
    let standing = blocks(&mut conn, &later(Duration::seconds(2)), creator.id).await;
    assert_eq!(standing.expect("blocks"), []);
}

#[sqlx::test(migrations = "../migrations")]
async fn two_suspensions_at_once_come_one_after_the_other(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let creator = active(&mut conn, "ada").await;
    let suspend_once = async || {
        let mut tx = pool.begin().await.expect("a transaction");
        let done = suspend(&mut tx, &ctx(), creator.id, None, "spam", 0).await;
        tx.commit().await.expect("committed");
        done
    };
    let (a, b) = tokio::join!(suspend_once(), suspend_once());
    assert_eq!(
        [&a, &b].iter().filter(|done| done.is_ok()).count(),
        1,
        "{a:?} {b:?}"
    );
    let standing = blocks(&mut conn, &ctx(), creator.id).await.expect("blocks");
    assert_eq!(standing.len(), 1);
}
