//! Campaigns over HTTP; how they are sent is proven in `shared`.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};
use shared::kernel::{Actor, Ctx, Role};
use shared::seed::{self, Plan};
use sqlx::PgPool;

use crate::creators::wrong_fields;
use crate::support::{Answer, TestApp};

/// The specification's own example.
fn specified() -> Value {
    json!({
        "name": "Q1 Creator Retention",
        "type": "retention",
        "targetAudience": {
            "creatorSegments": ["at_risk"],
            "tiers": ["emerging", "rising"],
            "clusters": ["girlfanz", "boyfanz"]
        },
        "content": {
            "subject": "We miss you, {firstName}! 💕",
            "message": "Hi {firstName}, we've noticed you haven't been as active lately...",
            "template": "retention_email_v2",
            "callToAction": { "text": "Get Back To Creating", "url": "https://fanz.com/dashboard", "type": "button" }
        },
        "schedule": {
            "type": "triggered",
            "triggers": [{
                "event": "inactivity",
                "conditions": [{ "field": "last_active", "operator": "less_than", "value": "7_days_ago" }],
                "delay": 1440
            }]
        },
        "budget": { "total": 5000, "costPerAction": 0.50, "currency": "USD" }
    })
}

/// What of it is built.
fn built() -> Value {
    let mut body = specified();
    body["targetAudience"]["creatorSegments"] = json!([]);
    body["content"]
        .as_object_mut()
        .expect("an object")
        .remove("template");
    body.as_object_mut().expect("an object").remove("budget");
    body["schedule"] = json!({ "type": "immediate" });
    body
}

async fn draft(app: &TestApp) -> String {
    let made = app.post("/api/campaigns", built()).await;
    assert_eq!(made.status.as_u16(), 201, "{made:?}");
    made.json()["id"].as_str().expect("an id").to_owned()
}

