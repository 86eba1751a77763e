//! Verification against a real database.

mod deciding;
mod merging;
mod model;
mod over_time;

use chrono::Duration;
use sqlx::{PgConnection, PgPool};

use super::*;
use crate::creators::{self, Creator, CreatorId};
use crate::kernel::{Actor, Clock, Ctx, Role};
use crate::testing;

type Kind = VerificationKind;
type State = VerificationState;

/// The context of staff with a role, that many days later.
pub(super) fn staff_in(days: i64, name: &str) -> Ctx {
    let clock = Clock::system();
    clock.advance(Duration::days(days));
    Ctx::new(Actor::user(name, &[Role::Compliance]), &clock)
}

pub(super) fn ctx() -> Ctx {
    staff_in(0, "cleo")
}

/// A creator whose person has a name and a birth date on file.
pub(super) async fn ada(pool: &PgPool, cluster: &str, name: &str) -> Creator {
    let id = testing::creator(pool, cluster, name).await;
    let mut conn = pool.acquire().await.expect("a connection");
    let creator = creators::get(&mut conn, id).await.expect("a creator");
    testing::papers(&mut conn, creator.person, "Ada King").await;
    creator
}

pub(super) fn verdict(verdict: Verdict) -> NewVerdict {
    NewVerdict {
        verdict,
        evidence: None,
        method: None,
        valid_until: None,
        reason: None,
        resubmittable: None,
    }
}

/// "Proven", until so many days from today.
pub(super) fn proven(days: i64) -> NewVerdict {
    NewVerdict {
        evidence: Some("passport of Utopia, ends in 1234".into()),
        method: Some(VerificationMethod::Document),
        valid_until: Some(ctx().now().date_naive() + Duration::days(days)),
        ..verdict(Verdict::Verify)
    }
}

pub(super) fn because(what: Verdict) -> NewVerdict {
    NewVerdict {
        reason: Some("the photo is another one's".into()),
        ..verdict(what)
    }
}

/// Hands in and takes into review.
pub(super) async fn in_review(conn: &mut PgConnection, id: CreatorId, kind: Kind) -> Verification {
    submit(conn, &ctx(), id, kind, "passport")
        .await
        .expect("submitted");
    decide(conn, &ctx(), id, kind, None, verdict(Verdict::InReview))
        .await
        .expect("in review")
}

/// All the way to verified.
pub(super) async fn verified(
    conn: &mut PgConnection,
    id: CreatorId,
    kind: Kind,
    days: i64,
) -> Verification {
    in_review(conn, id, kind).await;
    decide(conn, &ctx(), id, kind, None, proven(days))
        .await
        .expect("verified")
}

/// How one kind stands.
pub(super) async fn one(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    kind: Kind,
) -> Verification {
    let all = verifications(conn, ctx, id).await.expect("read");
    let found = all.into_iter().find(|one| one.kind == kind);
    found.expect("every kind is there")
}

/// The states that the history tells of, the first one first.
pub(super) async fn told(conn: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar(
        "select from_state || ' ' || to_state from verification_events order by at, id",
    )
    .fetch_all(conn)
    .await
    .expect("read")
}

pub(super) async fn audited(conn: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar(
        "select action from audit_entries where action like 'verification.%' order by id",
    )
    .fetch_all(conn)
    .await
    .expect("read")
}
