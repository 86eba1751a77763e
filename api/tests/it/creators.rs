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
    assert_eq!(made.header("etag"), shown.header("etag"));
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
    assert_eq!(made["phone"], "***23");
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

/// Registers the specification's creator; answers its place and its person's.
pub(crate) async fn registered(app: &TestApp, username: &str) -> (String, String) {
    let mut body = specified();
    body["username"] = json!(username);
    body["email"] = json!(format!("{username}@example.com"));
    let made = app.post("/api/creators", body).await;
    assert_eq!(made.status.as_u16(), 201, "{made:?}");
    let text = |name: &str| made.json()[name].as_str().expect("an id").to_owned();
    (
        format!("/api/creators/{}", text("id")),
        format!("/api/people/{}", text("personId")),
    )
}

async fn patch(app: &TestApp, path: &str, tag: &str, body: Value) -> Answer {
    let headers: &[(&str, &str)] = if tag.is_empty() {
        &[]
    } else {
        &[("if-match", tag)]
    };
    app.call(Method::PATCH, path, headers, Some(body)).await
}

/// Makes a creator active.
pub(crate) async fn activated(app: &TestApp, username: &str) -> String {
    let (creator, person) = registered(app, username).await;
    let proof =
        json!({ "decision": "verified", "birthDate": "1990-05-06", "evidence": "ticket 4711" });
    let decided = app.post(&format!("{person}/age-decisions"), proof).await;
    assert_eq!(decided.status.as_u16(), 201, "{decided:?}");
    let body = json!({ "status": "active", "reason": "Verification completed" });
    let path = format!("{creator}/status");
    let active = app.call(Method::PUT, &path, &[], Some(body)).await;
    assert_eq!(active.status.as_u16(), 200, "{active:?}");
    creator
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_not_seen_is_neither_suspended_nor_lifted(pool: PgPool) {
    let app = TestApp::new(pool);
    let path = activated(&app, "ada").await;
    let seen = app.get(&path).await.header("etag").to_owned();
    let steer = async |what: &str, tag: &str, body: Value| {
        let path = format!("{path}/{what}");
        app.call(Method::POST, &path, &[("if-match", tag)], Some(body))
            .await
    };
    let suspended = steer(
        "suspend",
        &seen,
        json!({ "reason": "spam", "duration": 60 }),
    )
    .await;
    assert_eq!(suspended.status.as_u16(), 200, "{suspended:?}");
    let longer = steer(
        "suspend",
        suspended.header("etag"),
        json!({ "reason": "worse" }),
    )
    .await;
    assert_eq!(longer.status.as_u16(), 200, "{longer:?}");
    for (what, body) in [
        ("reactivate", json!({})),
        ("suspend", json!({ "reason": "again" })),
    ] {
        let stale = steer(what, suspended.header("etag"), body).await;
        assert_eq!(stale.status.as_u16(), 412, "{what}: {stale:?}");
    }
    let back = steer("reactivate", longer.header("etag"), json!({})).await;
    assert_eq!(back.json()["status"], "active");
}

#[sqlx::test(migrations = "../migrations")]
async fn somebody_under_eighteen_is_refused_by_the_birth_date(pool: PgPool) {
    let app = TestApp::new(pool);
    let today = app.app.clock.now().date_naive();
    let eighteen = today - chrono::Months::new(18 * 12);
    let mut body = specified();
    body["birthDate"] = json!(eighteen.succ_opt().expect("a day").to_string());
    let answer = app.post("/api/creators", body.clone()).await;
    assert_eq!(wrong_fields(&answer), ["/birthDate"]);
    body["birthDate"] = json!((eighteen - chrono::Days::new(1)).to_string());
    assert_eq!(app.post("/api/creators", body).await.status.as_u16(), 201);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_profile_is_changed_by_whoever_has_seen_its_present_version(pool: PgPool) {
    let app = TestApp::new(pool);
    let (path, _) = registered(&app, "ada").await;
    let change = json!({ "displayName": "Ada ✨", "aliases": ["Lady A"], "handles": { "instagram": "ada" }, "owner": "eve" });
    let changed = patch(&app, &path, "\"1\"", change).await;
    assert_eq!(
        (changed.status.as_u16(), changed.header("etag")),
        (200, "\"2\"")
    );
    assert_eq!(changed.json()["aliases"], json!(["Lady A"]));
    assert_eq!(changed.json()["handles"]["instagram"], "ada");
    let stale = patch(&app, &path, "\"1\"", json!({ "displayName": "Eve" })).await;
    assert_eq!(
        (stale.status.as_u16(), stale.problem().as_str()),
        (412, "stale")
    );
    let forgotten = patch(&app, &path, "", json!({ "displayName": null })).await;
    assert_eq!(forgotten.json()["displayName"], Value::Null);
    assert_eq!(forgotten.json()["owner"], "eve");
    let same = patch(&app, &path, "\"3\"", json!({ "owner": "eve" })).await;
    assert_eq!(same.header("etag"), "\"3\"", "nothing changed");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_another_creator_has_cannot_be_taken_by_a_change(pool: PgPool) {
    let app = TestApp::new(pool);
    registered(&app, "ada").await;
    let (path, _) = registered(&app, "eve").await;
    for (body, code) in [
        (json!({ "username": "ADA" }), "username-taken"),
        (json!({ "email": "Ada@Example.com" }), "email-taken"),
    ] {
        let answer = patch(&app, &path, "", body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (409, code)
        );
    }
    let wrong = json!({ "email": "x", "timeZone": "Mars/Olympus", "phone": "1" });
    assert_eq!(
        wrong_fields(&patch(&app, &path, "", wrong).await),
        ["/email", "/phone", "/timeZone"]
    );
    let wrong = json!({ "aliases": [""], "handles": { "X y": "a" }, "owner": "a b" });
    assert_eq!(
        wrong_fields(&patch(&app, &path, "", wrong).await),
        ["/aliases/0", "/handles", "/owner"]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn an_archived_creator_is_changed_only_after_it_is_back(pool: PgPool) {
    let app = TestApp::new(pool);
    let (path, _) = registered(&app, "ada").await;
    for _ in 0..2 {
        let archived = app.post(&format!("{path}/archive"), json!({})).await;
        assert_eq!(archived.status.as_u16(), 200);
        assert_eq!(
            archived.header("etag"),
            "\"2\"",
            "saying it twice is allowed"
        );
        assert!(archived.json()["archivedAt"].is_string());
    }
    let refused = patch(&app, &path, "", json!({ "firstName": "Ada" })).await;
    assert_eq!(refused.problem(), "creator-archived");
    let back = app.post(&format!("{path}/unarchive"), json!({})).await;
    assert_eq!(back.json()["archivedAt"], Value::Null);
    let changed = patch(&app, &path, "", json!({ "firstName": "Ada" })).await;
    assert_eq!(changed.status.as_u16(), 200);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_legal_name_is_with_the_person_and_with_nobody_else(pool: PgPool) {
    let app = TestApp::new(pool);
    let (creator, person) = registered(&app, "ada").await;
    let identity =
        json!({ "legalName": "Augusta King", "birthDate": "1990-05-06", "taxCountry": "gb" });
    let changed = patch(&app, &person, "\"1\"", identity).await;
    assert_eq!(changed.json()["taxCountry"], "GB", "{changed:?}");
    assert_eq!(app.get(&person).await.json()["legalName"], "A*** K***");
    let why = json!({ "reason": "ticket 4711" });
    let revealed = app.post(&format!("{person}/reveal"), why.clone()).await;
    assert_eq!(revealed.json()["legalName"], "Augusta King");
    let silent = app
        .post(&format!("{person}/reveal"), json!({ "reason": "" }))
        .await;
    assert_eq!(wrong_fields(&silent), ["/reason"]);
    assert_eq!(app.get(&creator).await.json()["email"], "a***@example.com");
    let revealed = app.post(&format!("{creator}/reveal"), why).await;
    assert_eq!(revealed.json()["email"], "ada@example.com");
    let shown = app.get(&creator).await;
    assert!(!shown.text.contains("Augusta"), "{shown:?}");
    let wrong = json!({ "legalName": "", "birthDate": "2020-01-01", "residenceCountry": "DEU" });
    assert_eq!(
        wrong_fields(&patch(&app, &person, "", wrong).await),
        ["/residenceCountry"]
    );
    let wrong = json!({ "legalName": "", "birthDate": "2020-01-01" });
    assert_eq!(
        wrong_fields(&patch(&app, &person, "", wrong).await),
        ["/legalName", "/birthDate"]
    );
    let stale = patch(&app, &person, "\"1\"", json!({ "legalName": "A" })).await;
    assert_eq!(stale.status.as_u16(), 412);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_creator_is_suspended_and_reactivated_as_the_specification_writes_it(pool: PgPool) {
    let app = TestApp::new(pool);
    let path = activated(&app, "ada").await;
    let body = json!({ "reason": "Policy violation", "duration": 86400 });
    let suspended = app.post(&format!("{path}/suspend"), body).await;
    assert_eq!(suspended.json()["status"], "suspended", "{suspended:?}");
    let shorter = json!({ "reason": "Policy violation", "duration": 3600 });
    let again = app.post(&format!("{path}/suspend"), shorter).await;
    assert_eq!(again.problem(), "suspended-already");
    let blocks = app.get(&format!("{path}/blocks")).await.json();
    assert_eq!(blocks["items"][0]["source"], "suspension");
    assert_eq!(blocks["items"][0]["blocks"], json!(["mail", "payout"]));
    let notes = json!({ "notes": "Issues resolved" });
    let back = app.post(&format!("{path}/reactivate"), notes).await;
    assert_eq!(back.json()["status"], "active", "{back:?}");
    assert_eq!(
        app.get(&format!("{path}/blocks")).await.json()["items"],
        json!([])
    );
    let history = app
        .get(&format!("{path}/status-history?limit=2"))
        .await
        .json();
    assert_eq!(history["items"][0]["reason"], "Issues resolved");
    assert_eq!(history["items"][0]["actor"], "user:tester");
    let next = history["nextCursor"].as_str().expect("a next page");
    let rest = app
        .get(&format!("{path}/status-history?cursor={next}"))
        .await;
    assert_eq!(
        rest.json()["items"].as_array().map(Vec::len),
        Some(2),
        "{rest:?}"
    );
    let tiers = app.get(&format!("{path}/tier-history")).await.json();
    assert_eq!(tiers["items"][0]["to"], "newcomer");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refused_status_names_what_is_legal_and_what_stands(pool: PgPool) {
    let app = TestApp::new(pool);
    let (path, _) = registered(&app, "ada").await;
    let put = |body: Value| {
        let path = format!("{path}/status");
        let app = &app;
        async move { app.call(Method::PUT, &path, &[], Some(body)).await }
    };
    let early = put(json!({ "status": "active", "reason": "x" })).await;
    assert_eq!(
        (early.status.as_u16(), early.problem().as_str()),
        (409, "creator-not-ready")
    );
    assert_eq!(
        early.json()["errors"][0]["message"],
        "age_not_verified: the age is not verified"
    );
    let illegal = put(json!({ "status": "inactive", "reason": "x" })).await;
    assert_eq!(illegal.problem(), "illegal-transition");
    assert!(
        illegal.text.contains("use one of: pending_review, active"),
        "{illegal:?}"
    );
    assert_eq!(
        wrong_fields(&put(json!({ "status": "gone", "reason": "x" })).await),
        ["/status"]
    );
    assert_eq!(
        wrong_fields(&put(json!({ "status": "banned", "reason": " " })).await),
        ["/reason"]
    );
    let future =
        json!({ "status": "banned", "reason": "x", "effectiveAt": "2999-01-01T00:00:00Z" });
    assert_eq!(wrong_fields(&put(future).await), ["/effectiveAt"]);
    let reactivate = app.post(&format!("{path}/reactivate"), json!({})).await;
    assert_eq!(reactivate.problem(), "not-reactivatable");
    let long = json!({ "reason": "x", "duration": 400_000_000 });
    let answer = app.post(&format!("{path}/suspend"), long).await;
    assert_eq!(wrong_fields(&answer), ["/duration"]);
}
