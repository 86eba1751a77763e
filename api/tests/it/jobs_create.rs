//! Enqueueing through HTTP.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::json;
use shared::kernel::Role;
use sqlx::PgPool;

use crate::support::{Answer, TestApp};

async fn count(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from jobs")
        .fetch_one(app.app.db.pool())
        .await
        .expect("counted")
}

#[sqlx::test(migrations = "../migrations")]
async fn one_job_is_answered_with_its_place(pool: PgPool) {
    let app = TestApp::new(pool);
    let body = json!({
        "kind": "test.greet", "args": { "name": "ada" }, "queue": "elsewhere", "priority": "high", "maxAttempts": 3,
        "runAt": "2030-01-01T10:00:00+02:00", "uniqueKey": "ada", "group": "g", "tags": ["vip", "new"],
    });
    let answer = app.post("/api/jobs", body).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(answer.json()["inserted"], true);
    let job = app.get(answer.header("location")).await.json();
    assert_eq!(job["id"], answer.json()["id"]);
    assert_eq!(
        json!([
            job["queue"],
            job["priority"],
            job["maxAttempts"],
            job["runAt"],
            job["uniqueKey"],
            job["group"],
            job["tags"],
            job["state"]
        ]),
        json!([
            "elsewhere",
            "high",
            3,
            "2030-01-01T08:00:00Z",
            "ada",
            "g",
            ["vip", "new"],
            "scheduled"
        ])
    );
    assert_eq!(job["createdBy"], "user:tester");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_job_with_a_taken_key_is_the_one_that_stands(pool: PgPool) {
    let app = TestApp::new(pool);
    let body = json!({ "kind": "test.greet", "args": { "name": "ada" }, "uniqueKey": "k" });
    let first = app.post("/api/jobs", body.clone()).await.json();
    let second = app.post("/api/jobs", body).await.json();
    assert_eq!(
        (&second["id"], &second["inserted"]),
        (&first["id"], &json!(false))
    );
    assert_eq!(count(&app).await, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn many_jobs_are_enqueued_at_once_and_in_order(pool: PgPool) {
    let app = TestApp::new(pool);
    let jobs: Vec<_> = (0..10_000)
        .map(|n| json!({ "kind": "test.greet", "args": { "name": "ada", "times": n } }))
        .collect();
    let answer = app.post("/api/jobs", json!({ "jobs": jobs })).await;
    assert_eq!(
        answer.status,
        202,
        "{}",
        answer.text.chars().take(300).collect::<String>()
    );
    assert_eq!(count(&app).await, 10_000);
    let last = answer.json()["jobs"][9_999]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    assert_eq!(
        app.get(&format!("/api/jobs/{last}")).await.json()["args"]["times"],
        9_999
    );
    let list = app
        .post(
            "/api/jobs",
            json!([{ "kind": "test.greet", "args": { "name": "bo" } }]),
        )
        .await;
    assert_eq!(list.json()["jobs"].as_array().map(Vec::len), Some(1));
    let too_many: Vec<_> = (0..10_001)
        .map(|_| json!({ "kind": "test.greet", "args": { "name": "ada" } }))
        .collect();
    let refused = app.post("/api/jobs", json!({ "jobs": too_many })).await;
    assert_eq!(
        (
            refused.status.as_u16(),
            refused.json()["errors"][0]["field"].clone()
        ),
        (422, json!("/jobs"))
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn one_wrong_job_keeps_all_out_and_is_named(pool: PgPool) {
    let app = TestApp::new(pool);
    let good = json!({ "kind": "test.greet", "args": { "name": "ada" } });
    let bad = json!({ "kind": "test.greet", "args": { "name": 7 } });
    let answer = app
        .post(
            "/api/jobs",
            json!({ "jobs": [good, bad, { "kind": "no.such" }] }),
        )
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.problem().as_str()),
        (422, "invalid-job")
    );
    let fields: Vec<_> = answer.json()["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|e| e["field"].clone())
        .collect();
    assert_eq!(fields, ["/jobs/1/args/name", "/jobs/2/kind"]);
    assert_eq!(count(&app).await, 0);
}

async fn raw(app: &TestApp, content_type: &str, body: impl Into<Body>) -> Answer {
    let request = Request::post("/api/jobs")
        .header("authorization", format!("Bearer {}", app.token(Role::Ops)))
        .header("content-type", content_type)
        .body(body.into())
        .expect("a request");
    app.send(request).await
}

#[sqlx::test(migrations = "../migrations")]
async fn bodies_of_the_wrong_shape_are_refused_with_the_place(pool: PgPool) {
    let app = TestApp::new(pool);
    let cases = [
        (
            "text/plain",
            r#"{"kind":"test.greet"}"#,
            415,
            "unsupported-media-type",
            "",
        ),
        ("application/json", "{", 400, "not-json", ""),
        ("application/json", "", 400, "not-json", ""),
        ("application/json", "{} {}", 422, "invalid", "/kind"),
        (
            "application/json; charset=utf-8",
            r#"{"kind":1}"#,
            422,
            "invalid",
            "/kind",
        ),
        (
            "application/json",
            r#"{"kind":"test.greet","urgent":true}"#,
            422,
            "invalid",
            "/urgent",
        ),
        (
            "application/json",
            r#"{"jobs":[{"kind":"test.greet","runAt":"soon"}]}"#,
            422,
            "invalid",
            "/jobs/0/runAt",
        ),
        (
            "application/json",
            r#"[{"args":{}}]"#,
            422,
            "invalid",
            "/jobs/0/kind",
        ),
        (
            "application/json",
            r#"{"kind":"test.greet","args":{"name":"a\u0000"}}"#,
            422,
            "invalid-job",
            "/args",
        ),
    ];
    for (content_type, body, status, problem, field) in cases {
        let answer = raw(&app, content_type, body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (status, problem),
            "{body}"
        );
        assert_eq!(
            answer.json()["errors"][0]["field"]
                .as_str()
                .unwrap_or_default(),
            field,
            "{body}"
        );
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_body_beyond_the_limit_is_refused(pool: PgPool) {
    let app = TestApp::new(pool);
    let answer = raw(&app, "application/json", vec![b' '; 32 * 1024 * 1024 + 1]).await;
    assert_eq!(
        (answer.status.as_u16(), answer.problem().as_str()),
        (413, "body-too-large")
    );
    let args = json!({ "name": "x".repeat(20_000) });
    let answer = app
        .post("/api/jobs", json!({ "kind": "test.greet", "args": args }))
        .await;
    assert_eq!(
        (
            answer.status.as_u16(),
            answer.json()["errors"][0]["field"].clone()
        ),
        (422, json!("/args"))
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn the_same_idempotency_key_has_its_effect_once(pool: PgPool) {
    let app = TestApp::new(pool);
    let body = json!({ "kind": "test.greet", "args": { "name": "ada" } });
    let send = async |key: &str, body| {
        app.call(
            Method::POST,
            "/api/jobs",
            &[("idempotency-key", key)],
            Some(body),
        )
        .await
    };
    let (first, second) = tokio::join!(send("k-1", body.clone()), send("k-1", body.clone()));
    assert_eq!(
        (first.status.as_u16(), &first.text),
        (second.status.as_u16(), &second.text)
    );
    assert_eq!(first.header("location"), second.header("location"));
    assert_eq!(count(&app).await, 1);
    send("k-2", body.clone()).await;
    assert_eq!(count(&app).await, 2);
    let other = send(
        "k-1",
        json!({ "kind": "test.greet", "args": { "name": "bo" } }),
    )
    .await;
    assert_eq!(
        (other.status.as_u16(), other.problem().as_str()),
        (422, "idempotency-key-reused")
    );
    let long = send(&"k".repeat(201), body).await;
    assert_eq!(
        (long.status.as_u16(), long.problem().as_str()),
        (400, "bad-idempotency-key")
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refused_request_does_not_use_up_its_key(pool: PgPool) {
    let app = TestApp::new(pool);
    let key = [("idempotency-key", "k-1")];
    let bad = app
        .call(
            Method::POST,
            "/api/jobs",
            &key,
            Some(json!({ "kind": "no.such" })),
        )
        .await;
    assert_eq!(bad.status, 422);
    let good = json!({ "kind": "test.greet", "args": { "name": "ada" } });
    assert_eq!(
        app.call(Method::POST, "/api/jobs", &key, Some(good))
            .await
            .status,
        202
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn the_trace_of_the_request_is_the_jobs(pool: PgPool) {
    let app = TestApp::new(pool);
    let trace = [(
        "traceparent",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )];
    let body = json!({ "kind": "test.greet", "args": { "name": "ada" } });
    let answer = app
        .call(Method::POST, "/api/jobs", &trace, Some(body))
        .await;
    let job = app.get(answer.header("location")).await.json();
    assert!(
        job["traceparent"]
            .as_str()
            .is_some_and(|text| text.starts_with("00-0af7651916cd43dd8448eb211c80319c-")),
        "{job}"
    );
}
