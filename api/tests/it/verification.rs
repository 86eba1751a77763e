//! Verification and payability over HTTP.

use axum::http::Method;
use serde_json::{Value, json};
use shared::kernel::Role;
use sqlx::PgPool;

use crate::creators::{registered, wrong_fields};
use crate::people::{PASSWORD, add, anonymous, by, text};
use crate::support::{Answer, TestApp};

/// A creator whose person has papers: their path.
async fn ada(app: &TestApp) -> String {
    let (creator, person) = registered(app, "ada").await;
    let papers = json!({ "legalName": "Ada King", "birthDate": "1990-05-06" });
    let changed = app.call(Method::PATCH, &person, &[], Some(papers)).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    creator
}

async fn submitted(app: &TestApp, creator: &str, kind: &str) -> Answer {
    let body = json!({ "evidence": "Passport, sent with ticket 4711" });
    let path = format!("{creator}/verifications/{kind}/submit");
    app.post(&path, body).await
}

async fn decided(app: &TestApp, creator: &str, kind: &str, tag: &str, body: Value) -> Answer {
    let path = format!("{creator}/verifications/{kind}/decisions");
    let tag = [("if-match", tag)];
    app.call(Method::POST, &path, &tag, Some(body)).await
}

fn proof() -> Value {
    json!({ "decision": "verify", "method": "document", "evidence": "Passport, ends in 48X2", "validUntil": "2050-01-01" })
}

/// One kind of the list.
async fn shown(app: &TestApp, creator: &str, kind: &str) -> Value {
    let all = app.get(&format!("{creator}/verifications")).await.json();
    let items = all["items"].as_array().expect("a list").clone();
    let found = items.into_iter().find(|one| one["kind"] == kind);
    found.expect("every kind is listed")
}

