//! Two who turned out to be one.

use super::*;
use crate::creators::CreatorError;
use crate::kernel::{Classify, ErrorKind};

#[sqlx::test(migrations = "../migrations")]
async fn the_better_one_of_each_kind_stays_and_the_history_of_both(pool: PgPool) {
    let gone = ada(&pool, "girlfanz", "ada").await;
    let kept = ada(&pool, "girlfanz", "ada_too").await;
    let mut conn = pool.acquire().await.expect("a connection");
    // of the person: the one is verified, the other in review; of the creator: only one has any
    let best = verified(&mut conn, gone.id, Kind::Identity, 30).await;
    in_review(&mut conn, kept.id, Kind::Identity).await;
    verified(&mut conn, gone.id, Kind::Address, 10).await;
    let longer = verified(&mut conn, kept.id, Kind::Address, 90).await;
    in_review(&mut conn, gone.id, Kind::BusinessEntity).await;
    verified(&mut conn, gone.id, Kind::Email, 30).await;
    let own = verified(&mut conn, kept.id, Kind::Email, 5).await;
    let before = told(&mut conn).await.len();
    creators::merge(&mut conn, &ctx(), gone.id, kept.id, "the same")
        .await
        .expect("merged");
    for id in [gone.id, kept.id] {
        assert_eq!(one(&mut conn, &ctx(), id, Kind::Identity).await, best);
        assert_eq!(one(&mut conn, &ctx(), id, Kind::Address).await, longer);
        let company = one(&mut conn, &ctx(), id, Kind::BusinessEntity).await;
        assert_eq!(company.state, State::InReview);
        assert_eq!(
            one(&mut conn, &ctx(), id, Kind::Email).await,
            own,
            "the address of the one who goes proves nothing about the other's"
        );
    }
    assert_eq!(told(&mut conn).await.len(), before);
    let person = creators::get(&mut conn, kept.id)
        .await
        .expect("there")
        .person;
    let strays: i64 = sqlx::query_scalar(
        "select count(*) from verification_events where coalesce(person_id, creator_id) not in ($1, $2)",
    )
    .bind(uuid::Uuid::from(person))
    .bind(uuid::Uuid::from(kept.id))
    .fetch_one(&mut *conn)
    .await
    .expect("counted");
    assert_eq!(strays, 0, "the history is told of the one who is kept");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_merge_does_not_hide_that_an_identity_was_revoked(pool: PgPool) {
    let gone = ada(&pool, "girlfanz", "ada").await;
    let kept = ada(&pool, "girlfanz", "ada_too").await;
    let mut conn = pool.acquire().await.expect("a connection");
    for id in [gone.id, kept.id] {
        verified(&mut conn, id, Kind::Identity, 30).await;
    }
    let forged = because(Verdict::Revoke);
    decide(&mut conn, &ctx(), gone.id, Kind::Identity, None, forged)
        .await
        .expect("revoked");
    let mut tx = pool.begin().await.expect("begun");
    let refused = creators::merge(&mut tx, &ctx(), gone.id, kept.id, "the same").await;
    tx.rollback().await.expect("rolled back");
    let error = refused.expect_err("refused");
    assert!(matches!(error, CreatorError::Reaction(_)), "{error:?}");
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Conflict, "merge-hides")
    );
    let stands = one(&mut conn, &ctx(), kept.id, Kind::Identity).await;
    assert_eq!(stands.state, State::Verified, "nothing was changed");
}
