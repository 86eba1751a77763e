//! Onboarding over HTTP.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};
use shared::kernel::Role;
use sqlx::PgPool;

use crate::creators::wrong_fields;
use crate::support::{Answer, TestApp};

/// Registers somebody whose profile is filled in; answers where their onboarding is shown.
async fn newcomer(app: &TestApp, name: &str) -> String {
    let body = json!({ "email": format!("{name}@example.com"), "username": name, "clusterId": "girlfanz",
                       "displayName": "Ada", "firstName": "Ada", "timeZone": "Europe/Berlin" });
    let made = app.post("/api/creators", body).await.json();
    format!(
        "/api/creators/{}/onboarding",
        made["id"].as_str().expect("an id")
    )
}

fn step<'a>(shown: &'a Value, id: &str) -> &'a Value {
    let steps = shown["steps"].as_array().expect("steps");
    steps
        .iter()
        .find(|step| step["stepId"] == id)
        .expect("the step")
}

async fn complete(app: &TestApp, path: &str, step: &str, data: Value) -> Answer {
    app.post(
        &format!("{path}/complete"),
        json!({ "stepId": step, "data": data }),
    )
    .await
}

async fn approve(app: &TestApp, path: &str, step: &str) -> Answer {
    let body = json!({ "stepId": step, "decision": "approve", "reason": "seen" });
    app.post(&format!("{path}/decisions"), body).await
}