async fn steer(app: &TestApp, id: &str, what: &str) -> Answer {
    app.call(
        Method::POST,
        &format!("/api/campaigns/{id}/{what}"),
        &[],
        None,
    )
    .await
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_not_built_yet_is_refused_by_its_field(pool: PgPool) {
    let app = TestApp::new(pool);
    let answer = app.post("/api/campaigns", specified()).await;
    let expected = [
        "/targetAudience/creatorSegments",
        "/content/template",
        "/budget",
        "/schedule/triggers",
        "/schedule/type",
    ];
    assert_eq!(wrong_fields(&answer), expected);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_draft_tells_how_many_it_would_reach(pool: PgPool) {
    let app = TestApp::new(pool);
    reachable(&app, 900).await;
    let made = app.post("/api/campaigns", built()).await;
    let json = made.json();
    assert_eq!(json["status"], "draft");
    assert!(
        json["audiencePreview"].as_i64().expect("a count") > 50,
        "{json}"
    );
    assert_eq!(
        json["content"]["callToAction"]["url"],
        "https://fanz.com/dashboard"
    );
    assert_eq!(json["targetAudience"]["statuses"], json!(["active"]));
    let shown = app.get(made.header("location")).await.json();
    assert_eq!(shown["content"], json["content"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn every_wrong_field_is_named_at_once(pool: PgPool) {
    let app = TestApp::new(pool);
    let mut body = built();
    body["type"] = json!("spam");
    body["targetAudience"]["tiers"] = json!(["rising", "lord"]);
    body["schedule"] = json!({ "type": "scheduled", "at": "tomorrow" });
    assert_eq!(
        wrong_fields(&app.post("/api/campaigns", body).await),
        ["/schedule/at", "/type", "/targetAudience/tiers/1"]
    );
    let mut body = built();
    body["name"] = json!("");
    body["content"]["message"] = json!("Hi {fristName}");
    body["content"]["callToAction"]["url"] = json!("javascript:alert(1)");
    body["schedule"] = json!({ "type": "scheduled", "at": "2001-01-01T00:00:00Z" });
    body["targetAudience"]["statuses"] = json!(["active", "banned"]);
    let expected = [
        "/name",
        "/targetAudience/statuses/1",
        "/schedule/at",
        "/content/message",
        "/content/callToAction/url",
    ];
    assert_eq!(
        wrong_fields(&app.post("/api/campaigns", body).await),
        expected
    );
    let mut body = built();
    body["targetAudience"]["clusters"] = json!(["girlfanz", "nofanz"]);
    assert_eq!(
        wrong_fields(&app.post("/api/campaigns", body).await),
        ["/targetAudience/clusters/1"]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_launch_happens_once(pool: PgPool) {
    let app = TestApp::new(pool);
    let id = draft(&app).await;
    let path = format!("/api/campaigns/{id}/launch");
    let launch = || app.call(Method::POST, &path, &[("idempotency-key", "k")], None);
    let (first, again) = (launch().await, launch().await);
    assert_eq!(
        (first.status.as_u16(), again.status.as_u16()),
        (202, 202),
        "{first:?}"
    );
    assert_eq!(first.json(), again.json());
    assert_eq!(first.json()["status"], "active");
    let second = steer(&app, &id, "launch").await;
    assert_eq!(
        (second.status.as_u16(), second.problem().as_str()),
        (409, "campaign-wrong-state")
    );
    let jobs = app
        .get(&format!(
            "/api/jobs?kind=campaign.launch&args.campaignId={id}"
        ))
        .await
        .json();
    assert_eq!(jobs["items"].as_array().expect("a list").len(), 1, "{jobs}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_campaign_is_steered_within_its_states(pool: PgPool) {
    let app = TestApp::new(pool);
    let id = draft(&app).await;
    assert_eq!(steer(&app, &id, "pause").await.status.as_u16(), 409);
    for (what, status) in [
        ("launch", "active"),
        ("pause", "paused"),
        ("pause", "paused"),
        ("resume", "active"),
        ("cancel", "cancelled"),
        ("cancel", "cancelled"),
    ] {
        assert_eq!(
            steer(&app, &id, what).await.json()["status"],
            status,
            "{what}"
        );
    }
    assert_eq!(steer(&app, &id, "resume").await.status.as_u16(), 409);
}

#[sqlx::test(migrations = "../migrations")]
async fn more_campaigns_than_allowed_wait(pool: PgPool) {
    let app = TestApp::with(pool, &[("MAX_CONCURRENT_CAMPAIGNS", "1")]);
    let (one, two) = (draft(&app).await, draft(&app).await);
    assert_eq!(steer(&app, &one, "launch").await.json()["status"], "active");
    assert_eq!(
        steer(&app, &two, "launch").await.json()["status"],
        "scheduled"
    );
    steer(&app, &one, "cancel").await;
    assert_eq!(
        app.get(&format!("/api/campaigns/{two}")).await.json()["status"],
        "active"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_not_measured_is_null(pool: PgPool) {
    let app = TestApp::new(pool);
    let id = draft(&app).await;
    let metrics = app
        .get(&format!("/api/campaigns/{id}/metrics"))
        .await
        .json();
    for name in [
        "delivered",
        "opened",
        "clicked",
        "converted",
        "revenue",
        "roi",
    ] {
        assert_eq!(metrics.get(name), Some(&Value::Null), "{name}");
    }
    for name in [
        "audience", "pending", "sending", "sent", "failed", "skipped", "unknown",
    ] {
        assert_eq!(metrics[name], 0, "{name}");
    }
    assert!(metrics["asOf"].is_string());
}

/// Makes up creators who can all be written to.
async fn reachable(app: &TestApp, creators: u32) {
    let clock = &app.app.clock;
    let plan = Plan::all_reachable(creators, clock.now().date_naive());
    let ctx = Ctx::new(Actor::System, clock);
    seed::populate(app.app.db.pool(), &ctx, &plan, |_| ())
        .await
        .expect("seeded");
}

/// A campaign of three, one row of which is unknown.
async fn with_unknown(app: &TestApp) -> (String, String) {
    let pool = app.app.db.pool();
    reachable(app, 3).await;
    let id = draft(app).await;
    steer(app, &id, "launch").await;
    let delivery = uuid::Uuid::now_v7();
    for statement in [
        "insert into campaign_chunks (campaign_id, chunk, recipients) select id, 0, 1 from campaigns",
        "insert into campaign_deliveries (id, campaign_id, creator_id, chunk, status, reason, ended_at)
         select $1, c.id, r.id, 0, 'unknown', 'cut', now() from campaigns c, creators r order by r.id limit 1",
    ] {
        let query = sqlx::query(statement);
        let query = if statement.contains("$1") { query.bind(delivery) } else { query };
        query.execute(pool).await.expect(statement);
    }
    (id, format!("delivery_{}", delivery.simple()))
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_unknown_is_listed_and_decided_about(pool: PgPool) {
    let app = TestApp::new(pool);
    let (id, delivery) = with_unknown(&app).await;
    let list = app
        .get(&format!(
            "/api/campaigns/{id}/deliveries?status=unknown&limit=1"
        ))
        .await
        .json();
    assert_eq!(list["items"][0]["id"], json!(delivery));
    assert_eq!(
        list["items"][0]["messageId"],
        json!(format!("{delivery}@creatorcrm.example"))
    );
    assert_eq!(list["nextCursor"], Value::Null);
    let none = app
        .get(&format!("/api/campaigns/{id}/deliveries?status=sent"))
        .await
        .json();
    assert_eq!(none["items"], json!([]));
    let wrong = app
        .get(&format!("/api/campaigns/{id}/deliveries?status=lost"))
        .await;
    assert_eq!(wrong_fields(&wrong), ["status"]);

    let path = format!("/api/campaigns/{id}/deliveries/{delivery}/resolve");
    let silent = app
        .post(&path, json!({ "decision": "mark_sent", "note": "" }))
        .await;
    assert_eq!(wrong_fields(&silent), ["/note"]);
    let decided = app
        .post(
            &path,
            json!({ "decision": "mark_sent", "note": "she answered" }),
        )
        .await
        .json();
    assert_eq!(decided["delivery"]["status"], "sent");
    assert_eq!(decided["delivery"]["decidedBy"], "user:tester");
    assert_eq!(decided["delivery"]["decision"], "mark_sent: she answered");
    let again = app
        .post(&path, json!({ "decision": "mark_failed", "note": "no" }))
        .await;
    assert_eq!(
        (again.status.as_u16(), again.problem().as_str()),
        (409, "delivery-not-unknown")
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn who_may_only_look_may_not_launch(pool: PgPool) {
    let app = TestApp::new(pool);
    let id = draft(&app).await;
    let ask = |role: Role, method: Method, path: String| {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("authorization", format!("Bearer {}", app.token(role)));
        app.send(request.body(Body::empty()).expect("a request"))
    };
    let path = |what: &str| format!("/api/campaigns/{id}{what}");
    assert_eq!(
        ask(Role::Analyst, Method::GET, path("/metrics"))
            .await
            .status
            .as_u16(),
        200
    );
    for role in [Role::Analyst, Role::Support, Role::Creator] {
        let refused = ask(role, Method::POST, path("/launch")).await;
        assert_eq!(refused.json()["permission"], "campaigns:run", "{role}");
    }
    assert_eq!(
        ask(Role::Marketing, Method::POST, path("/launch"))
            .await
            .status
            .as_u16(),
        202
    );
}
