//! How far somebody reaches: to their clusters, to their own creator, and not a row further.

use axum::http::Method;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::people::{PASSWORD, Place, add, anonymous, by, may, text};
use crate::support::{Answer, TestApp};

/// The service with a creator of each of two clusters, and somebody of staff who is limited to boyfanz.
struct Divided {
    app: TestApp,
    token: String,
    /// Paths of a creator within reach and of one beyond it.
    near: String,
    far: String,
}

async fn registered(app: &TestApp, cluster: &str) -> String {
    let body = json!({ "email": format!("{cluster}@x.example"), "username": cluster, "clusterId": cluster });
    let made = app.post("/api/creators", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    text(&made.json()["id"]).to_owned()
}

async fn login(app: &TestApp, email: &str) -> String {
    let body = json!({ "email": email, "password": PASSWORD });
    let answer = anonymous(app, "/api/auth/login", body, &[]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    text(&answer.json()["accessToken"]).to_owned()
}

impl Divided {
    async fn new(pool: PgPool, role: &str) -> Self {
        let app = TestApp::new(pool);
        let near = registered(&app, "boyfanz").await;
        let far = registered(&app, "girlfanz").await;
        let user = json!({ "email": "ada@x.example", "name": "Ada", "roles": [role],
                           "clusters": ["boyfanz"], "password": PASSWORD });
        add(&app, user).await;
        Self {
            token: login(&app, "ada@x.example").await,
            app,
            near,
            far,
        }
    }

    async fn by(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        by(&self.app, &self.token, method, path, body).await
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_creator_of_another_cluster_is_not_there(pool: PgPool) {
    let place = Divided::new(pool, "admin").await;
    let why = json!({ "reason": "a ticket" });
    let until = place.app.app.clock.now() + chrono::Duration::days(1);
    let tier = json!({ "tier": "star", "reason": "a prize", "until": until });
    let changes = json!({ "displayName": "Ada" });
    let status = json!({ "status": "banned", "reason": "spam" });
    let merge = json!({ "into": place.near, "reason": "the same" });
    let note = json!({ "text": "hi", "type": "general", "priority": "low" });
    for (method, rest, body) in [
        (Method::GET, "", None),
        (Method::PATCH, "", Some(changes)),
        (Method::POST, "/archive", None),
        (Method::POST, "/unarchive", None),
        (Method::POST, "/reveal", Some(why.clone())),
        (Method::GET, "/duplicates", None),
        (Method::POST, "/merge", Some(merge)),
        (Method::PUT, "/status", Some(status)),
        (Method::POST, "/suspend", Some(why)),
        (
            Method::POST,
            "/reactivate",
            Some(json!({ "notes": "back" })),
        ),
        (Method::GET, "/blocks", None),
        (Method::GET, "/status-history", None),
        (Method::GET, "/tier-history", None),
        (Method::GET, "/tier", None),
        (Method::PUT, "/tier-override", Some(tier)),
        (Method::DELETE, "/tier-override", None),
        (Method::GET, "/onboarding", None),
        (Method::POST, "/onboarding", None),
        (Method::GET, "/onboarding/history", None),
        (
            Method::POST,
            "/onboarding/complete",
            Some(json!({ "stepId": "welcome" })),
        ),
        (
            Method::POST,
            "/onboarding/skip",
            Some(json!({ "stepId": "marketing_setup" })),
        ),
        (Method::GET, "/timeline", None),
        (Method::GET, "/notes", None),
        (Method::POST, "/notes", Some(note)),
        (Method::GET, "/consents", None),
        (Method::GET, "/tags", None),
        (Method::GET, "/custom-fields", None),
    ] {
        let path = format!("/api/creators/{}{rest}", place.far);
        let answer = place.by(method.clone(), &path, body).await;
        assert_eq!(answer.status, 404, "{method} {path}: {answer:?}");
    }
    let listed = place.by(Method::GET, "/api/creators", None).await.json();
    let ids: Vec<&str> = listed["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| text(&item["id"]))
        .collect();
    assert_eq!(ids, [place.near.as_str()]);
    for query in ["q=girlfanz", "cluster=girlfanz"] {
        let path = format!("/api/creators?{query}");
        let found = place.by(Method::GET, &path, None).await;
        assert_eq!(found.json()["items"], json!([]), "{path}: {found:?}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_about_all_clusters_is_not_for_who_is_limited(pool: PgPool) {
    let place = Divided::new(pool, "admin").await;
    for path in [
        "/api/jobs",
        "/api/queues",
        "/api/events",
        "/api/workers",
        "/api/schedules",
        "/api/dead-letters",
        "/api/admin/audit",
        "/metrics",
    ] {
        assert_eq!(may(&place.app, &place.token, path).await, 403, "{path}");
    }
    let refused = place.by(Method::POST, "/api/tiers/runs", None).await;
    assert_eq!(refused.problem(), "limited-to-clusters");
    let body = json!({ "name": "all", "permissions": ["jobs:read"], "clusters": ["boyfanz"] });
    let refused = place.app.post("/api/api-keys", body).await;
    assert_eq!(
        (
            refused.status.as_u16(),
            &refused.json()["errors"][0]["field"]
        ),
        (422, &json!("/permissions/0"))
    );
    let figures = "/api/analytics/onboarding";
    let all = place.app.get(figures).await.json();
    let seen = place.by(Method::GET, figures, None).await.json();
    assert_eq!(json!([all["started"], seen["started"]]), json!([2, 1]));
    let flows = place.by(Method::GET, "/api/onboarding/flows", None).await;
    let flows = flows.json()["items"].as_array().map(Vec::len);
    assert_eq!(flows, Some(1));
}

fn campaign(clusters: Value) -> Value {
    json!({ "name": "Q1", "type": "retention", "targetAudience": { "clusters": clusters },
            "content": { "subject": "Hi", "message": "Hello" }, "schedule": { "type": "immediate" } })
}

#[sqlx::test(migrations = "../migrations")]
async fn a_campaign_addresses_no_cluster_beyond_reach(pool: PgPool) {
    let place = Divided::new(pool, "marketing").await;
    let create = |body| place.by(Method::POST, "/api/campaigns", Some(body));
    let wide = create(campaign(json!(["boyfanz", "girlfanz"]))).await;
    assert_eq!(
        (wide.status.as_u16(), &wide.json()["errors"][0]["field"]),
        (422, &json!("/targetAudience/clusters/1"))
    );
    let all = create(campaign(json!([]))).await;
    assert_eq!(
        all.json()["targetAudience"]["clusters"],
        json!(["boyfanz"]),
        "{all:?}"
    );
    let own = format!("/api/campaigns/{}", text(&all.json()["id"]));
    assert_eq!(may(&place.app, &place.token, &own).await, 200);

    for clusters in [json!(["girlfanz"]), json!([])] {
        let others = place.app.post("/api/campaigns", campaign(clusters)).await;
        let path = format!("/api/campaigns/{}", text(&others.json()["id"]));
        for (method, rest) in [
            (Method::GET, ""),
            (Method::GET, "/metrics"),
            (Method::GET, "/deliveries"),
            (Method::POST, "/launch"),
            (Method::POST, "/pause"),
            (Method::POST, "/resume"),
            (Method::POST, "/cancel"),
        ] {
            let answer = place.by(method, &format!("{path}{rest}"), None).await;
            assert_eq!(answer.status, 404, "{rest}: {answer:?}");
        }
        assert_eq!(place.app.get(&path).await.json()["status"], "draft");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn an_operation_on_creators_beyond_reach_is_not_there(pool: PgPool) {
    let place = Divided::new(pool, "support").await;
    let start = |clusters: Value| json!({ "action": { "type": "archive" }, "filter": { "clusters": clusters, "q": "fanz" }, "reason": "a test" });
    let path = "/api/creator-bulk-operations";
    let others = place.app.post(path, start(json!(["girlfanz"]))).await;
    assert_eq!(others.status, 202, "{others:?}");
    let others = format!("{path}/{}", text(&others.json()["id"]));
    assert_eq!(may(&place.app, &place.token, &others).await, 404);
    let cancel = format!("{others}/cancel");
    assert_eq!(place.by(Method::POST, &cancel, None).await.status, 404);
    let own = place.by(Method::POST, path, Some(start(json!([])))).await;
    assert_eq!(
        own.json()["filter"]["clusters"],
        json!(["boyfanz"]),
        "{own:?}"
    );
    let own = format!("{path}/{}", text(&own.json()["id"]));
    assert_eq!(may(&place.app, &place.token, &own).await, 200);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_creator_is_shown_itself_and_stays_itself_after_a_merge(pool: PgPool) {
    let app = TestApp::new(pool);
    let own = registered(&app, "boyfanz").await;
    let other = json!({ "email": "o@x.example", "username": "other", "clusterId": "boyfanz" });
    let other = app.post("/api/creators", other).await;
    let other = text(&other.json()["id"]).to_owned();
    let user = json!({ "email": "ada@x.example", "name": "Ada", "roles": ["creator"], "creatorId": own, "password": PASSWORD });
    add(&app, user).await;
    let token = login(&app, "ada@x.example").await;
    let shown = |id: &str| format!("/api/creators/{id}");
    let itself = by(&app, &token, Method::GET, &shown(&own), None).await;
    assert_eq!(itself.json()["email"], "boyfanz@x.example", "{itself:?}");
    assert_eq!(may(&app, &token, &shown(&other)).await, 404);
    for path in [
        "/api/creators",
        "/api/creator-views",
        "/api/jobs",
        "/api/events",
        "/api/admin/audit",
        "/api/campaigns",
        "/api/users",
    ] {
        let status = may(&app, &token, path).await;
        assert!([403, 405].contains(&status), "{path}: {status}");
    }
    let merge = json!({ "into": other, "reason": "the same" });
    let merged = app.post(&format!("{}/merge", shown(&own)), merge).await;
    assert_eq!(merged.status, 200, "{merged:?}");
    let me = by(&app, &token, Method::GET, "/api/auth/me", None).await;
    assert_eq!(me.json()["creatorId"], json!(other));
    assert_eq!(may(&app, &token, &shown(&other)).await, 200);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_analyst_learns_nothing_of_a_single_person(pool: PgPool) {
    let place = Place::with(pool, "analyst").await;
    let tokens = place.login(None).await;
    let token = text(&tokens["accessToken"]);
    let creator = registered(&place.app, "girlfanz").await;
    let made = place.app.post("/api/campaigns", campaign(json!([]))).await;
    let made = format!("/api/campaigns/{}", text(&made.json()["id"]));
    for (path, status) in [
        (format!("{made}/metrics"), 200),
        (format!("{made}/deliveries"), 403),
        (format!("/api/creators/{creator}"), 403),
        ("/api/analytics/onboarding".to_owned(), 200),
    ] {
        assert_eq!(may(&place.app, token, &path).await, status, "{path}");
    }
}
