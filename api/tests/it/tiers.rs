//! Tiers over HTTP.

use axum::http::Method;
use chrono::Duration;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::creators::{registered, wrong_fields};
use crate::support::TestApp;

#[sqlx::test(migrations = "../migrations")]
async fn the_rules_are_shown_with_their_source(pool: PgPool) {
    let app = TestApp::new(pool);
    let rules = app.get("/api/tiers").await.json();
    let bands: Vec<_> = rules["bands"]
        .as_array()
        .expect("bands")
        .iter()
        .map(|band| (band["tier"].clone(), band["fromMinor"].clone()))
        .collect();
    assert_eq!(
        bands,
        [
            (json!("emerging"), json!(0)),
            (json!("rising"), json!(100_000)),
            (json!("established"), json!(500_000)),
            (json!("star"), json!(2_500_000)),
            (json!("superstar"), json!(10_000_000)),
        ]
    );
    assert!(
        rules["source"]
            .as_str()
            .is_some_and(|source| !source.is_empty())
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_tier_is_set_by_hand_and_taken_back(pool: PgPool) {
    let app = TestApp::new(pool);
    let (path, _) = registered(&app, "ada").await;
    let put = async |body: Value| {
        let path = format!("{path}/tier-override");
        app.call(Method::PUT, &path, &[], Some(body)).await
    };
    let until = app.app.clock.now() + Duration::days(30);
    let set = put(json!({ "tier": "star", "reason": "a famous guest", "until": until })).await;
    assert_eq!(set.status.as_u16(), 200, "{set:?}");
    assert_eq!(set.json()["override"]["setBy"], "user:tester");
    let stale = [("if-match", "\"0\"")];
    let late = json!({ "tier": "rising", "reason": "not so famous", "until": until });
    let refused = app
        .call(
            Method::PUT,
            &format!("{path}/tier-override"),
            &stale,
            Some(late),
        )
        .await;
    assert_eq!(refused.status.as_u16(), 412, "{refused:?}");
    assert_eq!(
        app.get(&format!("{path}/tier")).await.header("etag"),
        set.header("etag")
    );
    assert_eq!(app.get(&path).await.json()["tier"], "star");
    let status = app.get(&format!("{path}/tier")).await.json();
    assert_eq!(
        (&status["organic"], &status["figureMinor"]),
        (&json!("newcomer"), &json!(0))
    );
    assert_eq!(
        status["next"],
        json!({ "tier": "superstar", "missingMinor": 10_000_000 })
    );

    let late = app.app.clock.now() + Duration::days(400);
    for (body, field) in [
        (
            json!({ "tier": "gold", "reason": "x", "until": until }),
            "/tier",
        ),
        (
            json!({ "tier": "star", "reason": "", "until": until }),
            "/reason",
        ),
        (
            json!({ "tier": "star", "reason": "x", "until": late }),
            "/until",
        ),
    ] {
        assert_eq!(wrong_fields(&put(body).await), [field]);
    }
    let override_path = format!("{path}/tier-override");
    let cleared = app.call(Method::DELETE, &override_path, &[], None).await;
    assert_eq!(cleared.json()["tier"], "newcomer");
    assert_eq!(cleared.json()["override"], Value::Null);
    let again = app.call(Method::DELETE, &override_path, &[], None).await;
    assert_eq!(
        (again.status.as_u16(), again.problem().as_str()),
        (404, "no-tier-override")
    );
    let history = app.get(&format!("{path}/tier-history")).await.json();
    let reasons: Vec<_> = history["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|line| line["to"].clone())
        .collect();
    assert_eq!(
        reasons,
        [json!("newcomer"), json!("star"), json!("newcomer")]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn an_evaluation_of_all_waits_once(pool: PgPool) {
    let app = TestApp::new(pool);
    let first = app.post("/api/tiers/runs", json!({})).await;
    let second = app.post("/api/tiers/runs", json!({})).await;
    assert_eq!(first.status.as_u16(), 202, "{first:?}");
    assert_eq!(first.json(), second.json(), "one that waits will do");
    let runs = app.get("/api/tiers/runs").await.json();
    assert_eq!(runs["items"], json!([]), "none has begun");
}
