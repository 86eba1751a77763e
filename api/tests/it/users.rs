//! Managing users and API keys.

use axum::http::Method;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::people::{PASSWORD, Place, add, anonymous, by, may, text};
use crate::support::{Answer, TestApp};

fn wrong_field(answer: &Answer) -> String {
    assert_eq!(answer.status, 422, "{answer:?}");
    text(&answer.json()["errors"][0]["field"]).to_owned()
}

async fn admin(app: &TestApp, email: &str, clusters: Option<&[&str]>) -> String {
    let body = json!({ "email": email, "name": "Admin", "roles": ["admin"], "clusters": clusters, "password": PASSWORD });
    add(app, body).await;
    let login = json!({ "email": email, "password": PASSWORD });
    let answer = anonymous(app, "/api/auth/login", login, &[]).await;
    text(&answer.json()["accessToken"]).to_owned()
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_wrong_with_a_user_is_named(pool: PgPool) {
    let app = TestApp::new(pool);
    let good = json!({ "email": "ada@x.example", "name": "Ada", "roles": ["support"] });
    for (name, value, field) in [
        ("email", json!("ada"), "/email"),
        ("name", json!(" "), "/name"),
        ("roles", json!(["king"]), "/roles/0"),
        ("roles", json!([]), "/roles"),
        ("roles", json!(["service"]), "/roles"),
        ("roles", json!(["creator"]), "/creatorId"),
        ("clusters", json!(["nofanz"]), "/clusters"),
        ("creatorId", json!("creator_x"), "/creatorId"),
        ("password", json!("short"), "/password"),
        ("isAdmin", json!(true), "/isAdmin"),
    ] {
        let mut body = good.clone();
        body[name] = value.clone();
        let answer = app.post("/api/users", body).await;
        assert_eq!(wrong_field(&answer), field, "{name}: {value}");
    }
    let unknown = json!({ "email": "c@x.example", "name": "C", "roles": ["creator"],
                          "creatorId": format!("creator_{:032x}", 1) });
    assert_eq!(
        wrong_field(&app.post("/api/users", unknown).await),
        "/creatorId"
    );
    add(&app, good.clone()).await;
    let mut again = good;
    again["email"] = json!("ADA@X.example");
    assert_eq!(app.post("/api/users", again).await.problem(), "email-taken");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_user_is_changed_only_at_the_version_that_was_read(pool: PgPool) {
    let place = Place::with(pool, "support").await;
    let path = format!("/api/users/{}", place.id);
    let shown = place.app.get(&path).await;
    let tag = shown.header("etag").to_owned();
    let name = |name: &str| Some(json!({ "name": name }));
    let headers = [("if-match", tag.as_str())];
    let changed = place
        .app
        .call(Method::PATCH, &path, &headers, name("Ada L"))
        .await;
    assert_eq!(changed.json()["name"], "Ada L", "{changed:?}");
    let stale = place
        .app
        .call(Method::PATCH, &path, &headers, name("Eve"))
        .await;
    assert_eq!(stale.status, 412, "{stale:?}");
    let roles = place.app.get("/api/users?role=support").await.json();
    assert_eq!(roles["items"][0]["id"], json!(place.id));
    let none = place.app.get("/api/users?role=ops").await.json();
    assert_eq!(none["items"], json!([]));
}

#[sqlx::test(migrations = "../migrations")]
async fn the_last_admin_stays(pool: PgPool) {
    let place = Place::with(pool, "admin").await;
    let path = format!("/api/users/{}", place.id);
    let why = json!({ "reason": "a mistake" });
    let kept = place
        .app
        .post(&format!("{path}/disable"), why.clone())
        .await;
    assert_eq!(kept.problem(), "last-admin");
    let roles = Some(json!({ "roles": ["ops"] }));
    let kept = place
        .app
        .call(Method::PATCH, &path, &[], roles.clone())
        .await;
    assert_eq!(kept.problem(), "last-admin");
    let second = json!({ "email": "bea@x.example", "name": "Bea", "roles": ["admin"] });
    add(&place.app, second).await;
    let changed = place.app.call(Method::PATCH, &path, &[], roles).await;
    assert_eq!(changed.status, 200, "{changed:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn who_is_limited_to_clusters_gives_and_sees_no_more(pool: PgPool) {
    let app = TestApp::new(pool);
    let everywhere = add(
        &app,
        json!({ "email": "root@x.example", "name": "Root", "roles": ["admin"] }),
    )
    .await;
    let token = admin(&app, "limited@x.example", Some(&["boyfanz"])).await;
    let user = |clusters: Value| json!({ "email": "new@x.example", "name": "New", "roles": ["support"], "clusters": clusters });
    for wider in [Value::Null, json!(["boyfanz", "girlfanz"])] {
        let answer = by(&app, &token, Method::POST, "/api/users", Some(user(wider))).await;
        assert_eq!(wrong_field(&answer), "/clusters");
    }
    let made = by(
        &app,
        &token,
        Method::POST,
        "/api/users",
        Some(user(json!(["boyfanz"]))),
    )
    .await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(
        may(&app, &token, &format!("/api/users/{everywhere}")).await,
        404
    );
    let listed = by(&app, &token, Method::GET, "/api/users", None)
        .await
        .json();
    let emails: Vec<&str> = listed["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|u| text(&u["email"]))
        .collect();
    assert_eq!(emails, ["limited@x.example", "new@x.example"]);
    let key = json!({ "name": "wide", "permissions": ["jobs:read"] });
    let answer = by(&app, &token, Method::POST, "/api/api-keys", Some(key)).await;
    assert_eq!(wrong_field(&answer), "/clusters");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_key_opens_what_it_names_until_it_is_revoked_or_over(pool: PgPool) {
    let app = TestApp::new(pool.clone());
    let make = |body: Value| app.post("/api/api-keys", body);
    let made = make(json!({ "name": "import", "permissions": ["queues:read"] })).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    let key = text(&made["key"]);
    assert!(key.starts_with(text(&made["prefix"])) && key.len() > 40);
    assert_eq!(may(&app, key, "/api/queues").await, 200);
    assert_eq!(may(&app, key, "/api/workers").await, 403);
    assert_eq!(may(&app, key, "/api/auth/me").await, 403);
    assert_eq!(may(&app, &key[..key.len() - 1], "/api/queues").await, 401);

    let listed = app.get("/api/api-keys").await;
    assert!(!listed.text.contains(key));
    let shown = &listed.json()["items"][0];
    assert!(shown["lastUsedAt"].is_string(), "{shown}");
    let kept: String = sqlx::query_scalar("select json_agg(k)::text from api_keys k")
        .fetch_one(&pool)
        .await
        .expect("read");
    assert!(!kept.contains(key));
    let trail = app.get("/api/admin/audit?action=api_key.make").await;
    assert!(!trail.text.contains(key));

    let path = format!("/api/api-keys/{}", text(&made["id"]));
    for _ in 0..2 {
        assert_eq!(app.call(Method::DELETE, &path, &[], None).await.status, 204);
    }
    assert_eq!(may(&app, key, "/api/queues").await, 401);
    let short = made_until(&app, chrono::Duration::minutes(1)).await;
    assert_eq!(may(&app, &short, "/api/queues").await, 200);
    app.app.clock.advance(chrono::Duration::minutes(1));
    assert_eq!(may(&app, &short, "/api/queues").await, 401);
}

async fn made_until(app: &TestApp, ttl: chrono::Duration) -> String {
    let body = json!({ "name": "short", "permissions": ["queues:read"], "expiresAt": app.app.clock.now() + ttl });
    let made = app.post("/api/api-keys", body).await;
    text(&made.json()["key"]).to_owned()
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_wrong_with_a_key_is_named(pool: PgPool) {
    let app = TestApp::new(pool);
    let year = app.app.clock.now() + chrono::Duration::days(400);
    for (body, field) in [
        (json!({ "name": "", "permissions": ["jobs:read"] }), "/name"),
        (json!({ "name": "a", "permissions": [] }), "/permissions"),
        (
            json!({ "name": "a", "permissions": ["jobs:fly"] }),
            "/permissions/0",
        ),
        (
            json!({ "name": "a", "permissions": ["jobs:read", "account:self"] }),
            "/permissions/1",
        ),
        (
            json!({ "name": "a", "permissions": ["jobs:read"], "clusters": ["nofanz"] }),
            "/clusters",
        ),
        (
            json!({ "name": "a", "permissions": ["jobs:read"], "expiresAt": year }),
            "/expiresAt",
        ),
        (
            json!({ "name": "a", "permissions": ["jobs:read"], "expiresAt": "2020-01-01T00:00:00Z" }),
            "/expiresAt",
        ),
    ] {
        let answer = app.post("/api/api-keys", body).await;
        assert_eq!(wrong_field(&answer), field);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn the_first_admin_is_made_once(pool: PgPool) {
    let app = TestApp::new(pool);
    let make = |email: &str| {
        let (email, ctx) = (email.parse().expect("an address"), app.ctx());
        let access = app.app.access.clone();
        async move {
            access
                .add_first_admin(&ctx, email, PASSWORD.into())
                .await
                .expect("asked")
        }
    };
    let first = make("root@x.example").await.expect("made");
    assert_eq!(first.email, "root@x.example");
    assert_eq!(make("eve@x.example").await, None);
}
