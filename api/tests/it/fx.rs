//! Exchange rates over HTTP.

use axum::http::Method;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::creators::wrong_fields;
use crate::support::{Answer, TestApp};

async fn put(app: &TestApp, currency: &str, day: &str, body: Value) -> Answer {
    let path = format!("/api/fx/rates/{currency}/{day}");
    app.call(Method::PUT, &path, &[], Some(body)).await
}

#[sqlx::test(migrations = "../migrations")]
async fn a_rate_is_put_by_hand_digit_for_digit_and_looked_up(pool: PgPool) {
    let app = TestApp::new(pool);
    let today = app.app.clock.now().date_naive();
    let day = today.to_string();
    let made = put(
        &app,
        "USD",
        &day,
        json!({ "rate": 1.1, "reason": "a test" }),
    )
    .await;
    assert_eq!(made.status.as_u16(), 200, "{made:?}");
    assert!(made.text.contains("\"rate\":1.1,"), "{}", made.text);
    let made = put(
        &app,
        "GBP",
        &day,
        json!({ "rate": "0.86", "reason": "a test" }),
    )
    .await;
    assert_eq!(made.json()["recordedBy"], "user:tester");

    let cross = app.get("/api/fx/lookup?from=USD&to=GBP").await;
    assert!(
        cross.text.contains("\"rate\":0.781818181818,"),
        "{}",
        cross.text
    );
    assert_eq!(cross.json()["madeOf"].as_array().map(Vec::len), Some(2));
    let list = app.get("/api/fx/rates?currency=USD").await.json();
    assert_eq!(list["items"][0]["reason"], "a test");
    assert_eq!(list["nextCursor"], Value::Null);

    let audit = app.get("/api/admin/audit?action=fx.put_rate").await.json();
    assert_eq!(audit["items"].as_array().map(Vec::len), Some(2));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_missing_rate_is_a_conflict_and_never_one(pool: PgPool) {
    let app = TestApp::new(pool);
    let missing = app.get("/api/fx/lookup?from=USD&to=EUR").await;
    assert_eq!(missing.status.as_u16(), 409, "{missing:?}");
    assert!(
        missing.json()["type"]
            .as_str()
            .is_some_and(|kind| kind.ends_with("no-exchange-rate"))
    );
    let same = app.get("/api/fx/lookup?from=USD&to=USD").await;
    assert_eq!(same.status.as_u16(), 422, "{same:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_no_rate_is_refused_with_the_field(pool: PgPool) {
    let app = TestApp::new(pool);
    let day = app.app.clock.now().date_naive().to_string();
    for rate in [
        json!(0),
        json!(-1),
        json!("1,5"),
        json!("1e3"),
        json!(true),
        json!(null),
        json!(1.123_456_789),
    ] {
        let refused = put(&app, "USD", &day, json!({ "rate": rate, "reason": "x" })).await;
        assert_eq!(wrong_fields(&refused), ["/rate"], "{rate}");
    }
    let refused = put(&app, "EUR", "tomorrow", json!({ "rate": 1, "reason": "x" })).await;
    assert_eq!(wrong_fields(&refused), ["currency", "day"]);
    let refused = put(
        &app,
        "USD",
        "2999-01-01",
        json!({ "rate": 1, "reason": "" }),
    )
    .await;
    assert_eq!(wrong_fields(&refused), ["day", "/reason"]);
    let refused = app.get("/api/fx/rates?currency=usd&source=mine").await;
    assert_eq!(wrong_fields(&refused), ["currency", "source"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_import_is_a_job_and_one_that_waits_will_do(pool: PgPool) {
    let app = TestApp::new(pool);
    let first = app
        .post("/api/fx/import", json!({ "span": "history" }))
        .await;
    assert_eq!(first.status.as_u16(), 202, "{first:?}");
    let again = app
        .post("/api/fx/import", json!({ "span": "history" }))
        .await;
    assert_eq!(again.json()["jobId"], first.json()["jobId"]);
    let refused = app.post("/api/fx/import", json!({ "span": "all" })).await;
    assert_eq!(wrong_fields(&refused), ["/span"]);
}
