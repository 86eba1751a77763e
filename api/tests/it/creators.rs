//! Creators and clusters over HTTP.

use axum::http::Method;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Answer, TestApp};

fn specified() -> Value {
    json!({ "email": "creator@example.com", "username": "testcreator", "clusterId": "girlfanz" })
}

/// The pointers of a 422.
pub(crate) fn wrong_fields(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status.as_u16(), 422, "{answer:?}");
    let json = answer.json();
    let errors = json["errors"].as_array().expect("errors");
    let field = |error: &Value| error["field"].as_str().expect("a field").to_owned();
    errors.iter().map(field).collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn the_specifications_three_fields_register_a_creator(pool: PgPool) {
    let app = TestApp::new(pool);
    let made = app.post("/api/creators", specified()).await;
    assert_eq!(made.status.as_u16(), 201, "{made:?}");
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(made.header("location"), format!("/api/creators/{id}"));
    let shown = app.get(&format!("/api/creators/{id}")).await;
    assert_eq!(shown.json(), made.json());
    assert_eq!(shown.json()["status"], "pending_verification");
    assert_eq!(shown.json()["tier"], "newcomer");
    assert_eq!(shown.json()["consents"], json!([]));
}

#[sqlx::test(migrations = "../migrations")]
async fn everything_that_can_be_said_is_shown_again(pool: PgPool) {
    let app = TestApp::new(pool);
    let mut body = specified();
    body["phone"] = json!("+1 555 010 0123");
    body["displayName"] = json!("Ada 💕");
    body["firstName"] = json!("Ada");
    body["timeZone"] = json!("Europe/Berlin");
    body["consents"] = json!([{ "channel": "email", "source": "signup_form", "proof": "v3" }]);
    let made = app.post("/api/creators", body).await.json();
    assert_eq!(made["phone"], "+15550100123");
    assert_eq!(made["displayName"], "Ada 💕");
    assert_eq!(made["timeZone"], "Europe/Berlin");
    assert_eq!(made["consents"][0]["state"], "granted");
    assert_eq!(made["consents"][0]["proof"], "v3");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_taken_in_a_cluster_is_refused_by_its_field(pool: PgPool) {
    let app = TestApp::new(pool);
    app.post("/api/creators", specified()).await;
    for (field, value, code) in [
        ("username", "another", "email-taken"),
        ("email", "other@example.com", "username-taken"),
    ] {
        let mut body = specified();
        body[field] = json!(value);
        let answer = app.post("/api/creators", body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (409, code)
        );
    }
    let mut elsewhere = specified();
    elsewhere["clusterId"] = json!("boyfanz");
    assert_eq!(
        app.post("/api/creators", elsewhere).await.status.as_u16(),
        201
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn every_wrong_field_is_named(pool: PgPool) {
    let app = TestApp::new(pool);
    let body = json!({
        "email": "nobody", "username": "x", "clusterId": "girlfanz", "phone": "5550100",
        "timeZone": "Mars/Olympus", "consents": [{ "channel": "pigeon", "source": "" }],
    });
    let answer = app.post("/api/creators", body).await;
    let expected = [
        "/email",
        "/username",
        "/phone",
        "/timeZone",
        "/consents/0/channel",
        "/consents/0/source",
    ];
    assert_eq!(wrong_fields(&answer), expected);

    let mut body = specified();
    body["clusterId"] = json!("nofanz");
    assert_eq!(
        wrong_fields(&app.post("/api/creators", body).await),
        ["/clusterId"]
    );
    let mut body = specified();
    body["firstName"] = json!("Ada\r\nBcc: x@y.example");
    assert_eq!(
        wrong_fields(&app.post("/api/creators", body).await),
        ["/firstName"]
    );
    let mut body = specified();
    body["emial"] = json!("x");
    assert_eq!(
        app.post("/api/creators", body).await.status.as_u16(),
        422,
        "an unknown field"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn the_same_key_registers_once(pool: PgPool) {
    let app = TestApp::new(pool);
    let post = |body: Value| {
        app.call(
            Method::POST,
            "/api/creators",
            &[("idempotency-key", "k1")],
            Some(body),
        )
    };
    let (first, second) = (post(specified()).await, post(specified()).await);
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 201));
    assert_eq!(first.json(), second.json());
    let mut other = specified();
    other["username"] = json!("another");
    assert_eq!(post(other).await.problem(), "idempotency-key-reused");
}

#[sqlx::test(migrations = "../migrations")]
async fn there_are_nine_clusters(pool: PgPool) {
    let app = TestApp::new(pool);
    let clusters = app.get("/api/clusters").await.json();
    let ids: Vec<_> = clusters["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|c| c["id"].clone())
        .collect();
    assert_eq!(ids.len(), 9);
    assert!(ids.contains(&json!("girlfanz")) && ids.contains(&json!("fanzlab")));
}

#[sqlx::test(migrations = "../migrations")]
async fn an_id_that_names_nobody_is_not_found(pool: PgPool) {
    let app = TestApp::new(pool);
    for id in ["creator_123", "creator_0192f0c1a2b37c4d8e5f60718293a4b5"] {
        let answer = app.get(&format!("/api/creators/{id}")).await;
        assert_eq!(answer.status.as_u16(), 404, "{id}");
    }
}
