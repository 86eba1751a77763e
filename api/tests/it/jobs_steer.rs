//! Cancel, retry, run now, edit.

use serde_json::json;
use shared::queue::{JobId, Next};
use sqlx::PgPool;

use crate::support::{Answer, Hands, TestApp};

async fn act(app: &TestApp, id: JobId, what: &str) -> Answer {
    app.post(&format!("/api/jobs/{id}/{what}"), json!({})).await
}

#[sqlx::test(migrations = "../migrations")]
async fn a_waiting_job_is_cancelled_at_once_and_for_good(pool: PgPool) {
    let app = TestApp::new(pool);
    let id = app.greet("ada").await;
    let answer = app
        .post(
            &format!("/api/jobs/{id}/cancel"),
            json!({ "reason": "not wanted" }),
        )
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["applied"].clone()),
        (200, json!("now"))
    );
    let job = app.get(&format!("/api/jobs/{id}")).await.json();
    assert_eq!(
        (&job["state"], &job["cancelReason"]),
        (&json!("cancelled"), &json!("not wanted"))
    );
    assert_eq!(act(&app, id, "cancel").await.json()["applied"], "before");
    assert_eq!(act(&app, id, "run-now").await.problem(), "job-over");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_running_job_is_asked_to_stop(pool: PgPool) {
    let app = TestApp::new(pool);
    let hands = Hands::new(&app).await;
    let id = app.greet("ada").await;
    hands.claim(id).await;
    let answer = act(&app, id, "cancel").await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["applied"].clone()),
        (202, json!("requested"))
    );
    assert_eq!(act(&app, id, "cancel").await.json()["applied"], "before");
    assert_eq!(
        app.get(&format!("/api/jobs/{id}")).await.json()["cancelRequested"],
        true
    );
    let mut conn = app.app.db.pool().acquire().await.expect("a connection");
    let held = shared::queue::workers::held(&mut conn, hands.id)
        .await
        .expect("asked");
    assert!(
        held.iter().all(|job| job.cancel),
        "the worker reads it at its next beat"
    );
    assert_eq!(act(&app, id, "retry").await.problem(), "job-running");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_dead_job_waits_again_with_all_its_attempts(pool: PgPool) {
    let app = TestApp::new(pool);
    let hands = Hands::new(&app).await;
    let id = app.greet("ada").await;
    hands.fail(id, Next::Fail, &["never"]).await;
    assert_eq!(act(&app, id, "cancel").await.problem(), "job-dead");
    let answer = act(&app, id, "retry").await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()),
        (202, json!({ "id": id, "how": "same" }))
    );
    let job = app.get(answer.header("location")).await.json();
    assert_eq!(
        (&job["state"], &job["attempt"]),
        (&json!("available"), &json!(0))
    );
    assert_eq!(act(&app, id, "retry").await.problem(), "job-not-over");
    hands.complete(id, json!(null)).await;
    assert_eq!(app.state(id).await, "completed");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_job_that_is_over_is_repeated_by_its_child(pool: PgPool) {
    let app = TestApp::new(pool);
    let hands = Hands::new(&app).await;
    let id = app.enqueue(json!({ "kind": "test.greet", "args": { "name": "ada" }, "tags": ["vip"], "priority": "low" })).await;
    hands.complete(id, json!(null)).await;
    let answer = act(&app, id, "retry").await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["how"].clone()),
        (202, json!("new"))
    );
    let child = app.get(answer.header("location")).await.json();
    assert_eq!(
        json!([
            child["parentId"],
            child["args"]["name"],
            child["tags"],
            child["priority"]
        ]),
        json!([id, "ada", ["vip"], "low"])
    );
    let parent = app.get(&format!("/api/jobs/{id}")).await.json();
    assert_eq!(parent["children"][0]["id"], child["id"]);
    assert_eq!(parent["state"], "completed");
    assert_eq!(app.ids(&format!("/api/jobs?parent={id}")).await.len(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_dead_job_can_be_edited_and_is_found_by_what_it_is_now(pool: PgPool) {
    let app = TestApp::new(pool);
    let hands = Hands::new(&app).await;
    let id = app.greet("ada").await;
    hands.fail(id, Next::Fail, &["never"]).await;
    let bad = app
        .post(
            &format!("/api/jobs/{id}/retry"),
            json!({ "args": { "name": 3 } }),
        )
        .await;
    assert_eq!(
        (
            bad.status.as_u16(),
            bad.json()["errors"][0]["field"].clone()
        ),
        (422, json!("/args/name"))
    );
    assert_eq!(app.state(id).await, "dead");
    let body = json!({ "args": { "name": "bo" }, "priority": "critical", "maxAttempts": 2, "queue": "other" });
    assert_eq!(
        app.post(&format!("/api/jobs/{id}/retry"), body)
            .await
            .status,
        202
    );
    let job = app.get(&format!("/api/jobs/{id}")).await.json();
    assert_eq!(
        json!([
            job["args"]["name"],
            job["priority"],
            job["maxAttempts"],
            job["queue"],
            job["state"]
        ]),
        json!(["bo", "critical", 2, "other", "available"])
    );
    assert_eq!(app.ids("/api/jobs?args.name=bo").await, [id]);
    assert_eq!(app.ids("/api/jobs?args.name=ada").await, []);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_dead_job_stays_dead_while_another_holds_its_key(pool: PgPool) {
    let app = TestApp::new(pool);
    let hands = Hands::new(&app).await;
    let body = json!({ "kind": "test.greet", "args": { "name": "ada" }, "uniqueKey": "k" });
    let id = app.enqueue(body.clone()).await;
    hands.fail(id, Next::Fail, &["never"]).await;
    let other = app.enqueue(body).await;
    assert_ne!(id, other);
    let answer = act(&app, id, "retry").await;
    assert_eq!(
        (answer.status.as_u16(), answer.problem().as_str()),
        (409, "unique-key-taken")
    );
    assert_eq!(act(&app, other, "cancel").await.status, 200);
    assert_eq!(act(&app, id, "retry").await.status, 202);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_scheduled_job_runs_when_it_is_told_to(pool: PgPool) {
    let app = TestApp::new(pool);
    let id = app.enqueue(json!({ "kind": "test.greet", "args": { "name": "a" }, "runAt": "2030-01-01T00:00:00Z" })).await;
    assert_eq!(app.state(id).await, "scheduled");
    assert_eq!(act(&app, id, "run-now").await.json()["applied"], "now");
    assert_eq!(app.state(id).await, "available");
    assert_eq!(act(&app, id, "run-now").await.json()["applied"], "before");
}
