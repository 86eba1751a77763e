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
    let key = json!({ "name": "wide", "permissions": ["creators:read"] });
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
            json!({ "name": "a", "permissions": ["creators:read"], "clusters": ["nofanz"] }),
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

#[sqlx::test(migrations = "../migrations")]
async fn a_key_opens_no_more_than_its_owner_may_now(pool: PgPool) {
    let app = TestApp::new(pool);
    let token = admin(&app, "ada@x.example", None).await;
    let me = by(&app, &token, Method::GET, "/api/auth/me", None).await;
    let path = format!("/api/users/{}", text(&me.json()["id"]));
    let body = json!({ "name": "import", "permissions": ["queues:read", "creators:read"] });
    let made = by(&app, &token, Method::POST, "/api/api-keys", Some(body)).await;
    let key = text(&made.json()["key"]).to_owned();
    let may_both = async || {
        let queues = may(&app, &key, "/api/queues").await;
        (queues, may(&app, &key, "/api/creators").await)
    };
    // they may be disabled only if there is another admin
    admin(&app, "root@x.example", None).await;
    assert_eq!(may_both().await, (200, 200));
    for (change, opens) in [
        (json!({ "clusters": ["boyfanz"] }), (403, 200)),
        (json!({ "clusters": null, "roles": ["ops"] }), (200, 403)),
        (json!({ "roles": ["admin"] }), (200, 200)),
    ] {
        let changed = app.call(Method::PATCH, &path, &[], Some(change)).await;
        assert_eq!(changed.status, 200, "{changed:?}");
        assert_eq!(may_both().await, opens, "{changed:?}");
    }
    let why = json!({ "reason": "left the company" });
    app.post(&format!("{path}/disable"), why).await;
    assert_eq!(may_both().await, (401, 401));
    app.call(Method::POST, &format!("{path}/enable"), &[], None)
        .await;
    assert_eq!(may_both().await, (200, 200));
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_makes_or_steers_somebody_who_may_do_more_than_they(pool: PgPool) {
    let place = Place::with(pool, "admin").await;
    let permissions = ["users:read", "users:write", "api-keys:write"];
    let body = json!({ "name": "people desk", "permissions": permissions });
    let made = place.app.post("/api/api-keys", body).await;
    let key = text(&made.json()["key"]).to_owned();
    let new = json!({ "email": "eve@x.example", "name": "Eve", "roles": ["admin"], "password": PASSWORD });
    let path = format!("/api/users/{}", place.id);
    let why = Some(json!({ "reason": "a ticket" }));
    for (method, path, body) in [
        (Method::POST, "/api/users".to_owned(), Some(new)),
        (Method::PATCH, path.clone(), Some(json!({ "name": "Eve" }))),
        (Method::POST, format!("{path}/disable"), why.clone()),
        (Method::POST, format!("{path}/reset-second-factor"), why),
        (Method::POST, format!("{path}/end-sessions"), None),
    ] {
        let answer = by(&place.app, &key, method.clone(), &path, body).await;
        assert_eq!(answer.status, 403, "{method} {path}: {answer:?}");
    }
    // of a key comes no key that may do more
    let wider = json!({ "name": "wider", "permissions": ["creators:read"] });
    let answer = by(&place.app, &key, Method::POST, "/api/api-keys", Some(wider)).await;
    assert_eq!(wrong_field(&answer), "/permissions/0");
}

#[sqlx::test(migrations = "../migrations")]
async fn two_admins_who_disable_each_other_at_once_leave_one(pool: PgPool) {
    let place = Place::with(pool, "admin").await;
    let bea = json!({ "email": "bea@x.example", "name": "Bea", "roles": ["admin"] });
    let bea = add(&place.app, bea).await;
    // who is limited to clusters is not somebody who can do everything
    let cleo = json!({ "email": "cleo@x.example", "name": "Cleo", "roles": ["admin"], "clusters": ["boyfanz"] });
    add(&place.app, cleo).await;
    let disable = async |id: &str| {
        let why = json!({ "reason": "a quarrel" });
        let path = format!("/api/users/{id}/disable");
        place.app.post(&path, why).await.status.as_u16()
    };
    let (a, b) = tokio::join!(disable(&place.id), disable(&bea));
    let mut answers = [a, b];
    answers.sort_unstable();
    assert_eq!(answers, [200, 409]);
    let limited = json!({ "clusters": ["boyfanz"] });
    let left = if a == 200 { &bea } else { &place.id };
    let path = format!("/api/users/{left}");
    let kept = place.app.call(Method::PATCH, &path, &[], Some(limited));
    assert_eq!(kept.await.problem(), "last-admin");
}
