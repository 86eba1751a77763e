//! Queues and batches.

use axum::http::Method;
use serde_json::{Value, json};
use shared::queue::{NewJob, Next, batch, enqueue_one};
use sqlx::PgPool;

use crate::support::{Answer, Greet, Hands, TestApp};

async fn patch(app: &TestApp, name: &str, headers: &[(&str, &str)], body: Value) -> Answer {
    app.call(
        Method::PATCH,
        &format!("/api/queues/{name}"),
        headers,
        Some(body),
    )
    .await
}

#[sqlx::test(migrations = "../migrations")]
async fn a_queue_tells_what_stands_in_it(pool: PgPool) {
    let app = TestApp::new(pool);
    let hands = Hands::new(&app).await;
    let (retried, dead, running) = (
        app.greet("a").await,
        app.greet("b").await,
        app.greet("c").await,
    );
    app.enqueue(
        json!({ "kind": "test.greet", "args": { "name": "d" }, "runAt": "2030-01-01T00:00:00Z" }),
    )
    .await;
    app.greet("e").await;
    app.greet("f").await;
    hands.fail(retried, Next::Retry(None), &["not now"]).await;
    hands.fail(dead, Next::Fail, &["never"]).await;
    hands.claim(running).await;

    let answer = app.get("/api/queues/tests").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("etag")),
        (200, "\"1\"")
    );
    let queue = answer.json();
    let depth = &queue["depth"];
    assert_eq!(
        json!([
            depth["waiting"],
            depth["waitingIsEstimate"],
            depth["due"],
            depth["scheduled"],
            depth["retryable"],
            depth["running"],
            depth["dead"]
        ]),
        json!([4, false, 2, 1, 1, 1, 1])
    );
    assert_eq!(json!([depth["slots"], depth["stranded"]]), json!([10, 0]));
    assert!(
        depth["oldestAgeSeconds"]
            .as_f64()
            .is_some_and(|age| (0.0..60.0).contains(&age)),
        "{depth}"
    );
    assert_eq!(queue["paused"], false);
}

#[sqlx::test(migrations = "../migrations")]
async fn queues_are_known_from_kinds_jobs_and_workers(pool: PgPool) {
    let app = TestApp::new(pool);
    app.enqueue(json!({ "kind": "test.greet", "args": { "name": "a" }, "queue": "odd_one" }))
        .await;
    let items = app.get("/api/queues").await.json()["items"].clone();
    let odd = items
        .as_array()
        .expect("a list")
        .iter()
        .find(|queue| queue["name"] == "odd_one")
        .expect("listed")
        .clone();
    assert_eq!(
        json!([
            odd["depth"]["waiting"],
            odd["depth"]["stranded"],
            odd["version"]
        ]),
        json!([1, 1, 0])
    );
    assert!(
        items
            .as_array()
            .expect("a list")
            .iter()
            .any(|queue| queue["name"] == "tests"),
        "declared by a kind: {items}"
    );
    assert_eq!(app.get("/api/queues/nobody").await.status, 404);
}

#[sqlx::test(migrations = "../migrations")]
async fn settings_are_changed_one_by_one_and_versioned(pool: PgPool) {
    let app = TestApp::new(pool);
    let hands = Hands::new(&app).await;
    let paused = patch(&app, "tests", &[], json!({ "paused": true })).await;
    assert_eq!(
        (paused.status.as_u16(), paused.header("etag")),
        (200, "\"2\""),
        "{paused:?}"
    );
    assert!(paused.json()["pausedAt"].is_string());
    // a worker's claim obeys
    let id = app.greet("a").await;
    assert_eq!(claimed(&app, &hands, id).await, 0);
    let limits = json!({ "concurrencyLimit": 5, "rateLimit": { "limit": 10, "periodMs": 60000 } });
    let limited = patch(&app, "tests", &[("if-match", "\"2\"")], limits)
        .await
        .json();
    assert_eq!(
        json!([
            limited["paused"],
            limited["concurrencyLimit"],
            limited["rateLimit"],
            limited["version"]
        ]),
        json!([true, 5, { "limit": 10, "periodMs": 60000 }, 3])
    );
    let stale = patch(
        &app,
        "tests",
        &[("if-match", "\"2\"")],
        json!({ "paused": false }),
    )
    .await;
    assert_eq!(
        (stale.status.as_u16(), stale.problem().as_str()),
        (412, "stale")
    );
    let freed = patch(
        &app,
        "tests",
        &[],
        json!({ "paused": false, "concurrencyLimit": null, "rateLimit": null }),
    )
    .await
    .json();
    assert_eq!(
        json!([
            freed["paused"],
            freed["concurrencyLimit"],
            freed["rateLimit"],
            freed["version"]
        ]),
        json!([false, null, null, 4])
    );
    assert_eq!(
        patch(&app, "tests", &[], json!({})).await.json()["version"],
        4,
        "nothing changed"
    );
    assert_eq!(claimed(&app, &hands, id).await, 1);
}

