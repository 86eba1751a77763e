//! Schedules.

use axum::http::Method;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shared::queue::schedule::fire_due;
use sqlx::PgPool;

use crate::support::{Answer, TestApp};

fn daily() -> Value {
    json!({ "name": "daily", "kind": "test.greet", "args": { "name": "ada" }, "cron": "30 9 * * 1-5",
            "timezone": "Europe/Berlin", "misfire": "skip", "priority": "low", "queue": "tests" })
}

async fn made(app: &TestApp, body: Value) -> Value {
    let answer = app.post("/api/schedules", body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

async fn patch(app: &TestApp, id: &Value, headers: &[(&str, &str)], body: Value) -> Answer {
    let path = format!("/api/schedules/{}", id.as_str().expect("an id"));
    app.call(Method::PATCH, &path, headers, Some(body)).await
}

fn ticks(schedule: &Value) -> Vec<DateTime<Utc>> {
    serde_json::from_value(schedule["nextTicks"].clone()).expect("times")
}

#[sqlx::test(migrations = "../migrations")]
async fn a_schedule_shows_when_it_runs(pool: PgPool) {
    let app = TestApp::new(pool);
    let answer = app.post("/api/schedules", daily()).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("etag")),
        (201, "\"1\"")
    );
    let shown = app.get(answer.header("location")).await.json();
    assert_eq!(
        json!([
            shown["name"],
            shown["cron"],
            shown["timezone"],
            shown["misfire"],
            shown["priority"],
            shown["paused"],
            shown["runs"]
        ]),
        json!([
            "daily",
            "30 9 * * 1-5",
            "Europe/Berlin",
            "skip",
            "low",
            false,
            []
        ])
    );
    let ticks = ticks(&shown);
    assert_eq!(ticks.len(), 10);
    assert!(ticks.iter().all(|tick| *tick > app.app.clock.now()));
    // half past nine in Berlin is 7:30 or 8:30 in UTC
    assert!(
        ticks
            .iter()
            .all(|tick| ["07:30", "08:30"].contains(&tick.format("%H:%M").to_string().as_str())),
        "{ticks:?}"
    );
    assert_eq!(
        app.get("/api/schedules").await.json()["items"][0]["id"],
        shown["id"]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_wrong_with_a_schedule_is_named(pool: PgPool) {
    let app = TestApp::new(pool);
    for (change, field) in [
        (json!({ "cron": "every day" }), "/cron"),
        (json!({ "cron": "0 0 30 2 *" }), "/cron"),
        (json!({ "timezone": "Mars/Base" }), "/timezone"),
        (json!({ "kind": "no.such" }), "/kind"),
        (json!({ "args": { "name": 1 } }), "/args/name"),
        (json!({ "queue": "No Queue" }), "/queue"),
        (json!({ "name": "" }), "/name"),
        (json!({ "misfire": "never" }), "/misfire"),
        (json!({ "colour": 1 }), "/colour"),
    ] {
        let mut body = daily();
        body.as_object_mut()
            .expect("an object")
            .extend(change.as_object().expect("an object").clone());
        let answer = app.post("/api/schedules", body).await;
        assert_eq!(
            (
                answer.status.as_u16(),
                answer.json()["errors"][0]["field"].clone()
            ),
            (422, json!(field)),
            "{change}"
        );
    }
    made(&app, daily()).await;
    assert_eq!(
        app.post("/api/schedules", daily()).await.problem(),
        "name-taken"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_pattern_can_be_looked_at_before(pool: PgPool) {
    let app = TestApp::new(pool);
    let preview = app
        .get("/api/schedules/preview?cron=0%200%20*%20*%20*&timezone=Asia/Tokyo")
        .await
        .json();
    assert!(
        ticks(&preview)
            .iter()
            .all(|tick| tick.format("%H:%M").to_string() == "15:00"),
        "{preview}"
    );
    assert!(
        preview["description"]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    );
    assert_eq!(
        app.get("/api/schedules/preview?cron=nonsense").await.json()["errors"][0]["field"],
        "cron"
    );
    assert_eq!(
        app.get("/api/schedules/preview").await.json()["errors"][0]["field"],
        "cron"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_schedule_is_changed_by_version(pool: PgPool) {
    let app = TestApp::new(pool);
    let id = made(&app, daily()).await["id"].clone();
    let changed = patch(
        &app,
        &id,
        &[("if-match", "\"1\"")],
        json!({ "cron": "0 12 * * *", "timezone": "UTC", "queue": null }),
    )
    .await;
    assert_eq!(
        (changed.status.as_u16(), changed.header("etag")),
        (200, "\"2\""),
        "{changed:?}"
    );
    assert_eq!(
        json!([changed.json()["queue"], changed.json()["priority"]]),
        json!([null, "low"])
    );
    assert!(
        ticks(&changed.json())
            .iter()
            .all(|tick| tick.format("%H:%M").to_string() == "12:00")
    );
    let stale = patch(
        &app,
        &id,
        &[("if-match", "\"1\"")],
        json!({ "name": "other" }),
    )
    .await;
    assert_eq!(
        (stale.status.as_u16(), stale.problem().as_str()),
        (412, "stale")
    );
    assert_eq!(
        patch(&app, &id, &[], json!({ "args": {} })).await.json()["errors"][0]["field"],
        "/args"
    );
    assert_eq!(patch(&app, &id, &[], json!({})).await.json()["version"], 2);
    let path = format!("/api/schedules/{}", id.as_str().expect("an id"));
    assert_eq!(
        app.call(Method::DELETE, &path, &[("if-match", "\"1\"")], None)
            .await
            .status,
        412
    );
    assert_eq!(app.call(Method::DELETE, &path, &[], None).await.status, 204);
    assert_eq!(app.get(&path).await.problem(), "schedule-not-found");
    assert_eq!(app.call(Method::DELETE, &path, &[], None).await.status, 404);
}

/// Lets the last tick of every schedule be two hours ago.
async fn turn_back(app: &TestApp) {
    sqlx::query("update schedules set last_tick = last_tick - interval '2 hours'")
        .execute(app.app.db.pool())
        .await
        .expect("set");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_paused_schedule_does_nothing_and_makes_up_for_nothing(pool: PgPool) {
    let app = TestApp::new(pool);
    let body = json!({ "name": "often", "kind": "test.greet", "args": { "name": "a" }, "cron": "* * * * *", "misfire": "all" });
    let id = made(&app, body).await["id"].clone();
    let paused = patch(&app, &id, &[], json!({ "paused": true }))
        .await
        .json();
    assert_eq!(
        json!([paused["paused"], paused["nextTicks"]]),
        json!([true, []])
    );
    turn_back(&app).await;
    assert_eq!(
        fire_due(app.app.db.pool(), &app.app.catalog)
            .await
            .expect("answered"),
        0
    );
    patch(&app, &id, &[], json!({ "paused": false })).await;
    assert!(
        fire_due(app.app.db.pool(), &app.app.catalog)
            .await
            .expect("answered")
            <= 1,
        "only what is due since"
    );
    turn_back(&app).await;
    assert!(
        fire_due(app.app.db.pool(), &app.app.catalog)
            .await
            .expect("answered")
            >= 119
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_schedule_runs_when_it_is_told_to_and_remembers(pool: PgPool) {
    let app = TestApp::new(pool);
    let id = made(&app, daily()).await["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let answer = app
        .post(&format!("/api/schedules/{id}/run-now"), json!({}))
        .await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let job = app.get(answer.header("location")).await.json();
    assert_eq!(
        json!([
            job["state"],
            job["priority"],
            job["tags"],
            job["args"]["name"]
        ]),
        json!(["available", "low", ["schedule:daily"], "ada"])
    );
    let runs = app.get(&format!("/api/schedules/{id}")).await.json()["runs"].clone();
    assert_eq!(
        json!([
            runs[0]["jobId"],
            runs[0]["manual"],
            runs.as_array().map(Vec::len)
        ]),
        json!([job["id"], true, 1])
    );
}
