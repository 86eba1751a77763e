//! Logging in, staying logged in, and being kept out.

use axum::http::Method;
use serde_json::{Value, json};
use shared::access::{ACCOUNT_TRIES_MAX, WINDOW};
use sqlx::PgPool;

use crate::people::{PASSWORD, Place, add, anonymous, by, may, text};
use crate::support::TestApp;

fn seconds(n: i64) -> chrono::Duration {
    chrono::Duration::seconds(n)
}

#[sqlx::test(migrations = "../migrations")]
async fn a_login_gives_a_token_that_opens_what_the_role_may(pool: PgPool) {
    let place = Place::with(pool, "ops").await;
    let tokens = place.login(None).await;
    let token = text(&tokens["accessToken"]);
    assert_eq!(tokens["mustEnrol"], false);
    assert_eq!(may(&place.app, token, "/api/queues").await, 200);
    assert_eq!(may(&place.app, token, "/api/users").await, 403);
    let me = by(&place.app, token, Method::GET, "/api/auth/me", None)
        .await
        .json();
    assert_eq!(
        json!([me["id"], me["email"], me["roles"]]),
        json!([place.id, place.email, ["ops"]])
    );
    assert!(
        me["permissions"]
            .as_array()
            .expect("a list")
            .contains(&json!("queues:write"))
    );
    place.app.app.clock.advance(seconds(10 * 60 + 6));
    assert_eq!(may(&place.app, token, "/api/queues").await, 401);
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_tells_whether_there_is_an_account(pool: PgPool) {
    let place = Place::with(pool, "ops").await;
    let wrong = place.try_login("not the password", None).await;
    let nobody = json!({ "email": "nobody@x.example", "password": PASSWORD });
    let nobody = anonymous(&place.app, "/api/auth/login", nobody, &[]).await;
    let told = |answer: &crate::support::Answer| {
        let mut json = answer.json();
        json["requestId"] = Value::Null;
        (answer.status, json, answer.header("retry-after").to_owned())
    };
    assert_eq!(wrong.status, 401, "{wrong:?}");
    assert_eq!(told(&wrong), told(&nobody));
    let entries = place
        .app
        .get("/api/admin/audit?action=login.fail")
        .await
        .json();
    assert_eq!(entries["items"].as_array().map(Vec::len), Some(2));
    // the trail does not name an address that was tried
    assert!(!entries.to_string().contains("x.example"), "{entries}");
}

#[sqlx::test(migrations = "../migrations")]
async fn too_many_tries_have_to_wait_even_with_the_password(pool: PgPool) {
    let place = Place::with(pool.clone(), "ops").await;
    for _ in 0..ACCOUNT_TRIES_MAX {
        assert_eq!(place.try_login("not the password", None).await.status, 401);
    }
    let refused = place.try_login(PASSWORD, None).await;
    assert_eq!(
        (refused.status.as_u16(), refused.problem()),
        (429, "too-many-tries".to_owned())
    );
    let wait: i64 = refused.header("retry-after").parse().expect("seconds");
    let window = i64::try_from(WINDOW.as_secs()).expect("minutes");
    assert!((1..=window + 1).contains(&wait), "{wait}");
    // another process begins where this one was
    let other = TestApp::new(pool);
    let body = json!({ "email": "ADA@x.example", "password": PASSWORD });
    let answer = anonymous(&other, "/api/auth/login", body.clone(), &[]).await;
    assert_eq!(answer.status, 429, "{answer:?}");
    // somebody else is not concerned, and an account that is not there is treated the same
    let nobody = json!({ "email": "nobody@x.example", "password": PASSWORD });
    for n in 0..=ACCOUNT_TRIES_MAX {
        let answer = anonymous(&place.app, "/api/auth/login", nobody.clone(), &[]).await;
        assert_eq!(answer.status, if n < ACCOUNT_TRIES_MAX { 401 } else { 429 });
    }
    place.app.app.clock.advance(seconds(wait));
    assert_eq!(place.try_login(PASSWORD, None).await.status, 200);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_success_forgives_the_tries_before_it(pool: PgPool) {
    let place = Place::with(pool, "ops").await;
    for _ in 0..3 {
        for _ in 1..ACCOUNT_TRIES_MAX {
            assert_eq!(place.try_login("not the password", None).await.status, 401);
        }
        place.login(None).await;
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refresh_token_works_once_and_a_second_use_ends_the_session(pool: PgPool) {
    let place = Place::with(pool, "ops").await;
    let first = place.login(None).await;
    let other = place.login(None).await;
    let refresh = |token: &Value| {
        let body = json!({ "refreshToken": token });
        anonymous(&place.app, "/api/auth/refresh", body, &[])
    };
    let second = refresh(&first["refreshToken"]).await;
    assert_eq!(second.status, 200, "{second:?}");
    let second = second.json();
    assert_eq!(
        may(&place.app, text(&second["accessToken"]), "/api/queues").await,
        200
    );

    assert_eq!(refresh(&first["refreshToken"]).await.status, 401);
    for token in [&first["accessToken"], &second["accessToken"]] {
        assert_eq!(may(&place.app, text(token), "/api/queues").await, 401);
    }
    assert_eq!(refresh(&second["refreshToken"]).await.status, 401);
    assert_eq!(
        may(&place.app, text(&other["accessToken"]), "/api/queues").await,
        200
    );
    let trail = place
        .app
        .get("/api/admin/audit?action=session.reuse")
        .await
        .json();
    assert_eq!(trail["items"].as_array().map(Vec::len), Some(1));
}

#[sqlx::test(migrations = "../migrations")]
async fn refresh_tokens_are_not_kept_up_for_ever(pool: PgPool) {
    let place = Place::with(pool, "ops").await;
    let tokens = place.login(None).await;
    let mut refresh = tokens["refreshToken"].clone();
    // kept up every five days, the session still ends after thirty
    for day in [5, 10, 15, 20, 25, 30] {
        place.app.app.clock.advance(chrono::Duration::days(5));
        let body = json!({ "refreshToken": refresh });
        let answer = anonymous(&place.app, "/api/auth/refresh", body, &[]).await;
        assert_eq!(answer.status, if day < 30 { 200 } else { 401 }, "day {day}");
        if day < 30 {
            refresh = answer.json()["refreshToken"].clone();
        }
    }
    let idle = place.login(None).await;
    place.app.app.clock.advance(chrono::Duration::days(7));
    let body = json!({ "refreshToken": idle["refreshToken"] });
    let answer = anonymous(&place.app, "/api/auth/refresh", body, &[]).await;
    assert_eq!(answer.status, 401);
}

#[sqlx::test(migrations = "../migrations")]
async fn who_logs_out_or_is_disabled_is_out_with_the_next_request(pool: PgPool) {
    let place = Place::with(pool, "ops").await;
    let (a, b) = (place.login(None).await, place.login(None).await);
    let (token, other) = (text(&a["accessToken"]), text(&b["accessToken"]));
    let out = by(&place.app, token, Method::POST, "/api/auth/logout", None).await;
    assert_eq!(out.status, 204, "{out:?}");
    assert_eq!(may(&place.app, token, "/api/queues").await, 401);
    assert_eq!(may(&place.app, other, "/api/queues").await, 200);

    let path = format!("/api/users/{}", place.id);
    let why = json!({ "reason": "left the company" });
    let disabled = place.app.post(&format!("{path}/disable"), why).await;
    assert_eq!(disabled.status, 200, "{disabled:?}");
    assert_eq!(may(&place.app, other, "/api/queues").await, 401);
    let body = json!({ "refreshToken": b["refreshToken"] });
    assert_eq!(
        anonymous(&place.app, "/api/auth/refresh", body, &[])
            .await
            .status,
        401
    );
    assert_eq!(place.try_login(PASSWORD, None).await.status, 401);

    let enabled = place
        .app
        .call(Method::POST, &format!("{path}/enable"), &[], None)
        .await;
    assert_eq!(enabled.json()["disabledAt"], Value::Null, "{enabled:?}");
    assert_eq!(may(&place.app, other, "/api/queues").await, 401);
    place.login(None).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn other_roles_hold_from_the_next_request(pool: PgPool) {
    let place = Place::with(pool, "ops").await;
    let tokens = place.login(None).await;
    let token = text(&tokens["accessToken"]);
    assert_eq!(may(&place.app, token, "/api/queues").await, 200);
    let path = format!("/api/users/{}", place.id);
    let roles = json!({ "roles": ["support"] });
    let changed = place.app.call(Method::PATCH, &path, &[], Some(roles)).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(may(&place.app, token, "/api/queues").await, 403);
    assert_eq!(may(&place.app, token, "/api/clusters").await, 200);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_changed_password_ends_all_other_sessions(pool: PgPool) {
    let place = Place::with(pool, "ops").await;
    let (a, b) = (place.login(None).await, place.login(None).await);
    let (token, other) = (text(&a["accessToken"]), text(&b["accessToken"]));
    let change = |present: &str, new: &str| {
        let body = json!({ "currentPassword": present, "newPassword": new });
        by(
            &place.app,
            token,
            Method::POST,
            "/api/auth/password",
            Some(body),
        )
    };
    for (present, new, field) in [
        (
            "not the password",
            "staple wagon lantern",
            "/currentPassword",
        ),
        (PASSWORD, "short", "/newPassword"),
        (PASSWORD, "password-password", "/newPassword"),
    ] {
        let answer = change(present, new).await;
        assert_eq!(answer.status, 422, "{answer:?}");
        assert_eq!(answer.json()["errors"][0]["field"], field);
    }
    assert_eq!(change(PASSWORD, "staple wagon lantern").await.status, 204);
    assert_eq!(may(&place.app, token, "/api/queues").await, 200);
    assert_eq!(may(&place.app, other, "/api/queues").await, 401);
    assert_eq!(place.try_login(PASSWORD, None).await.status, 401);
    assert_eq!(
        place.try_login("staple wagon lantern", None).await.status,
        200
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn no_secret_of_a_login_is_kept_in_clear(pool: PgPool) {
    let place = Place::with(pool.clone(), "ops").await;
    let tokens = place.login(None).await;
    let (secret, recovery) = place.enrol(text(&tokens["accessToken"])).await;
    add(
        &place.app,
        json!({ "email": "bea@x.example", "name": "Bea", "roles": ["ops"] }),
    )
    .await;
    let kept: String = sqlx::query_scalar(
        "select concat_ws(' ', (select json_agg(u)::text from users u), (select json_agg(r)::text from refresh_tokens r),
                (select json_agg(c)::text from recovery_codes c), (select json_agg(a.entry)::text from audit_entries a),
                (select json_agg(p)::text from audit_personal p), (select json_agg(j)::text from jobs j))",
    )
    .fetch_one(&pool)
    .await
    .expect("read");
    let refresh = text(&tokens["refreshToken"]);
    for secret in [
        PASSWORD,
        refresh,
        &secret,
        &recovery[0],
        text(&tokens["accessToken"]),
    ] {
        assert!(!kept.contains(secret), "{secret}");
    }
    // the job that welcomes Bea does not name her address
    assert!(kept.contains("access.password_mail"), "{kept}");
    let job: String =
        sqlx::query_scalar("select args::text from jobs where kind = 'access.password_mail'")
            .fetch_one(&pool)
            .await
            .expect("a job");
    assert!(!job.contains("bea"), "{job}");
}

#[sqlx::test(migrations = "../migrations")]
async fn tokens_of_the_previous_secret_are_read_until_it_is_taken_out(pool: PgPool) {
    const OLD: &str = "the first secret of this service, long";
    const NEW: &str = "the second secret of this service, long";
    let with = |changes: &[(&str, &str)]| TestApp::with(pool.clone(), changes);
    let before = with(&[("JWT_SECRET", OLD)]);
    let body =
        json!({ "email": "ada@x.example", "name": "Ada", "roles": ["ops"], "password": PASSWORD });
    add(&before, body).await;
    let login = json!({ "email": "ada@x.example", "password": PASSWORD });
    let answer = anonymous(&before, "/api/auth/login", login, &[]).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let tokens = answer.json();
    let token = text(&tokens["accessToken"]);
    let rotating = with(&[("JWT_SECRET", NEW), ("JWT_SECRET_PREVIOUS", OLD)]);
    assert_eq!(may(&rotating, token, "/api/queues").await, 200);
    let after = with(&[("JWT_SECRET", NEW)]);
    assert_eq!(may(&after, token, "/api/queues").await, 401);
    // whoever was logged in stays so by their refresh token, which no secret signs
    let refresh = json!({ "refreshToken": tokens["refreshToken"] });
    let fresh = anonymous(&after, "/api/auth/refresh", refresh, &[])
        .await
        .json();
    assert_eq!(
        may(&after, text(&fresh["accessToken"]), "/api/queues").await,
        200
    );
}