async fn claimed(app: &TestApp, hands: &Hands<'_>, id: shared::queue::JobId) -> usize {
    let kinds = ["test.greet".to_owned()];
    let who = shared::queue::claim::Claimant {
        worker: hands.id,
        queue: "tests",
        kinds: &kinds,
    };
    shared::queue::claim::claim(app.app.db.pool(), who, uuid::Uuid::new_v4(), &[id])
        .await
        .expect("answered")
        .len()
}

#[sqlx::test(migrations = "../migrations")]
async fn settings_that_make_no_sense_are_refused(pool: PgPool) {
    let app = TestApp::new(pool);
    for (body, field) in [
        (json!({ "concurrencyLimit": -1 }), "/concurrencyLimit"),
        (
            json!({ "concurrencyLimit": 9_000_000 }),
            "/concurrencyLimit",
        ),
        (json!({ "rateLimit": { "limit": 0 } }), "/rateLimit/limit"),
        (
            json!({ "rateLimit": { "limit": 1, "periodMs": 0 } }),
            "/rateLimit/periodMs",
        ),
        (json!({ "rateLimit": {} }), "/rateLimit/limit"),
        (json!({ "colour": "red" }), "/colour"),
    ] {
        let answer = patch(&app, "tests", &[], body.clone()).await;
        assert_eq!(answer.status, 422, "{body}: {answer:?}");
        assert_eq!(answer.json()["errors"][0]["field"], field, "{body}");
    }
    assert_eq!(
        patch(&app, "nobody", &[], json!({ "paused": true }))
            .await
            .problem(),
        "queue-not-found"
    );
    assert_eq!(
        patch(&app, "No%20Name", &[], json!({ "paused": true }))
            .await
            .status,
        404
    );
    assert_eq!(
        patch(&app, "tests", &[("if-match", "two")], json!({}))
            .await
            .problem(),
        "bad-if-match"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_batch_counts_what_really_happened(pool: PgPool) {
    let app = TestApp::new(pool);
    let hands = Hands::new(&app).await;
    let ctx = app.ctx();
    let mut tx = app.app.db.begin().await.expect("begun");
    let id = batch::create(&mut tx, &ctx, "greetings", None)
        .await
        .expect("created");
    let mut jobs = Vec::new();
    for name in ["a", "b", "c"] {
        let job = NewJob::of(&Greet {
            name: name.to_owned(),
            times: 0,
            creator: None,
        })
        .expect("a job")
        .in_batch(id);
        jobs.push(
            enqueue_one(&mut tx, &ctx, job)
                .await
                .expect("enqueued")
                .id(),
        );
    }
    batch::seal(&mut tx, id).await.expect("sealed");
    app.app.db.commit(tx, &ctx).await.expect("committed");

    let show = async || app.get(&format!("/api/batches/{id}")).await.json();
    let counts = |batch: &Value| {
        json!([
            batch["total"],
            batch["succeeded"],
            batch["dead"],
            batch["cancelled"],
            batch["state"]
        ])
    };
    assert_eq!(counts(&show().await), json!([3, 0, 0, 0, "running"]));
    hands.fail(jobs[0], Next::Fail, &["never"]).await;
    assert_eq!(counts(&show().await), json!([3, 0, 1, 0, "running"]));
    assert_eq!(
        app.post(&format!("/api/jobs/{}/retry", jobs[0]), json!({}))
            .await
            .status,
        202
    );
    assert_eq!(counts(&show().await), json!([3, 0, 0, 0, "running"]));
    hands.complete(jobs[0], json!(null)).await;
    hands.complete(jobs[1], json!(null)).await;
    assert_eq!(
        app.post(&format!("/api/jobs/{}/cancel", jobs[2]), json!({}))
            .await
            .status,
        200
    );
    let batch = show().await;
    assert_eq!(counts(&batch), json!([3, 2, 0, 1, "finished"]));
    assert_eq!(batch["pending"], 0);
    assert_eq!(app.ids(&format!("/api/jobs?batch={id}")).await.len(), 3);
    assert_eq!(
        app.get("/api/batches/batch_00000000000000000000000000000000")
            .await
            .status,
        404
    );
}
