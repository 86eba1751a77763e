//! Bulk operations.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shared::queue::bulk::{BulkId, CarriedOn, Step, carry_on, step};
use sqlx::PgPool;

use crate::support::{Hands, TestApp};

/// Makes `n` dead jobs; every other one has another error.
async fn dead(app: &TestApp, n: i32) {
    let jobs: Vec<_> = (0..n)
        .map(|i| json!({ "kind": "test.greet", "args": { "name": format!("n{}", i % 2) } }))
        .collect();
    assert_eq!(
        app.post("/api/jobs", json!({ "jobs": jobs })).await.status,
        202
    );
    sqlx::query(
        "update jobs set state = 'dead', dead_at = now(), attempt = 10, fingerprint = 'f',
                last_error = case when (args->>'name') = 'n0' then 'refused' else 'timed out' end
         where kind = 'test.greet'",
    )
    .execute(app.app.db.pool())
    .await
    .expect("killed");
}

async fn states(app: &TestApp) -> Value {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "select state::text, count(*) from (select state from jobs where kind = 'test.greet'
         union all select state from job_history where kind = 'test.greet') j group by 1 order by 1",
    )
    .fetch_all(app.app.db.pool())
    .await
    .expect("counted");
    json!(rows)
}

async fn begun(app: &TestApp, body: Value) -> BulkId {
    let answer = app.post("/api/bulk-operations", body).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(
        app.get(answer.header("location")).await.json()["state"],
        "running"
    );
    answer.json()["id"]
        .as_str()
        .expect("an id")
        .parse()
        .expect("an id")
}

async fn show(app: &TestApp, id: BulkId) -> Value {
    app.get(&format!("/api/bulk-operations/{id}")).await.json()
}

async fn to_the_end(app: &TestApp, id: BulkId) {
    let db = &app.app.db;
    let carried = carry_on(db, &app.app.catalog, || app.ctx(), id, || false, |_| {})
        .await
        .expect("carried on");
    assert_eq!(carried, CarriedOn::Ended);
}

async fn one_step(app: &TestApp, id: BulkId) -> Step {
    let ctx = app.ctx();
    let mut tx = app.app.db.begin().await.expect("begun");
    let step = step(&mut tx, &ctx, &app.app.catalog, id)
        .await
        .expect("stepped");
    app.app.db.commit(tx, &ctx).await.expect("committed");
    step
}

