//! The lead: one at a time, and gone with its connection.

use std::time::Duration;

use shared::queue::leadership;
use sqlx::{Connection, PgConnection, PgPool};

const SOON: Duration = Duration::from_secs(10);

async fn candidate(pool: &PgPool) -> PgConnection {
    leadership::connect(&pool.connect_options()).await.unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn one_leads_until_its_connection_is_gone(pool: PgPool) {
    let (mut first, mut second) = (candidate(&pool).await, candidate(&pool).await);
    let mut conn = pool.acquire().await.unwrap();
    assert!(!leadership::somebody_leads(&mut conn).await.unwrap());
    assert!(leadership::try_lead(&mut first).await.unwrap());
    assert!(!leadership::try_lead(&mut second).await.unwrap());
    assert!(leadership::still_leads(&mut first).await.unwrap());
    assert!(!leadership::still_leads(&mut second).await.unwrap());
    assert!(leadership::somebody_leads(&mut conn).await.unwrap());
    first.close().await.unwrap();
    // the server notices in its own time that a connection is gone
    let led = async { while !leadership::try_lead(&mut second).await.unwrap() {} };
    tokio::time::timeout(SOON, led)
        .await
        .expect("the lead is free");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_leader_whose_session_was_ended_learns_it_before_its_next_round(pool: PgPool) {
    let mut leader = candidate(&pool).await;
    assert!(leadership::try_lead(&mut leader).await.unwrap());
    let pid: i32 = sqlx::query_scalar("select pg_backend_pid()")
        .fetch_one(&mut leader)
        .await
        .unwrap();
    sqlx::query("select pg_terminate_backend($1, 5000)")
        .bind(pid)
        .execute(&pool)
        .await
        .unwrap();
    assert!(leadership::still_leads(&mut leader).await.is_err());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_silent_leader_loses_its_connection_to_the_server(pool: PgPool) {
    let mut leader = candidate(&pool).await;
    let silence: String = sqlx::query_scalar("show idle_session_timeout")
        .fetch_one(&mut leader)
        .await
        .unwrap();
    assert_eq!(
        silence,
        format!("{}s", leadership::LEADER_SILENCE_MAX.as_secs())
    );
}
