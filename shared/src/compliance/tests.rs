//! Who may be paid, asked of a real database.

use chrono::Duration;
use sqlx::{PgConnection, PgPool};

use super::*;
use crate::creators::{self, CreatorId, CreatorStatus, Obstacle, StatusChange};
use crate::kernel::{Actor, Clock, Ctx};
use crate::testing;
use crate::verification::{self, Verdict, VerificationKind, VerificationState};

fn ctx_in(days: i64) -> Ctx {
    let clock = Clock::system();
    clock.advance(Duration::days(days));
    Ctx::new(Actor::System, &clock)
}

fn ctx() -> Ctx {
    ctx_in(0)
}

async fn codes(conn: &mut PgConnection, ctx: &Ctx, id: CreatorId) -> Vec<&'static str> {
    let found = payability(conn, ctx, id).await.expect("asked");
    found.iter().map(Reason::code).collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_newcomer_is_told_everything_that_is_missing_at_once(pool: PgPool) {
    let id = testing::creator(&pool, "girlfanz", "ada").await;
    let mut conn = pool.acquire().await.expect("a connection");
    let refused = ensure_payable(&mut conn, &ctx(), id).await;
    let Err(ComplianceError::NotPayable(not)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(
        not.reasons,
        [
            Reason::CreatorNotActive(CreatorStatus::PendingVerification),
            Reason::Age(Obstacle::AgeNotVerified),
            Reason::IdentityNotVerified(VerificationState::Unverified),
        ]
    );
    assert_eq!(
        not.to_string(),
        format!(
            "{id} may not be paid: the creator is pending_verification, not active; the age is not verified; \
             the identity is unverified, not verified"
        )
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn who_is_active_proven_and_unblocked_may_be_paid_until_that_changes(pool: PgPool) {
    let id = testing::payable_creator(&pool, "girlfanz", "ada").await;
    let mut conn = pool.acquire().await.expect("a connection");
    ensure_payable(&mut conn, &ctx(), id)
        .await
        .expect("payable");
    let last = testing::IDENTITY_VALID_DAYS;
    ensure_payable(&mut conn, &ctx_in(last), id)
        .await
        .expect("on the last day");
    assert_eq!(
        codes(&mut conn, &ctx_in(last + 1), id).await,
        ["identity_expired"]
    );

    creators::suspend(&mut conn, &ctx(), id, None, "spam", 86_400)
        .await
        .expect("suspended");
    let found = payability(&mut conn, &ctx(), id).await.expect("asked");
    let told: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(told[0], "the creator is suspended, not active");
    assert!(
        told[1].starts_with("blocked by suspension: spam (until "),
        "{told:?}"
    );
    assert_eq!(found[1].source(), Some("suspension"));
    assert_eq!(
        codes(&mut conn, &ctx_in(2), id).await,
        ["creator_not_active"],
        "a block that is over stands no more"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn an_identity_that_was_revoked_or_is_another_one_now_keeps_from_being_paid(pool: PgPool) {
    let revoked = testing::payable_creator(&pool, "girlfanz", "ada").await;
    let renamed = testing::payable_creator(&pool, "girlfanz", "bea").await;
    let mut conn = pool.acquire().await.expect("a connection");
    let verdict = verification::NewVerdict {
        verdict: Verdict::Revoke,
        evidence: None,
        method: None,
        valid_until: None,
        reason: Some("forged".into()),
        resubmittable: None,
    };
    let kind = VerificationKind::Identity;
    verification::decide(&mut conn, &ctx(), revoked, kind, None, verdict)
        .await
        .expect("revoked");
    assert_eq!(
        codes(&mut conn, &ctx(), revoked).await,
        ["identity_not_verified"]
    );
    let person = creators::get(&mut conn, renamed)
        .await
        .expect("a creator")
        .person;
    testing::papers(&mut conn, person, "Somebody Else").await;
    assert_eq!(
        codes(&mut conn, &ctx(), renamed).await,
        ["identity_changed"]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn many_are_asked_about_at_once_and_each_id_is_answered(pool: PgPool) {
    let good = testing::payable_creator(&pool, "girlfanz", "ada").await;
    let new = testing::creator(&pool, "girlfanz", "bea").await;
    let mut conn = pool.acquire().await.expect("a connection");
    let gone = testing::creator(&pool, "girlfanz", "ada_too").await;
    creators::merge(&mut conn, &ctx(), gone, good, "the same")
        .await
        .expect("merged");
    let nobody = CreatorId::new();
    let asked = [good, new, gone, nobody, good];
    let answers = payable_many(&mut conn, &ctx(), &asked)
        .await
        .expect("asked");
    assert_eq!(answers.len(), 4);
    assert_eq!(answers[&good], []);
    assert_eq!(answers[&gone], [], "a merged id leads to the creator");
    assert_eq!(answers[&new].len(), 3);
    assert_eq!(answers[&nobody], [Reason::CreatorUnknown]);
    let inactive = StatusChange {
        status: CreatorStatus::Inactive,
        reason: "away".into(),
        effective_from: None,
    };
    creators::change_status(&mut conn, &ctx(), good, None, &inactive)
        .await
        .expect("changed");
    let answers = payable_many(&mut conn, &ctx(), &asked)
        .await
        .expect("asked");
    assert_eq!(
        answers[&gone],
        [Reason::CreatorNotActive(CreatorStatus::Inactive)]
    );
    let crowd = vec![nobody; PAYABLE_MAX + 1];
    let refused = payable_many(&mut conn, &ctx(), &crowd).await;
    assert!(
        matches!(refused, Err(ComplianceError::TooMany)),
        "{refused:?}"
    );
}