#[sqlx::test(migrations = "../migrations")]
async fn all_dead_letters_that_match_are_replayed_in_steps(pool: PgPool) {
    let app = TestApp::new(pool);
    dead(&app, 2_200).await;
    let body = json!({ "action": "replay", "filter": { "error": "refused" } });
    let preview = app
        .post("/api/bulk-operations/preview", body.clone())
        .await
        .json();
    assert_eq!(
        json!([
            preview["matched"],
            preview["matchedAtLeast"],
            preview["sample"].as_array().map(Vec::len)
        ]),
        json!([1_100, false, 10])
    );
    assert_eq!(
        states(&app).await,
        json!([["dead", 2_200]]),
        "looking changes nothing"
    );

    let id = begun(&app, body).await;
    assert!(matches!(
        one_step(&app, id).await,
        Step::Moved { visited: 500, .. }
    ));
    assert_eq!(
        json!([show(&app, id).await["done"], show(&app, id).await["state"]]),
        json!([500, "running"])
    );
    to_the_end(&app, id).await;
    assert_eq!(
        states(&app).await,
        json!([["available", 1_100], ["dead", 1_100]])
    );
    let operation = show(&app, id).await;
    assert_eq!(
        json!([
            operation["state"],
            operation["done"],
            operation["skipped"],
            operation["matched"],
            operation["progress"]
        ]),
        json!(["completed", 1_100, 0, 1_100, 1.0])
    );
    assert_eq!(
        app.ids("/api/jobs?kind=queue.bulk").await.len(),
        1,
        "its work is a job like any other"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn jobs_that_die_or_come_meanwhile_are_not_visited_again(pool: PgPool) {
    let app = TestApp::new(pool);
    let hands = Hands::new(&app).await;
    dead(&app, 3).await;
    let id = begun(&app, json!({ "action": "replay", "ratePerSecond": 1 })).await;
    let first = app
        .ids("/api/dead-letters")
        .await
        .pop()
        .expect("the oldest");
    assert!(matches!(
        one_step(&app, id).await,
        Step::Moved { visited: 1, .. }
    ));
    hands
        .fail(first, shared::queue::Next::Fail, &["again"])
        .await;
    dead(&app, 1).await;
    while !matches!(one_step(&app, id).await, Step::Ended(_)) {}
    assert_eq!(show(&app, id).await["done"], 3);
    assert_eq!(app.ids("/api/dead-letters").await.len(), 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn dead_letters_are_discarded_by_argument(pool: PgPool) {
    let app = TestApp::new(pool);
    dead(&app, 1_300).await;
    let filter = json!({ "kind": "test.greet", "args": { "name": "n1" } });
    let id = begun(&app, json!({ "action": "discard", "filter": filter })).await;
    to_the_end(&app, id).await;
    let shown = show(&app, id).await;
    assert_eq!(shown["done"], 650);
    assert_eq!(
        json!([
            shown["filter"]["kind"],
            shown["filter"]["args"],
            shown["filter"]["state"]
        ]),
        json!(["test.greet", { "name": "n1" }, ["dead"]])
    );
    assert_eq!(
        app.ids("/api/jobs?state=discarded&limit=200").await.len(),
        200
    );
    let rest = app
        .post(
            "/api/bulk-operations/preview",
            json!({ "action": "discard" }),
        )
        .await
        .json();
    assert_eq!(rest["matched"], 650);
}

#[sqlx::test(migrations = "../migrations")]
async fn waiting_jobs_of_a_queue_are_cancelled_and_running_ones_only_if_named(pool: PgPool) {
    let app = TestApp::new(pool);
    let hands = Hands::new(&app).await;
    let (running, waiting) = (app.greet("a").await, app.greet("b").await);
    hands.claim(running).await;
    let id = begun(
        &app,
        json!({ "action": "cancel", "filter": { "queue": "tests" }, "reason": "wrong audience" }),
    )
    .await;
    to_the_end(&app, id).await;
    let job = app.get(&format!("/api/jobs/{waiting}")).await.json();
    assert_eq!(
        json!([job["state"], job["cancelReason"]]),
        json!(["cancelled", "wrong audience"])
    );
    assert_eq!(
        app.get(&format!("/api/jobs/{running}")).await.json()["cancelRequested"],
        false
    );
    let filter = json!({ "queue": "tests", "state": ["running"] });
    let id = begun(&app, json!({ "action": "cancel", "filter": filter })).await;
    to_the_end(&app, id).await;
    assert_eq!(
        app.get(&format!("/api/jobs/{running}")).await.json()["cancelRequested"],
        true
    );
    assert_eq!(show(&app, id).await["done"], 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_operation_is_paused_resumed_and_cancelled_between_steps(pool: PgPool) {
    let app = TestApp::new(pool);
    dead(&app, 1_200).await;
    let id = begun(&app, json!({ "action": "replay" })).await;
    let turn = async |what: &str| {
        app.post(&format!("/api/bulk-operations/{id}/{what}"), json!({}))
            .await
    };
    one_step(&app, id).await;
    assert_eq!(turn("pause").await.json()["state"], "paused");
    assert!(
        matches!(one_step(&app, id).await, Step::Ended(_)),
        "its work stops"
    );
    assert_eq!(show(&app, id).await["done"], 500);
    assert_eq!(turn("resume").await.json()["state"], "running");
    one_step(&app, id).await;
    let cancelled = turn("cancel").await.json();
    assert_eq!(
        json!([cancelled["state"], cancelled["done"]]),
        json!(["cancelled", 1_000])
    );
    assert!(cancelled["finishedAt"].is_string());
    assert_eq!(turn("cancel").await.status, 200);
    assert_eq!(turn("resume").await.problem(), "bulk-operation-over");
    assert_eq!(
        states(&app).await,
        json!([["available", 1_000], ["dead", 200]])
    );
    assert_eq!(
        app.get("/api/bulk-operations").await.json()["items"][0]["id"],
        id.to_string()
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_rate_is_kept(pool: PgPool) {
    let app = TestApp::new(pool);
    dead(&app, 60).await;
    let id = begun(&app, json!({ "action": "replay", "ratePerSecond": 30 })).await;
    let began = Instant::now();
    to_the_end(&app, id).await;
    assert!(
        began.elapsed() >= Duration::from_millis(1_900),
        "60 jobs at 30 a second took {:?}",
        began.elapsed()
    );
    assert_eq!(show(&app, id).await["done"], 60);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_would_do_harm_is_refused(pool: PgPool) {
    let app = TestApp::new(pool);
    for (body, field) in [
        (json!({ "action": "cancel" }), "/filter"),
        (
            json!({ "action": "cancel", "filter": { "state": ["completed"], "queue": "tests" } }),
            "/filter/state",
        ),
        (
            json!({ "action": "replay", "filter": { "state": ["running"] } }),
            "/filter/state",
        ),
        (
            json!({ "action": "replay", "filter": { "colour": "red" } }),
            "/filter/colour",
        ),
        (
            json!({ "action": "replay", "filter": { "args": { "times": "1" } } }),
            "/filter/args/times",
        ),
        (
            json!({ "action": "replay", "filter": { "error": "ab" } }),
            "/filter/error",
        ),
        (
            json!({ "action": "replay", "ratePerSecond": 0 }),
            "/ratePerSecond",
        ),
        (json!({ "action": "explode" }), "/action"),
    ] {
        let answer = app.post("/api/bulk-operations", body.clone()).await;
        assert_eq!(
            (
                answer.status.as_u16(),
                answer.json()["errors"][0]["field"].clone()
            ),
            (422, json!(field)),
            "{body}"
        );
    }
    let id = "bulk_00000000000000000000000000000000";
    assert_eq!(
        app.post(&format!("/api/bulk-operations/{id}/pause"), json!({}))
            .await
            .problem(),
        "bulk-operation-not-found"
    );
}
