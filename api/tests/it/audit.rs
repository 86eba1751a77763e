//! The audit trail over HTTP: every write leaves an entry, and an altered one is named.

use axum::http::Method;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::TestApp;

/// Calls as an admin; the answer must be a success.
async fn did(app: &TestApp, method: Method, path: &str, body: Option<Value>) -> Value {
    let answer = app
        .call(method, path, &[("x-request-id", "the-request")], body)
        .await;
    assert!(answer.status.is_success(), "{path}: {answer:?}");
    serde_json::from_str(&answer.text).unwrap_or_default()
}

async fn entries(app: &TestApp, query: &str) -> Vec<Value> {
    let answer = app.get(&format!("/api/admin/audit?{query}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["items"].as_array().expect("items").clone()
}

/// What was done, the oldest first.
async fn actions(app: &TestApp, query: &str) -> Vec<String> {
    let entries = entries(app, query).await.into_iter().rev();
    entries
        .map(|entry| entry["action"].as_str().expect("an action").to_owned())
        .collect()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

#[sqlx::test(migrations = "../migrations")]
async fn steering_the_queue_leaves_a_trail(pool: PgPool) {
    let app = TestApp::new(pool);
    let limit = json!({ "concurrencyLimit": 3 });
    did(&app, Method::PATCH, "/api/queues/tests", Some(limit)).await;
    let schedule = json!({ "name": "daily", "kind": "test.greet", "args": { "name": "ada" }, "cron": "30 9 * * *" });
    let schedule = did(&app, Method::POST, "/api/schedules", Some(schedule)).await;
    let path = format!("/api/schedules/{}", text(&schedule["id"]));
    did(&app, Method::PATCH, &path, Some(json!({ "paused": true }))).await;
    did(&app, Method::POST, &format!("{path}/run-now"), None).await;
    did(&app, Method::DELETE, &path, None).await;
    let job =
        json!({ "kind": "test.greet", "args": { "name": "ada" }, "runAt": "2030-01-01T00:00:00Z" });
    let job = did(&app, Method::POST, "/api/jobs", Some(job)).await;
    let path = format!("/api/jobs/{}", text(&job["id"]));
    did(&app, Method::POST, &format!("{path}/run-now"), None).await;
    let reason = json!({ "reason": "Ada asked for it" });
    did(&app, Method::POST, &format!("{path}/cancel"), Some(reason)).await;
    did(&app, Method::POST, &format!("{path}/retry"), None).await;
    let bulk =
        json!({ "action": "cancel", "filter": { "kind": "test.greet" }, "reason": "a mistake" });
    let bulk = did(&app, Method::POST, "/api/bulk-operations", Some(bulk)).await;
    let path = format!("/api/bulk-operations/{}", text(&bulk["id"]));
    for what in ["pause", "resume", "cancel"] {
        did(&app, Method::POST, &format!("{path}/{what}"), None).await;
    }

    assert_eq!(
        actions(&app, "actor=user:tester").await,
        [
            "queue.change",
            "schedule.create",
            "schedule.change",
            "schedule.run",
            "schedule.remove",
            "job.enqueue",
            "job.run_now",
            "job.cancel",
            "job.retry",
            "bulk.start",
            "bulk.pause",
            "bulk.resume",
            "bulk.cancel"
        ]
    );
    let changed = &entries(&app, "subject=queue:tests").await[0];
    assert_eq!(changed["before"]["concurrencyLimit"], Value::Null);
    assert_eq!(changed["after"]["concurrencyLimit"], 3);
    assert_eq!(changed["requestId"], "the-request");
    let cancelled = &entries(&app, "action=job.cancel").await[0];
    assert_eq!(cancelled["reason"], "Ada asked for it");
    assert_eq!(
        cancelled["subject"],
        json!({ "kind": "job", "id": job["id"] })
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_campaign_and_its_creators_leave_a_trail(pool: PgPool) {
    let app = TestApp::new(pool);
    let creator = json!({ "email": "ada@x.example", "username": "ada", "clusterId": "girlfanz",
                          "consents": [{ "channel": "email", "source": "signup_form" }] });
    let creator = did(&app, Method::POST, "/api/creators", Some(creator)).await;
    assert_eq!(
        actions(&app, &format!("subject={}", text(&creator["id"]))).await,
        ["creator.register", "creator.consent", "onboarding.begin"]
    );
    let campaign = json!({ "name": "Q1", "type": "retention", "targetAudience": { "clusters": ["girlfanz"] },
                           "content": { "subject": "Hi", "message": "Hello" }, "schedule": { "type": "immediate" } });
    let campaign = did(&app, Method::POST, "/api/campaigns", Some(campaign)).await;
    let path = format!("/api/campaigns/{}", text(&campaign["id"]));
    for what in ["launch", "pause", "pause", "resume", "cancel"] {
        did(&app, Method::POST, &format!("{path}/{what}"), None).await;
    }
    assert_eq!(
        actions(&app, &format!("subject={}", text(&campaign["id"]))).await,
        [
            "campaign.create",
            "campaign.launch",
            "campaign.start",
            "campaign.pause",
            "campaign.resume",
            "campaign.start",
            "campaign.cancel"
        ]
    );
    let stored: String = sqlx::query_scalar("select string_agg(entry, '') from audit_entries")
        .fetch_one(app.app.db.pool())
        .await
        .expect("read");
    assert!(!stored.contains("ada@x.example"), "{stored}");
}

#[sqlx::test(migrations = "../migrations")]
async fn verification_names_the_entry_that_somebody_altered(pool: PgPool) {
    let app = TestApp::new(pool);
    for limit in 1..=3 {
        let limit = json!({ "concurrencyLimit": limit });
        did(&app, Method::PATCH, "/api/queues/tests", Some(limit)).await;
    }
    let sound = app.get("/api/admin/audit/verify").await.json();
    assert_eq!(
        (&sound["checked"], &sound["complete"]),
        (&json!(3), &json!(true))
    );
    let (seq, hash) = (&sound["head"]["seq"], text(&sound["head"]["hash"]));
    let path = format!("/api/admin/audit/verify?anchorSeq={seq}&anchorHash={hash}");
    assert_eq!(app.get(&path).await.json()["broken"], Value::Null);

    let mut tx = app.app.db.begin().await.expect("a transaction");
    for sql in [
        "set local session_replication_role = replica",
        "update audit_entries set entry = replace(entry, '\"concurrencyLimit\":2', '\"concurrencyLimit\":9')",
    ] {
        sqlx::query(sql).execute(&mut *tx).await.expect(sql);
    }
    tx.commit().await.expect("committed");
    let found = app.get("/api/admin/audit/verify").await.json();
    assert_eq!(
        json!([
            found["checked"],
            found["complete"],
            found["broken"]["seq"],
            found["broken"]["fault"]
        ]),
        json!([1, false, 2, "altered"])
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn what_cannot_be_searched_for_is_named(pool: PgPool) {
    let app = TestApp::new(pool);
    for (path, field) in [
        ("/api/admin/audit?subject=nobody", "subject"),
        ("/api/admin/audit?from=yesterday", "from"),
        ("/api/admin/audit?cursor=x", "cursor"),
        ("/api/admin/audit?limit=0", "limit"),
        ("/api/admin/audit/verify?anchorSeq=1", "anchorHash"),
        (
            "/api/admin/audit/verify?anchorSeq=1&anchorHash=xyz",
            "anchorHash",
        ),
    ] {
        let answer = app.get(path).await;
        assert_eq!(answer.status, 422, "{path}: {answer:?}");
        assert_eq!(answer.json()["errors"][0]["field"], field, "{path}");
    }
}