#[sqlx::test(migrations = "../migrations")]
async fn an_identity_is_handed_in_reviewed_and_verified(pool: PgPool) {
    let app = TestApp::new(pool);
    let ada = ada(&app).await;
    let before = shown(&app, &ada, "identity").await;
    assert_eq!(
        (&before["state"], &before["version"], &before["holder"]),
        (&json!("unverified"), &json!(0), &json!("person"))
    );
    let pending = submitted(&app, &ada, "identity").await;
    assert_eq!(
        (pending.status.as_u16(), pending.header("etag")),
        (200, "\"1\""),
        "{pending:?}"
    );
    let review = json!({ "decision": "in_review" });
    let review = decided(&app, &ada, "identity", "\"1\"", review).await;
    assert_eq!(review.json()["state"], "in_review");
    let done = decided(&app, &ada, "identity", "\"2\"", proof())
        .await
        .json();
    for (field, value) in [
        ("state", json!("verified")),
        ("method", json!("document")),
        ("evidence", json!("Passport, ends in 48X2")),
        ("validUntil", json!("2050-01-01")),
        ("verifiedBy", json!("user:tester")),
        ("version", json!(3)),
    ] {
        assert_eq!(done[field], value, "{field}: {done}");
    }
    let told = app
        .get(&format!("{ada}/timeline?kinds=verification"))
        .await
        .json();
    assert_eq!(told["items"].as_array().map(Vec::len), Some(3), "{told}");
    assert_eq!(told["items"][0]["details"]["to"], "verified");
    assert_eq!(
        told["items"][0]["details"].get("evidence"),
        None,
        "what was seen is not for everybody"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn who_decides_about_what_they_did_not_see_is_told(pool: PgPool) {
    let app = TestApp::new(pool);
    let ada = ada(&app).await;
    submitted(&app, &ada, "identity").await;
    let early = decided(&app, &ada, "identity", "*", proof()).await;
    assert_eq!(early.problem(), "illegal-transition");
    assert!(
        early.text.contains("possible now: submit, in_review"),
        "{}",
        early.text
    );
    decided(
        &app,
        &ada,
        "identity",
        "\"1\"",
        json!({ "decision": "in_review" }),
    )
    .await;
    let rejection = json!({ "decision": "reject", "reason": "blurred", "resubmittable": true });
    let first = decided(&app, &ada, "identity", "\"2\"", rejection).await;
    assert_eq!(first.json()["resubmittable"], true);
    let second = decided(&app, &ada, "identity", "\"2\"", proof()).await;
    assert_eq!(
        (second.status.as_u16(), second.problem().as_str()),
        (412, "stale")
    );
    assert_eq!(shown(&app, &ada, "identity").await["reason"], "blurred");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_wrong_is_named_and_changes_nothing(pool: PgPool) {
    let app = TestApp::new(pool);
    let ada = ada(&app).await;
    submitted(&app, &ada, "identity").await;
    decided(
        &app,
        &ada,
        "identity",
        "*",
        json!({ "decision": "in_review" }),
    )
    .await;
    let with = |field: &str, value: Value| {
        let mut body = proof();
        body[field] = value;
        body
    };
    for (body, fields) in [
        (with("validUntil", json!("2020-01-01")), vec!["/validUntil"]),
        (with("validUntil", json!("9999-01-01")), vec!["/validUntil"]),
        (with("evidence", json!(null)), vec!["/evidence"]),
        (with("evidence", json!("  ")), vec!["/evidence"]),
        (with("evidence", json!("x".repeat(501))), vec!["/evidence"]),
        (with("evidence", json!("a\u{0}b")), vec!["/evidence"]),
        (with("method", json!("guess")), vec!["/method"]),
        (with("decision", json!("bless")), vec!["/decision"]),
        (with("reason", json!("why not")), vec!["/reason"]),
        (json!({ "decision": "reject" }), vec!["/reason"]),
        (
            json!({ "decision": "verify" }),
            vec!["/evidence", "/method"],
        ),
    ] {
        let refused = decided(&app, &ada, "identity", "*", body.clone()).await;
        assert_eq!(wrong_fields(&refused), fields, "{body}");
    }
    assert_eq!(shown(&app, &ada, "identity").await["version"], 2);
    let age = submitted(&app, &ada, "age").await;
    assert_eq!(
        (age.status.as_u16(), age.problem().as_str()),
        (409, "age-is-decided-elsewhere")
    );
    assert_eq!(submitted(&app, &ada, "charm").await.status, 404);
    submitted(&app, &ada, "phone").await;
    decided(&app, &ada, "phone", "*", json!({ "decision": "in_review" })).await;
    let nothing = decided(&app, &ada, "phone", "*", proof()).await;
    assert_eq!(
        (nothing.status.as_u16(), nothing.problem().as_str()),
        (409, "nothing-on-file")
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn payability_names_everything_until_nothing_is_left(pool: PgPool) {
    let app = TestApp::new(pool);
    let ada = ada(&app).await;
    let codes = async || -> Vec<String> {
        let shown = app.get(&format!("{ada}/payability")).await.json();
        let reasons = shown["reasons"].as_array().expect("reasons");
        assert_eq!(shown["payable"], reasons.is_empty());
        reasons
            .iter()
            .map(|one| text(&one["code"]).to_owned())
            .collect()
    };
    assert_eq!(
        codes().await,
        [
            "creator_not_active",
            "age_not_verified",
            "identity_not_verified"
        ]
    );
    let person = text(&app.get(&ada).await.json()["personId"]).to_owned();
    let age = json!({ "decision": "verified", "birthDate": "1990-05-06", "evidence": "ticket 1" });
    app.post(&format!("/api/people/{person}/age-decisions"), age)
        .await;
    submitted(&app, &ada, "identity").await;
    decided(
        &app,
        &ada,
        "identity",
        "*",
        json!({ "decision": "in_review" }),
    )
    .await;
    decided(&app, &ada, "identity", "*", proof()).await;
    assert_eq!(codes().await, ["creator_not_active"]);
    let active = json!({ "status": "active", "reason": "verified" });
    let made = app
        .call(Method::PUT, &format!("{ada}/status"), &[], Some(active))
        .await;
    assert_eq!(made.status, 200, "{made:?}");
    assert_eq!(codes().await, Vec::<String>::new());
    let revoked = json!({ "decision": "revoke", "reason": "forged" });
    decided(&app, &ada, "identity", "*", revoked).await;
    assert_eq!(codes().await, ["identity_not_verified"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn creators_see_their_own_without_what_staff_noted(pool: PgPool) {
    let app = TestApp::new(pool);
    let ada = ada(&app).await;
    let (zoe, _) = registered(&app, "zoe").await;
    submitted(&app, &ada, "identity").await;
    let id = ada.rsplit('/').next().expect("an id");
    let user = json!({ "email": "ada@x.example", "name": "Ada", "roles": ["creator"], "creatorId": id, "password": PASSWORD });
    add(&app, user).await;
    let login = json!({ "email": "ada@x.example", "password": PASSWORD });
    let login = anonymous(&app, "/api/auth/login", login, &[]).await;
    let token = text(&login.json()["accessToken"]).to_owned();
    for rest in ["verifications", "payability"] {
        let own = by(&app, &token, Method::GET, &format!("{ada}/{rest}"), None).await;
        assert_eq!(own.status, 200, "{own:?}");
        assert!(
            !own.text.contains("ticket 4711") && !own.text.contains("verifiedBy"),
            "{own:?}"
        );
        let foreign = by(&app, &token, Method::GET, &format!("{zoe}/{rest}"), None).await;
        assert_eq!(foreign.status, 404, "{foreign:?}");
    }
    let path = format!("{ada}/verifications/identity/decisions");
    let refused = by(&app, &token, Method::POST, &path, Some(proof())).await;
    assert_eq!(refused.status, 403, "nobody decides about themselves");
    let support = app.token(Role::Support);
    let refused = by(&app, &support, Method::POST, &path, Some(proof())).await;
    assert_eq!(refused.status, 403);
}
