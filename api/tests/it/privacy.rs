//! What is held about a person: documents and erasures over HTTP.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use shared::kernel::{Actor, Ctx, Role};
use shared::messaging::AddressDigests;
use shared::privacy;
use sqlx::PgPool;

use crate::support::{Answer, TestApp};

async fn creator(app: &TestApp, name: &str) -> String {
    let body =
        json!({ "email": format!("{name}@x.example"), "username": name, "clusterId": "girlfanz" });
    let made = app.post("/api/creators", body).await.json();
    made["id"].as_str().expect("an id").to_owned()
}

/// As somebody of another role than admin.
async fn ask_as(app: &TestApp, role: Role, path: &str) -> Answer {
    let body = Body::from(json!({ "reason": "ticket 7" }).to_string());
    let request = Request::post(path)
        .header("authorization", format!("Bearer {}", app.token(role)))
        .header("content-type", "application/json")
        .body(body)
        .expect("a request");
    app.send(request).await
}

/// What the job does.
async fn carried_out(app: &TestApp, location: &str, erasure: bool) {
    let id = location
        .split('/')
        .nth(5)
        .expect("an id")
        .parse()
        .expect("an id");
    let ctx = Ctx::new(Actor::System, &app.app.clock);
    let mut tx = app.app.db.begin().await.expect("begun");
    let done = if erasure {
        privacy::erase(&mut tx, &ctx, &AddressDigests::new(&[1; 32]), id).await
    } else {
        privacy::write(&mut tx, &ctx, id).await
    };
    done.expect("done");
    app.app.db.commit(tx, &ctx).await.expect("committed");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_document_is_asked_for_written_and_fetched(pool: PgPool) {
    let app = TestApp::new(pool);
    let id = creator(&app, "ada").await;
    let other = creator(&app, "bea").await;
    let path = format!("/api/creators/{id}/data-exports");
    assert_eq!(app.post(&path, json!({ "reason": " " })).await.status, 422);
    let asked = app.post(&path, json!({ "reason": "ticket 8" })).await;
    assert_eq!(asked.status, 202, "{asked:?}");
    assert_eq!(
        app.post(&path, json!({ "reason": "again" })).await.status,
        409
    );
    let place = asked.header("location").to_owned();
    assert_eq!(app.get(&place).await.json()["state"], "running");
    let document = format!("{place}/document");
    assert_eq!(app.get(&document).await.status, 404);

    carried_out(&app, &place, false).await;
    let done = app.get(&place).await.json();
    assert_eq!(
        (&done["state"], &done["error"]),
        (&json!("completed"), &Value::Null)
    );
    let fetched = app.get(&document).await;
    assert_eq!(fetched.status, 200);
    let json = fetched.json();
    assert_eq!(json["format"], "creatorcrm-person-export/1");
    assert_eq!(json["data"]["creators"][0]["email"], "ada@x.example");
    assert_eq!(json["data"]["creators"].as_array().map(Vec::len), Some(1));
    // to somebody else's id it is as if it were not there
    assert_eq!(app.get(&document.replace(&id, &other)).await.status, 404);
    for role in [Role::Support, Role::Analyst, Role::Finance] {
        assert_eq!(ask_as(&app, role, &path).await.status, 403, "{role}");
    }
    let fetches: i64 = sqlx::query_scalar(
        "select count(*) from audit_entries where action = 'privacy.fetch_export'",
    )
    .fetch_one(app.app.db.pool())
    .await
    .expect("counted");
    assert_eq!(fetches, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_erasure_is_planned_confirmed_and_done(pool: PgPool) {
    let app = TestApp::new(pool);
    let id = creator(&app, "ada").await;
    let path = format!("/api/creators/{id}/erasures");
    for role in [Role::Support, Role::Marketing] {
        assert_eq!(ask_as(&app, role, &path).await.status, 403, "{role}");
    }
    let planned = ask_as(&app, Role::Compliance, &path).await;
    assert_eq!(planned.status, 201, "{planned:?}");
    let place = planned.header("location").to_owned();
    let plan = planned.json();
    assert_eq!(plan["state"], "planned");
    let fate = |table: &str| {
        let list = plan["outcome"].as_array().expect("a list");
        let found = list.iter().find(|one| one["table"] == table);
        found.cloned().unwrap_or_else(|| panic!("no {table}"))
    };
    assert_eq!(fate("creators")["fate"], "pseudonymised");
    assert_eq!(fate("creator_status_history")["fate"], "pseudonymised");
    assert!(fate("creator_status_history")["until"].is_string());
    // nothing has changed yet
    let shown = app.get(&format!("/api/creators/{id}")).await.json();
    assert_eq!(shown["username"], "ada");

    let confirm = format!("{place}/confirm");
    for _ in 0..2 {
        let confirmed = app.post(&confirm, json!({})).await;
        assert_eq!(confirmed.status, 202, "{confirmed:?}");
        assert_eq!(confirmed.json()["state"], "running");
    }
    let jobs: i64 = sqlx::query_scalar("select count(*) from jobs where kind = 'privacy.erase'")
        .fetch_one(app.app.db.pool())
        .await
        .expect("counted");
    assert_eq!(jobs, 1);
    carried_out(&app, &place, true).await;
    assert_eq!(app.get(&place).await.json()["state"], "completed");
    assert_eq!(app.post(&confirm, json!({})).await.status, 409);
    let shown = app.get(&format!("/api/creators/{id}")).await.json();
    assert!(
        shown["username"]
            .as_str()
            .is_some_and(|name| name.starts_with("erased")),
        "{shown}"
    );
    let found = app.get("/api/creators?q=ada").await.json();
    assert_eq!(found["items"], json!([]), "{found}");
    let verified = app.get("/api/admin/audit/verify").await.json();
    assert_eq!(verified["broken"], Value::Null, "{verified}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_hold_is_taken_and_lifted_and_keeps_an_erasure_from_being_confirmed(pool: PgPool) {
    let app = TestApp::new(pool);
    let id = creator(&app, "ada").await;
    let path = format!("/api/creators/{id}/privacy-measures");
    let hold = json!({ "kind": "legal_hold", "reason": "case 1" });
    for role in [Role::Support, Role::Marketing, Role::Finance] {
        assert_eq!(ask_as(&app, role, &path).await.status, 403, "{role}");
    }
    let wrong = app
        .post(&path, json!({ "kind": "hold", "reason": "x" }))
        .await;
    assert_eq!(wrong.json()["errors"][0]["field"], "/kind", "{wrong:?}");
    let wrong = app.post(&path, json!({ "kind": "restriction" })).await;
    assert_eq!(wrong.json()["errors"][0]["field"], "/reason", "{wrong:?}");
    let taken = app.post(&path, hold).await;
    assert_eq!(taken.status, 201, "{taken:?}");
    let place = taken.header("location").to_owned();
    assert_eq!(app.get(&place).await.json(), taken.json());

    let planned = app
        .post(
            &format!("/api/creators/{id}/erasures"),
            json!({ "reason": "ticket 7" }),
        )
        .await;
    let confirm = format!("{}/confirm", planned.header("location"));
    let refused = app.post(&confirm, json!({})).await;
    assert_eq!(
        (refused.status.as_u16(), refused.problem()),
        (409, "legal-hold".to_owned())
    );
    let lift = format!("{place}/lift");
    let why = json!({ "reason": "case closed" });
    let lifted = app.post(&lift, why.clone()).await.json();
    assert_eq!(lifted["liftReason"], "case closed", "{lifted}");
    assert_eq!(app.post(&lift, why).await.problem(), "measure-lifted");
    assert_eq!(app.post(&confirm, json!({})).await.status, 202);
    let trail = app
        .get("/api/admin/audit?action=privacy.take_measure")
        .await;
    assert_eq!(trail.json()["items"].as_array().map(Vec::len), Some(1));
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_over_is_foretold_and_removed_by_a_job(pool: PgPool) {
    let app = TestApp::new(pool);
    let id = creator(&app, "ada").await;
    let path = format!("/api/creators/{id}/erasures");
    let planned = app.post(&path, json!({ "reason": "ticket 7" })).await;
    let place = planned.header("location").to_owned();
    app.post(&format!("{place}/confirm"), json!({})).await;
    carried_out(&app, &place, true).await;

    let now = app.get("/api/admin/retention").await.json();
    let classes = now["classes"].as_array().expect("classes");
    assert!(
        classes
            .iter()
            .all(|class| class["people"] == 0 && class["years"].is_u64())
    );
    let day = app.app.clock.now().date_naive() + chrono::Duration::days(3 * 366);
    let then = app
        .get(&format!("/api/admin/retention?day={day}"))
        .await
        .json();
    let history = then["classes"].as_array().expect("classes").iter();
    let history = history.clone().find(|class| class["class"] == "history");
    let history = history.expect("history").clone();
    assert_eq!(history["people"], 1, "{then}");
    assert!(
        history["rows"]["creator_status_history"].as_u64() >= Some(1),
        "{then}"
    );
    for wrong in ["day=tomorrow", "day=%2B200000-01-01", "day=0000-01-01"] {
        let wrong = app.get(&format!("/api/admin/retention?{wrong}")).await;
        assert_eq!(wrong.status, 422, "{wrong:?}");
    }

    let runs = "/api/admin/retention/runs";
    assert_eq!(ask_as(&app, Role::Support, runs).await.status, 403);
    let asked = app.post(runs, json!({})).await;
    assert_eq!(asked.status, 202, "{asked:?}");
    let jobs: i64 =
        sqlx::query_scalar("select count(*) from jobs where kind = 'privacy.remove_retained'")
            .fetch_one(app.app.db.pool())
            .await
            .expect("counted");
    assert_eq!(jobs, 1);
    app.app.clock.advance(chrono::Duration::days(3 * 366));
    loop {
        let mut tx = app.app.db.begin().await.expect("begun");
        let step = privacy::removal_step(&mut tx, &app.ctx())
            .await
            .expect("a step");
        app.app.db.commit(tx, &app.ctx()).await.expect("committed");
        if matches!(step, privacy::RemovalStep::Finished(_)) {
            break;
        }
    }
    let listed = app.get(runs).await.json();
    let went = &listed["items"][0]["classes"]["history"];
    assert_eq!(went["people"], 1, "{listed}");
    assert!(went["rows"].as_u64() >= Some(2), "{listed}");
}
