//! Kept filters, operations on many creators, and duplicates over HTTP.

use axum::http::Method;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::creators::{activated, registered, wrong_fields};
use crate::support::TestApp;

#[sqlx::test(migrations = "../migrations")]
async fn a_filter_is_kept_changed_and_removed_by_its_owner(pool: PgPool) {
    let app = TestApp::new(pool);
    let body = json!({
        "name": "My stars", "shared": true, "sort": "-tier",
        "filter": { "tiers": ["star", "superstar"], "clusters": ["girlfanz"] },
    });
    let kept = app.post("/api/creator-views", body.clone()).await;
    assert_eq!(kept.status.as_u16(), 201, "{kept:?}");
    let path = kept.header("location").to_owned();
    let again = app.post("/api/creator-views", body).await;
    assert_eq!(
        (again.status.as_u16(), again.problem().as_str()),
        (409, "creator-view-name-taken")
    );
    let listed = app.get("/api/creator-views").await.json();
    assert_eq!(listed["items"][0], kept.json());
    assert_eq!(
        listed["items"][0]["filter"]["tiers"],
        json!(["star", "superstar"])
    );
    let other = json!({ "name": "Stars", "filter": { "q": "ada" } });
    let stale = [("if-match", "\"7\"")];
    let refused = app
        .call(Method::PUT, &path, &stale, Some(other.clone()))
        .await;
    assert_eq!(refused.status.as_u16(), 412, "{refused:?}");
    let changed = app
        .call(Method::PUT, &path, &[("if-match", "\"1\"")], Some(other))
        .await;
    assert_eq!(changed.header("etag"), "\"2\"");
    assert_eq!(
        (
            changed.json()["shared"].clone(),
            changed.json()["sort"].clone()
        ),
        (json!(false), json!("-created"))
    );
    let gone = app.call(Method::DELETE, &path, &[], None).await;
    assert_eq!(gone.status.as_u16(), 204);
    let gone = app.call(Method::DELETE, &path, &[], None).await;
    assert_eq!(gone.status.as_u16(), 404);
    let wrong = json!({ "name": "", "filter": { "q": "" } });
    let answer = app.post("/api/creator-views", wrong).await;
    assert_eq!(wrong_fields(&answer), ["/filter/q", "/name"]);
    let wrong = json!({ "name": "x", "sort": "email", "filter": { "tiers": ["gold"] } });
    let answer = app.post("/api/creator-views", wrong).await;
    assert_eq!(wrong_fields(&answer), ["/sort", "/filter/tiers/0"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_operation_is_looked_at_begun_and_shown(pool: PgPool) {
    let app = TestApp::new(pool);
    activated(&app, "ada").await;
    let body = json!({
        "action": { "type": "suspend", "duration": 60 },
        "filter": { "clusters": ["girlfanz"], "statuses": ["active"] }, "reason": "a test",
    });
    let preview = app
        .post("/api/creator-bulk-operations/preview", body.clone())
        .await;
    assert_eq!(preview.json()["matched"], 1, "{preview:?}");
    assert_eq!(preview.json()["sample"][0]["username"], "ada");
    let started = app.post("/api/creator-bulk-operations", body).await;
    assert_eq!(started.status.as_u16(), 202, "{started:?}");
    let path = started.header("location").to_owned();
    let shown = app.get(&path).await.json();
    assert_eq!(
        (&shown["state"], &shown["progress"]),
        (&json!("running"), &json!(0.0))
    );
    let cancelled = app.post(&format!("{path}/cancel"), json!({})).await;
    assert_eq!(cancelled.json()["state"], "cancelled");
    for (body, field) in [
        (
            json!({ "action": { "type": "archive" }, "filter": {}, "reason": "x" }),
            "/filter",
        ),
        (
            json!({ "action": { "type": "archive" }, "filter": { "q": "a" } }),
            "/reason",
        ),
        (
            json!({ "action": { "type": "set_status", "status": "gone" }, "filter": { "q": "a" }, "reason": "x" }),
            "/action/status",
        ),
    ] {
        let answer = app.post("/api/creator-bulk-operations", body).await;
        assert_eq!(wrong_fields(&answer), [field]);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn duplicates_are_listed_and_merged(pool: PgPool) {
    let app = TestApp::new(pool);
    let (gone, _) = registered(&app, "ada").await;
    let (kept, _) = registered(&app, "eve").await;
    for path in [&gone, &kept] {
        let body = json!({ "phone": "+15550100123" });
        app.call(Method::PATCH, path, &[], Some(body)).await;
    }
    let found = app.get(&format!("{gone}/duplicates")).await.json();
    assert_eq!(found["items"][0]["likeness"], json!(["phone"]));
    let id = |path: &str| path.rsplit('/').next().expect("an id").to_owned();
    let body = json!({ "into": id(&kept), "reason": "registered again" });
    let merged = app.post(&format!("{gone}/merge"), body).await;
    assert_eq!(merged.json()["id"], id(&kept), "{merged:?}");
    let shown = app.get(&gone).await;
    assert_eq!(shown.header("content-location"), kept);
    let listed = app.get("/api/creators").await.json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
    let found = app
        .get(&format!("/api/creators?q={}", id(&gone)))
        .await
        .json();
    assert_eq!(
        found["items"][0]["id"],
        id(&kept),
        "the old id finds the one that is kept"
    );
    let wrong = app
        .post(
            &format!("{kept}/merge"),
            json!({ "into": "x", "reason": "x" }),
        )
        .await;
    assert_eq!(wrong_fields(&wrong), ["/into"]);
    let nobody: Value = json!({ "into": format!("creator_{}", "0".repeat(32)), "reason": "x" });
    assert_eq!(
        app.post(&format!("{kept}/merge"), nobody)
            .await
            .status
            .as_u16(),
        404
    );
}
