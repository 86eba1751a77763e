//! What is over.

use super::*;

async fn expired(pool: &PgPool, days: i64) -> usize {
    let mut tx = pool.begin().await.expect("begun");
    let done = expire_step(&mut tx, &staff_in(days, "night")).await;
    tx.commit().await.expect("committed");
    done.expect("expired")
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_over_counts_no_more_at_once_and_is_noted_by_the_job(pool: PgPool) {
    let ada = ada(&pool, "girlfanz", "ada").await;
    let mut conn = pool.acquire().await.expect("a connection");
    verified(&mut conn, ada.id, Kind::Identity, 10).await;
    verified(&mut conn, ada.id, Kind::Email, 20).await;
    let endless = NewVerdict {
        valid_until: None,
        ..proven(0)
    };
    in_review(&mut conn, ada.id, Kind::Address).await;
    decide(&mut conn, &ctx(), ada.id, Kind::Address, None, endless)
        .await
        .expect("verified");
    let on = |days| staff_in(days, "cleo");
    let state =
        async |conn: &mut PgConnection, days, kind| one(conn, &on(days), ada.id, kind).await.state;
    assert_eq!(state(&mut conn, 10, Kind::Identity).await, State::Verified);
    assert_eq!(expired(&pool, 10).await, 0, "its last day is not over");
    assert_eq!(
        state(&mut conn, 11, Kind::Identity).await,
        State::Expired,
        "before any job ran"
    );
    assert_eq!(expired(&pool, 11).await, 1);
    assert_eq!(expired(&pool, 11).await, 0, "once");
    let noted = one(&mut conn, &on(11), ada.id, Kind::Identity).await;
    assert_eq!((noted.state, noted.version), (State::Expired, 4));
    assert_eq!(
        told(&mut conn).await.last().map(String::as_str),
        Some("verified expired")
    );
    assert_eq!(
        audited(&mut conn).await.last().map(String::as_str),
        Some("verification.expire")
    );
    assert_eq!(state(&mut conn, 11, Kind::Email).await, State::Verified);
    assert_eq!(expired(&pool, 400).await, 1, "what has no end goes on");
    assert_eq!(state(&mut conn, 400, Kind::Address).await, State::Verified);
}

#[sqlx::test(migrations = "../migrations")]
async fn after_the_end_a_new_document_begins_anew(pool: PgPool) {
    let ada = ada(&pool, "girlfanz", "ada").await;
    let mut conn = pool.acquire().await.expect("a connection");
    verified(&mut conn, ada.id, Kind::Identity, 10).await;
    // also before the job has noted it
    let late = staff_in(11, "cleo");
    let anew = submit(&mut conn, &late, ada.id, Kind::Identity, "new passport").await;
    let anew = anew.expect("submitted");
    assert_eq!((anew.state, anew.valid_until), (State::Pending, None));
    assert_eq!(expired(&pool, 11).await, 0);
}
