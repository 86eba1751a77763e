//! What staff keeps around a creator: notes, tasks, tags, custom fields, consents, the timeline.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};
use shared::kernel::Role;
use sqlx::PgPool;

use crate::creators::wrong_fields;
use crate::support::{Answer, TestApp};

async fn creator(app: &TestApp, name: &str) -> String {
    let body = json!({ "email": format!("{name}@example.com"), "username": name, "clusterId": "girlfanz" });
    let made = app.post("/api/creators", body).await.json();
    made["id"].as_str().expect("an id").to_owned()
}

async fn send(app: &TestApp, method: Method, path: &str, body: Value) -> Answer {
    app.call(method, path, &[], Some(body)).await
}

/// As somebody of another role than admin.
async fn get_as(app: &TestApp, role: Role, path: &str) -> Answer {
    let request = Request::get(path).header("authorization", format!("Bearer {}", app.token(role)));
    app.send(request.body(Body::empty()).expect("a request"))
        .await
}

#[sqlx::test(migrations = "../migrations")]
async fn a_note_is_written_changed_by_version_and_deleted(pool: PgPool) {
    let app = TestApp::new(pool);
    let creator = creator(&app, "ada").await;
    let path = format!("/api/creators/{creator}/notes");
    let body = json!({ "text": "**Call** her", "type": "support", "priority": "high", "followUpOn": "2026-03-01" });
    let made = app
        .call(
            Method::POST,
            &path,
            &[("idempotency-key", "k")],
            Some(body.clone()),
        )
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    let again = app
        .call(Method::POST, &path, &[("idempotency-key", "k")], Some(body))
        .await;
    assert_eq!(again.json(), made.json());
    assert_eq!(
        (made.header("etag"), again.header("etag")),
        ("\"1\"", "\"1\"")
    );
    let note = made.header("location").to_owned();
    let shown = app.get(&note).await;
    assert_eq!((shown.header("etag"), shown.json()), ("\"1\"", made.json()));

    let change = |version: &'static str, body: Value| {
        let (app, note) = (&app, &note);
        async move {
            app.call(Method::PATCH, note, &[("if-match", version)], Some(body))
                .await
        }
    };
    let changed = change("\"1\"", json!({ "text": "Called her", "followUpOn": null }))
        .await
        .json();
    assert_eq!(
        (
            &changed["text"],
            &changed["followUpOn"],
            &changed["version"]
        ),
        (&json!("Called her"), &Value::Null, &json!(2))
    );
    assert_eq!(change("\"1\"", json!({ "pinned": true })).await.status, 412);
    assert_eq!(
        app.get(&format!("{note}/revisions")).await.json()["items"][0]["text"],
        "**Call** her"
    );
    assert_eq!(
        app.get(&format!("{path}?type=support&pinned=false"))
            .await
            .json()["items"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    assert_eq!(
        wrong_fields(&app.get(&format!("{path}?type=poem")).await),
        ["type"]
    );
    assert_eq!(
        wrong_fields(
            &send(
                &app,
                Method::POST,
                &path,
                json!({ "text": " ", "visibility": "public" })
            )
            .await
        ),
        ["/visibility"]
    );
    assert_eq!(
        wrong_fields(&send(&app, Method::POST, &path, json!({ "text": " " })).await),
        ["/text"]
    );

    assert_eq!(app.call(Method::DELETE, &note, &[], None).await.status, 204);
    assert_eq!(app.get(&note).await.problem(), "note-not-found");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_note_of_compliance_is_not_there_for_others(pool: PgPool) {
    let app = TestApp::new(pool);
    let creator = creator(&app, "ada").await;
    let path = format!("/api/creators/{creator}/notes");
    // all tokens of these tests name the same user, so the note is by somebody else
    let body = json!({ "text": "secret", "visibility": "compliance", "followUpOn": "2026-03-01" });
    let note = send(&app, Method::POST, &path, body)
        .await
        .header("location")
        .to_owned();
    sqlx::query("update notes set author = 'user:other'")
        .execute(app.app.db.pool())
        .await
        .expect("changed");
    for (role, seen) in [(Role::Support, 0), (Role::Compliance, 1)] {
        for list in [
            path.clone(),
            "/api/notes/follow-ups?until=2026-12-31".to_owned(),
        ] {
            let listed = get_as(&app, role, &list).await.json();
            assert_eq!(
                listed["items"].as_array().map(Vec::len),
                Some(seen),
                "{role} {list}"
            );
        }
        assert_eq!(
            get_as(&app, role, &note).await.status.as_u16(),
            if seen == 1 { 200 } else { 404 }
        );
        let timeline = get_as(
            &app,
            role,
            &format!("/api/creators/{creator}/timeline?kinds=note"),
        )
        .await;
        assert_eq!(timeline.text.contains("secret"), seen == 1, "{role}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_task_is_added_reminded_of_and_done(pool: PgPool) {
    let app = TestApp::new(pool);
    let creator = creator(&app, "ada").await;
    let body = json!({ "title": "Ask for a scan", "creatorId": creator, "assignee": "bea", "dueAt": "2030-01-01T10:00:00Z",
                       "remindAt": "2029-12-31T10:00:00Z", "repeatDays": 7 });
    let made = app.post("/api/tasks", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let task = made.header("location").to_owned();
    let jobs = app.get("/api/jobs?kind=task.remind").await.json();
    assert_eq!(jobs["items"].as_array().map(Vec::len), Some(1), "{jobs}");
    let done = send(&app, Method::POST, &format!("{task}/done"), json!({}))
        .await
        .json();
    assert_eq!(
        (&done["state"], &done["doneBy"]),
        (&json!("done"), &json!("user:tester"))
    );
    let open = app
        .get(&format!(
            "/api/tasks?creatorId={creator}&state=open&assignee=bea"
        ))
        .await
        .json();
    assert_eq!(open["items"][0]["dueAt"], "2030-01-08T10:00:00Z");
    let reopened = send(&app, Method::POST, &format!("{task}/reopen"), json!({})).await;
    assert_eq!(
        (reopened.header("etag"), &reopened.json()["state"]),
        ("\"3\"", &json!("open"))
    );
    let stale = app
        .call(
            Method::PATCH,
            &task,
            &[("if-match", "\"1\"")],
            Some(json!({ "title": "x" })),
        )
        .await;
    assert_eq!(stale.status, 412);
    let changed = app
        .call(
            Method::PATCH,
            &task,
            &[],
            Some(json!({ "assignee": null, "title": "x" })),
        )
        .await
        .json();
    assert_eq!(
        (&changed["assignee"], &changed["title"]),
        (&Value::Null, &json!("x"))
    );
    assert_eq!(
        wrong_fields(
            &app.post("/api/tasks", json!({ "title": "", "repeatDays": 1 }))
                .await
        ),
        ["/title", "/dueAt"]
    );
    assert_eq!(
        wrong_fields(&app.get("/api/tasks?state=lost&creatorId=x").await),
        ["creatorId", "state"]
    );
    let nobody = json!({ "title": "x", "creatorId": format!("creator_{:032x}", 1) });
    assert_eq!(
        app.post("/api/tasks", nobody).await.problem(),
        "creator-not-found"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_set_of_creators_is_tagged_at_once(pool: PgPool) {
    let app = TestApp::new(pool);
    let (ada, bea) = (creator(&app, "ada").await, creator(&app, "bea").await);
    let nobody = format!("creator_{:032x}", 1);
    let told = app
        .post(
            "/api/tags/VIP/add",
            json!({ "creatorIds": [ada, bea, nobody] }),
        )
        .await
        .json();
    assert_eq!(
        told,
        json!({ "changed": 2, "unchanged": 0, "unknown": [nobody] })
    );
    let told = app
        .post("/api/tags/vip/remove", json!({ "creatorIds": [bea] }))
        .await
        .json();
    assert_eq!(told["changed"], 1);
    let path = format!("/api/creators/{ada}/tags");
    assert_eq!(app.get(&path).await.json(), json!({ "tags": ["vip"] }));
    let set = send(&app, Method::PUT, &path, json!({ "tags": ["b", "A"] })).await;
    assert_eq!(set.json(), json!({ "tags": ["a", "b"] }));
    assert_eq!(app.get(&path).await.header("etag"), set.header("etag"));
    let stale = app
        .call(
            Method::PUT,
            &path,
            &[("if-match", "\"1\"")],
            Some(json!({ "tags": [] })),
        )
        .await;
    assert_eq!(stale.status.as_u16(), 412, "{stale:?}");
    assert_eq!(
        app.get("/api/tags").await.json(),
        json!({ "items": [{ "tag": "a", "creators": 1 }, { "tag": "b", "creators": 1 }] })
    );
    assert_eq!(
        wrong_fields(
            &send(
                &app,
                Method::PUT,
                &path,
                json!({ "tags": ["ok", "not ok"] })
            )
            .await
        ),
        ["/tags/1"]
    );
    assert_eq!(
        app.post("/api/tags/not%20ok/add", json!({ "creatorIds": [ada] }))
            .await
            .status,
        404
    );
    assert_eq!(
        wrong_fields(
            &app.post("/api/tags/x/add", json!({ "creatorIds": [] }))
                .await
        ),
        ["/creatorIds"]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_custom_field_is_defined_and_its_values_are_kept_digit_for_digit(pool: PgPool) {
    let app = TestApp::new(pool);
    let ada = creator(&app, "ada").await;
    for body in [
        json!({ "key": "colour", "label": "Colour", "type": "select", "options": ["red", "green"] }),
        json!({ "key": "score", "label": "Score", "type": "number", "minimum": 0, "maximum": "10.5" }),
        json!({ "key": "fee", "label": "Fee", "type": "money", "currency": "USD" }),
        json!({ "key": "vip", "label": "VIP", "type": "bool" }),
    ] {
        let made = app.post("/api/custom-fields", body).await;
        assert_eq!(made.status, 201, "{made:?}");
    }
    let path = format!("/api/creators/{ada}/custom-fields");
    let body =
        r#"{ "colour": "red", "score": 0.30000000000000000004, "fee": "12.50", "vip": true }"#;
    let request = Request::patch(&path)
        .header(
            "authorization",
            format!("Bearer {}", app.token(Role::Support)),
        )
        .header("content-type", "application/json")
        .body(Body::from(body))
        .expect("a request");
    let set = app.send(request).await;
    assert_eq!(set.status, 200, "{set:?}");
    let expected = json!({ "values": { "colour": "red", "score": "0.30000000000000000004", "fee": "12.50", "vip": true } });
    assert_eq!(set.json(), expected);
    assert_eq!(app.get(&path).await.json(), expected);

    let wrong =
        json!({ "colour": "blue", "score": 11, "fee": 1.255, "vip": "yes", "none": 1, "odd": {} });
    assert_eq!(
        wrong_fields(&send(&app, Method::PATCH, &path, wrong).await),
        ["/odd"]
    );
    let wrong = json!({ "colour": "blue", "score": 11, "fee": 1.255, "vip": "yes", "none": 1 });
    let refused = send(&app, Method::PATCH, &path, wrong).await;
    assert_eq!(
        wrong_fields(&refused),
        ["/colour", "/fee", "/none", "/score", "/vip"]
    );
    let fewer = send(&app, Method::PATCH, &path, json!({ "score": null }))
        .await
        .json();
    assert_eq!(fewer["values"]["score"], Value::Null);

    let gone = send(
        &app,
        Method::PATCH,
        "/api/custom-fields/colour",
        json!({ "options": ["green"] }),
    )
    .await;
    assert_eq!(gone.problem(), "custom-field-option-in-use");
    let changed = app
        .call(
            Method::PATCH,
            "/api/custom-fields/score",
            &[("if-match", "\"1\"")],
            Some(json!({ "maximum": null })),
        )
        .await;
    assert_eq!(
        (changed.header("etag"), &changed.json()["maximum"]),
        ("\"2\"", &Value::Null)
    );
    assert_eq!(
        app.get("/api/custom-fields").await.json()["items"]
            .as_array()
            .map(Vec::len),
        Some(4)
    );
    assert_eq!(
        app.post(
            "/api/custom-fields",
            json!({ "key": "vip", "label": "x", "type": "text" })
        )
        .await
        .problem(),
        "custom-field-key-taken"
    );
    let wrong = json!({ "key": "A", "label": "x", "type": "poem", "minimum": [] });
    assert_eq!(
        wrong_fields(&app.post("/api/custom-fields", wrong).await),
        ["/key", "/type", "/minimum"]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn every_word_about_a_channel_is_kept_and_the_last_one_holds(pool: PgPool) {
    let app = TestApp::new(pool);
    let ada = creator(&app, "ada").await;
    let path = format!("/api/creators/{ada}/consents");
    for state in ["granted", "withdrawn"] {
        let body =
            json!({ "channel": "email", "state": state, "source": "support", "proof": "ticket 7" });
        assert_eq!(send(&app, Method::POST, &path, body).await.status, 204);
        app.app.clock.advance(chrono::Duration::minutes(1));
    }
    let first = app.get(&format!("{path}?limit=1")).await.json();
    assert_eq!(
        (&first["items"][0]["state"], &first["items"][0]["contact"]),
        (&json!("withdrawn"), &Value::Null)
    );
    let next = format!(
        "{path}?limit=1&cursor={}",
        first["nextCursor"].as_str().expect("a cursor")
    );
    assert_eq!(app.get(&next).await.json()["items"][0]["state"], "granted");
    assert_eq!(
        app.get(&format!("/api/creators/{ada}")).await.json()["consents"][0]["state"],
        "withdrawn"
    );
    let kept: Option<String> = sqlx::query_scalar("select contact from creator_consents limit 1")
        .fetch_one(app.app.db.pool())
        .await
        .expect("read");
    assert_eq!(kept.as_deref(), Some("ada@example.com"));
    let sms = json!({ "channel": "sms", "state": "granted", "source": "support" });
    assert_eq!(
        wrong_fields(&send(&app, Method::POST, &path, sms).await),
        ["/channel"]
    );
    let wrong = json!({ "channel": "post", "state": "maybe", "source": "" });
    assert_eq!(
        wrong_fields(&send(&app, Method::POST, &path, wrong).await),
        ["/channel", "/state", "/source"]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn the_timeline_is_one_stream_that_is_filtered_by_kind(pool: PgPool) {
    let app = TestApp::new(pool);
    let ada = creator(&app, "ada").await;
    app.app.clock.advance(chrono::Duration::minutes(1));
    send(
        &app,
        Method::PUT,
        &format!("/api/creators/{ada}/tags"),
        json!({ "tags": ["vip"] }),
    )
    .await;
    app.app.clock.advance(chrono::Duration::minutes(1));
    send(
        &app,
        Method::POST,
        &format!("/api/creators/{ada}/notes"),
        json!({ "text": "hi" }),
    )
    .await;
    let path = format!("/api/creators/{ada}/timeline");
    let told = app.get(&path).await.json();
    let items = told["items"].as_array().expect("items");
    let kinds: Vec<&str> = items
        .iter()
        .map(|item| item["kind"].as_str().expect("a kind"))
        .collect();
    assert_eq!(kinds[..2], ["note", "tag"]);
    assert_eq!(
        (&items[0]["details"]["text"], &items[0]["by"]),
        (&json!("hi"), &json!("user:tester"))
    );
    assert_eq!(kinds.len(), 5, "{kinds:?}");
    let few = app
        .get(&format!("{path}?kinds=tag,onboarding&limit=1"))
        .await
        .json();
    assert_eq!(few["items"][0]["kind"], "tag");
    let next = format!(
        "{path}?kinds=tag,onboarding&limit=1&cursor={}",
        few["nextCursor"].as_str().expect("a cursor")
    );
    let last = app.get(&next).await.json();
    assert_eq!(
        (&last["items"][0]["details"]["event"], &last["nextCursor"]),
        (&json!("run_started"), &Value::Null)
    );
    assert_eq!(
        wrong_fields(&app.get(&format!("{path}?kinds=tag,gossip")).await),
        ["kinds"]
    );
}
