//! Worker processes.

use serde_json::json;
use sqlx::PgPool;

use crate::support::{Hands, TestApp};

#[sqlx::test(migrations = "../migrations")]
async fn workers_are_listed_with_what_they_hold(pool: PgPool) {
    let app = TestApp::new(pool);
    let hands = Hands::new(&app).await;
    hands.claim(app.greet("a").await).await;
    let worker = app.get("/api/workers").await.json()["items"][0].clone();
    assert_eq!(
        json!([
            worker["id"],
            worker["host"],
            worker["queues"],
            worker["state"],
            worker["running"]
        ]),
        json!([hands.id, "test-host", { "tests": 10 }, "running", 1])
    );
    assert!(worker["endedAt"].is_null() && worker["drainRequestedAt"].is_null());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_worker_is_asked_to_drain_and_hears_it_at_its_next_beat(pool: PgPool) {
    let app = TestApp::new(pool);
    let hands = Hands::new(&app).await;
    let path = format!("/api/workers/{}/drain", hands.id);
    for _ in 0..2 {
        assert_eq!(app.post(&path, json!({})).await.status, 202);
    }
    let mut conn = app.app.db.pool().acquire().await.expect("a connection");
    let beat = shared::queue::workers::beat(&mut conn, hands.id)
        .await
        .expect("answered");
    assert_eq!(
        beat,
        shared::queue::workers::Beat::Confirmed { drain: true }
    );
    shared::queue::workers::stopped(&mut conn, hands.id)
        .await
        .expect("stopped");
    assert_eq!(
        app.post(&path, json!({})).await.problem(),
        "worker-not-found"
    );
    assert_eq!(
        app.get("/api/workers").await.json()["items"][0]["state"],
        "stopped"
    );
}