#[sqlx::test(migrations = "../migrations")]
async fn the_specifications_body_completes_a_profile_that_is_filled_in(pool: PgPool) {
    let app = TestApp::new(pool);
    let path = newcomer(&app, "ada").await;
    let early = complete(
        &app,
        &path,
        "profile_setup",
        json!({ "profileComplete": true }),
    )
    .await;
    assert_eq!(
        (early.status.as_u16(), early.problem().as_str()),
        (409, "onboarding-out-of-order")
    );
    assert_eq!(
        complete(&app, &path, "welcome", json!({})).await.status,
        200
    );
    let body = json!({ "stepId": "profile_setup", "data": { "profileComplete": true } });
    let done = app.post(&format!("{path}/complete"), body).await;
    assert_eq!(done.status, 200, "{done:?}");
    let shown = done.json();
    assert_eq!(step(&shown, "profile_setup")["state"], "completed");
    assert_eq!(shown["percent"], 25);
    assert_eq!(shown["currentStep"], "verification");
    assert_eq!(app.get(&path).await.json()["steps"], shown["steps"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn each_step_tells_its_order_its_prerequisites_and_what_is_in_its_way(pool: PgPool) {
    let app = TestApp::new(pool);
    let path = newcomer(&app, "ada").await;
    let shown = app.get(&path).await.json();
    assert_eq!(
        (&shown["flowVersion"], &shown["state"], &shown["percent"]),
        (&json!(1), &json!("open"), &json!(0))
    );
    assert_eq!(shown["currentStep"], "welcome");
    let orders: Vec<u64> = shown["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .filter_map(|step| step["order"].as_u64())
        .collect();
    assert_eq!(orders, (1..=10).collect::<Vec<u64>>());
    let payout = step(&shown, "payout_setup");
    assert_eq!(payout["prerequisites"], json!(["verification"]));
    assert_eq!(
        payout["blockers"],
        json!([{ "kind": "prerequisite", "what": "verification" }, { "kind": "decision", "what": null }])
    );
    assert_eq!(
        (&payout["startedAt"], &payout["dueAt"]),
        (&Value::Null, &Value::Null)
    );
    assert!(step(&shown, "welcome")["dueAt"].is_string());
    app.app.clock.advance(chrono::Duration::days(2));
    assert_eq!(
        step(&app.get(&path).await.json(), "welcome")["overdue"],
        true
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_run_is_gone_through_and_its_figures_are_told(pool: PgPool) {
    let app = TestApp::new(pool);
    let empty = app.get("/api/analytics/onboarding").await.json();
    for name in ["completionRate", "averageTime", "medianTime"] {
        assert_eq!(empty[name], Value::Null, "{name}");
    }
    assert_eq!(empty["abandonmentPoints"], json!([]));

    let path = newcomer(&app, "ada").await;
    complete(&app, &path, "welcome", json!({})).await;
    complete(
        &app,
        &path,
        "profile_setup",
        json!({ "profileComplete": true }),
    )
    .await;
    let word = complete(&app, &path, "verification", json!({})).await;
    assert_eq!(
        (word.status.as_u16(), word.problem().as_str()),
        (409, "onboarding-needs-decision")
    );
    approve(&app, &path, "verification").await;
    complete(
        &app,
        &path,
        "content_setup",
        json!({ "categories": ["art"], "contentTypes": ["photos"] }),
    )
    .await;
    complete(
        &app,
        &path,
        "pricing_setup",
        json!({ "subscriptionPrice": 9.99, "currency": "USD" }),
    )
    .await;
    approve(&app, &path, "payout_setup").await;
    approve(&app, &path, "compliance_training").await;
    app.app.clock.advance(chrono::Duration::days(1));
    let done = approve(&app, &path, "first_content").await.json();
    assert_eq!(
        (&done["state"], &done["percent"], &done["currentStep"]),
        (&json!("completed"), &json!(100), &Value::Null)
    );
    let skipped = app
        .post(
            &format!("{path}/skip"),
            json!({ "stepId": "marketing_setup" }),
        )
        .await
        .json();
    assert_eq!(step(&skipped, "marketing_setup")["state"], "skipped");

    let told = app
        .get("/api/analytics/onboarding?clusterId=girlfanz")
        .await
        .json();
    assert_eq!(told["completionRate"], 1.0);
    let minutes = told["averageTime"].as_f64().expect("measured");
    assert!((1440.0..1441.0).contains(&minutes), "{minutes}");
    let elsewhere = app
        .get("/api/analytics/onboarding?clusterId=boyfanz&from=2020-01-01&to=2099-01-01T00:00:00Z")
        .await
        .json();
    assert_eq!(
        (&elsewhere["started"], &elsewhere["completionRate"]),
        (&json!(0), &Value::Null)
    );
    assert_eq!(
        wrong_fields(&app.get("/api/analytics/onboarding?clusterId=girlfan").await),
        ["clusterId"],
        "a misspelt cluster is none in which nothing happens"
    );
    assert_eq!(
        wrong_fields(&app.get("/api/analytics/onboarding?from=soon&to=1").await),
        ["from", "to"]
    );

    let reopened = app
        .post(
            &format!("{path}/reopen"),
            json!({ "stepId": "verification", "reason": "expired" }),
        )
        .await
        .json();
    assert_eq!(reopened["state"], "open");
    let first = app.get(&format!("{path}/history?limit=2")).await.json();
    assert_eq!(
        (&first["items"][0]["kind"], &first["items"][1]["kind"]),
        (&json!("run_resumed"), &json!("step_reopened"))
    );
    let next = format!(
        "{path}/history?limit=2&cursor={}",
        first["nextCursor"].as_str().expect("a cursor")
    );
    assert_eq!(
        app.get(&next).await.json()["items"][0]["stepId"],
        "marketing_setup"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_wrong_is_named(pool: PgPool) {
    let app = TestApp::new(pool);
    let path = newcomer(&app, "ada").await;
    assert_eq!(
        wrong_fields(&complete(&app, &path, "wellcome", json!({})).await),
        ["/stepId"]
    );
    let odd = complete(&app, &path, "welcome", json!({ "acknowledged": false })).await;
    assert_eq!(wrong_fields(&odd), ["/data/acknowledged"]);
    let body = json!({ "stepId": "x", "decision": "maybe", "reason": "" });
    assert_eq!(
        wrong_fields(&app.post(&format!("{path}/decisions"), body).await),
        ["/stepId", "/decision"]
    );
    let body = json!({ "stepId": "welcome", "decision": "reject", "reason": " " });
    assert_eq!(
        wrong_fields(&app.post(&format!("{path}/decisions"), body).await),
        ["/reason"]
    );
    let required = app
        .post(&format!("{path}/skip"), json!({ "stepId": "welcome" }))
        .await;
    assert_eq!(
        (required.status.as_u16(), required.problem().as_str()),
        (409, "onboarding-step-required")
    );
    let nobody = format!("/api/creators/creator_{}/onboarding", "0".repeat(32));
    assert_eq!(app.get(&nobody).await.problem(), "creator-not-found");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_client_of_staff_rights_cannot_be_replaced_by_a_service(pool: PgPool) {
    let app = TestApp::new(pool);
    let path = newcomer(&app, "ada").await;
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("{path}/decisions"))
        .header(
            "authorization",
            format!("Bearer {}", app.token(Role::Service)),
        )
        .header("content-type", "application/json")
        .body(Body::from(
            json!({ "stepId": "welcome", "decision": "approve", "reason": "x" }).to_string(),
        ))
        .expect("a request");
    assert_eq!(app.send(request).await.status, 403);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_published_flow_is_taken_by_those_who_come_later(pool: PgPool) {
    let app = TestApp::new(pool);
    let before = newcomer(&app, "ada").await;
    let listed = app
        .get("/api/onboarding/flows?clusterId=girlfanz")
        .await
        .json();
    let mut flow = listed["items"][0].clone();
    let map = flow.as_object_mut().expect("a flow");
    for name in ["version", "publishedBy", "publishedAt"] {
        map.remove(name);
    }
    let published = app.post("/api/onboarding/flows", flow.clone()).await;
    assert_eq!(
        (published.status.as_u16(), &published.json()["version"]),
        (201, &json!(2)),
        "{published:?}"
    );
    let after = newcomer(&app, "bea").await;
    assert_eq!(app.get(&before).await.json()["flowVersion"], 1);
    assert_eq!(app.get(&after).await.json()["flowVersion"], 2);

    flow["steps"][2]["proof"] = json!("word");
    assert_eq!(
        wrong_fields(&app.post("/api/onboarding/flows", flow.clone()).await),
        ["/steps/2/proof"]
    );
    flow["clusterId"] = json!("nofanz");
    flow["steps"][2]["proof"] = json!("staff");
    assert_eq!(
        app.post("/api/onboarding/flows", flow).await.problem(),
        "onboarding-flow-not-found"
    );
}
