//! The second factor: enrolling, showing and replacing it.

use axum::http::Method;
use serde_json::{Value, json};
use shared::access::{ACCOUNT_TRIES_MAX, CODE_TRIES_MAX, CODE_WINDOW, WINDOW};
use sqlx::PgPool;

use crate::people::{PASSWORD, Place, by, code, may, text};
use crate::support::TestApp;

fn seconds(n: i64) -> chrono::Duration {
    chrono::Duration::seconds(n)
}

#[sqlx::test(migrations = "../migrations")]
async fn finance_can_do_nothing_before_a_second_factor_is_enrolled(pool: PgPool) {
    let place = Place::with(pool, "finance").await;
    let (tokens, other) = (place.login(None).await, place.login(None).await);
    let token = text(&tokens["accessToken"]);
    assert_eq!(tokens["mustEnrol"], true);
    assert_eq!(may(&place.app, token, "/api/clusters").await, 403);
    assert_eq!(may(&place.app, token, "/api/auth/me").await, 200);

    let wrong = json!({ "code": "000000" });
    let path = "/api/auth/second-factor/confirm";
    let early = by(&place.app, token, Method::POST, path, Some(wrong.clone())).await;
    assert_eq!(early.problem(), "second-factor-not-begun");
    let (secret, _) = place.enrol(token).await;
    assert_eq!(may(&place.app, token, "/api/clusters").await, 200);
    // a session that never showed the factor is over
    assert_eq!(
        may(&place.app, text(&other["accessToken"]), "/api/auth/me").await,
        401
    );

    let without = place.try_login(PASSWORD, None).await;
    assert_eq!(
        (without.status.as_u16(), without.problem()),
        (401, "second-factor-wanted".to_owned())
    );
    place.app.app.clock.advance(seconds(30));
    let with = place.login(Some(&code(&place.app, &secret))).await;
    assert_eq!(with["mustEnrol"], false);
    let remove = json!({ "password": PASSWORD, "code": "000000" });
    let token = text(&with["accessToken"]);
    let kept = by(
        &place.app,
        token,
        Method::DELETE,
        "/api/auth/second-factor",
        Some(remove),
    )
    .await;
    assert_eq!(kept.problem(), "second-factor-required");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_code_and_a_recovery_code_work_once(pool: PgPool) {
    let place = Place::with(pool, "ops").await;
    let token = place.login(None).await;
    let (secret, recovery) = place.enrol(text(&token["accessToken"])).await;
    // the code that confirmed the factor is used up
    let used = code(&place.app, &secret);
    assert_eq!(place.try_login(PASSWORD, Some(&used)).await.status, 401);
    place.app.app.clock.advance(seconds(30));
    let next = code(&place.app, &secret);
    place.login(Some(&next)).await;
    assert_eq!(place.try_login(PASSWORD, Some(&next)).await.status, 401);
    place.app.app.clock.advance(seconds(90));
    assert_eq!(place.try_login(PASSWORD, Some("000000")).await.status, 401);

    let spoken = recovery[3].to_uppercase().replace('-', " ");
    place.login(Some(&spoken)).await;
    assert_eq!(
        place.try_login(PASSWORD, Some(&recovery[3])).await.status,
        401
    );
    place.login(Some(&recovery[4])).await;

    let path = format!("/api/users/{}/reset-second-factor", place.id);
    let reset = place
        .app
        .post(&path, json!({ "reason": "lost the phone" }))
        .await;
    assert_eq!(reset.json()["secondFactorSince"], Value::Null, "{reset:?}");
    place.login(None).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn codes_are_not_guessed_by_who_knows_the_password(pool: PgPool) {
    let place = Place::with(pool, "ops").await;
    let token = place.login(None).await;
    let (secret, _) = place.enrol(text(&token["accessToken"])).await;
    place.app.app.clock.advance(seconds(60));
    for n in 0..CODE_TRIES_MAX {
        if n == ACCOUNT_TRIES_MAX {
            // the window of the password is over, that of codes is not
            let window = i64::try_from(WINDOW.as_secs()).expect("minutes");
            place.app.app.clock.advance(seconds(window));
        }
        let answer = place.try_login(PASSWORD, Some("000 000 1")).await;
        assert_eq!(answer.status, 401, "{n}: {answer:?}");
    }
    let window = i64::try_from(WINDOW.as_secs()).expect("minutes");
    place.app.app.clock.advance(seconds(window));
    let refused = place
        .try_login(PASSWORD, Some(&code(&place.app, &secret)))
        .await;
    assert_eq!(refused.problem(), "too-many-tries");
    let day = i64::try_from(CODE_WINDOW.as_secs()).expect("hours");
    place.app.app.clock.advance(seconds(day));
    place.login(Some(&code(&place.app, &secret))).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_second_factor_is_replaced_only_by_who_shows_it(pool: PgPool) {
    let place = Place::with(pool, "ops").await;
    let tokens = place.login(None).await;
    let token = text(&tokens["accessToken"]);
    let (secret, recovery) = place.enrol(token).await;
    place.app.app.clock.advance(seconds(30));
    let begin = |body: Value| {
        let path = "/api/auth/second-factor";
        by(&place.app, token, Method::POST, path, Some(body))
    };
    for body in [
        json!({ "password": PASSWORD }),
        json!({ "password": PASSWORD, "code": "0000001" }),
    ] {
        let refused = begin(body).await;
        assert_eq!(refused.status, 422, "{refused:?}");
        assert_eq!(refused.json()["errors"][0]["field"], "/code");
    }
    let present = code(&place.app, &secret);
    let begun = begin(json!({ "password": PASSWORD, "code": present })).await;
    assert_eq!(
        (begun.status.as_u16(), begun.header("cache-control")),
        (200, "no-store")
    );
    let begun = begin(json!({ "password": PASSWORD, "code": recovery[0] })).await;
    assert_eq!(begun.status, 200, "{begun:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn the_first_admin_enrols_at_the_first_login_where_that_is_the_rule(pool: PgPool) {
    let app = TestApp::with(pool, &[("SECOND_FACTOR_FOR_ADMINS", "true")]);
    let (email, password) = ("ada@x.example", PASSWORD);
    let first = app
        .app
        .access
        .add_first_admin(
            &app.ctx(),
            email.parse().expect("an address"),
            password.into(),
        )
        .await
        .expect("the database answers")
        .expect("there is nobody yet");
    let place = Place {
        app,
        email: email.to_owned(),
        id: first.id.to_string(),
    };
    let tokens = place.login(None).await;
    let token = text(&tokens["accessToken"]);
    assert_eq!(tokens["mustEnrol"], true);
    for path in ["/api/users", "/api/creators", "/api/admin/audit"] {
        assert_eq!(may(&place.app, token, path).await, 403, "{path}");
    }
    let (secret, _) = place.enrol(token).await;
    assert_eq!(may(&place.app, token, "/api/users").await, 200);
    assert_eq!(
        place.try_login(PASSWORD, None).await.problem(),
        "second-factor-wanted"
    );
    place.app.app.clock.advance(seconds(30));
    let with = place.login(Some(&code(&place.app, &secret))).await;
    assert_eq!(with["mustEnrol"], false);
    let remove = json!({ "password": PASSWORD, "code": "000000" });
    let path = "/api/auth/second-factor";
    let kept = by(&place.app, token, Method::DELETE, path, Some(remove)).await;
    assert_eq!(kept.problem(), "second-factor-required");
}

#[sqlx::test(migrations = "../migrations")]
async fn an_admin_of_a_demonstration_logs_in_without(pool: PgPool) {
    let place = Place::with(pool, "admin").await;
    let tokens = place.login(None).await;
    assert_eq!(tokens["mustEnrol"], false);
    let token = text(&tokens["accessToken"]);
    assert_eq!(may(&place.app, token, "/api/users").await, 200);
}
