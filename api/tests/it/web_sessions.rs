//! Sessions of web pages: a cookie that only our own pages can use for changes.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::json;
use sqlx::PgPool;

use crate::people::{PASSWORD, Place, anonymous, text};
use crate::support::{Answer, TestApp};

pub(crate) const OURS: (&str, &str) = ("sec-fetch-site", "same-origin");

/// A request with a cookie.
pub(crate) async fn with_cookie(
    place: &Place,
    cookie: &str,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    request = request.header("cookie", format!("theme=dark; {cookie}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).expect("a request");
    place.app.send(request).await
}

/// The cookie and the token for changes of a new web session.
pub(crate) async fn begin(place: &Place) -> (String, String) {
    begin_as(&place.app, &place.email).await
}

/// The same for another user.
pub(crate) async fn begin_as(app: &TestApp, email: &str) -> (String, String) {
    let body = json!({ "email": email, "password": PASSWORD });
    let begun = anonymous(app, "/api/auth/session", body, &[OURS]).await;
    assert_eq!(begun.status, 200, "{begun:?}");
    let header = begun.header("set-cookie");
    assert!(
        header.contains("HttpOnly") && header.contains("SameSite=Lax"),
        "{header}"
    );
    let cookie = header.split(';').next().expect("a pair").to_owned();
    assert!(
        !begun
            .text
            .contains(cookie.split('=').next_back().expect("a value"))
    );
    (cookie, text(&begun.json()["csrfToken"]).to_owned())
}

#[sqlx::test(migrations = "../migrations")]
async fn only_our_own_pages_change_anything_by_cookie(pool: PgPool) {
    let place = Place::with(pool, "ops").await;
    let (cookie, csrf) = begin(&place).await;
    let seen = with_cookie(&place, &cookie, Method::GET, "/api/queues", &[]).await;
    assert_eq!(seen.status, 200, "{seen:?}");
    let token = ("x-csrf-token", csrf.as_str());
    let path = format!("/api/workers/worker_{:032x}/drain", 1);
    for (headers, status) in [
        (vec![], 403),
        (vec![token], 403),
        (vec![OURS], 403),
        (vec![OURS, ("x-csrf-token", "csrf_wrong")], 403),
        (vec![("sec-fetch-site", "cross-site"), token], 403),
        (vec![("sec-fetch-site", "same-site"), token], 403),
        (vec![("origin", "https://evil.example"), token], 403),
        // allowed, but there is no such worker
        (vec![("origin", "http://localhost:3004"), token], 404),
        (vec![OURS, token], 404),
    ] {
        let answer = with_cookie(&place, &cookie, Method::POST, &path, &headers).await;
        assert_eq!(answer.status, status, "{headers:?}: {answer:?}");
    }
    let shown = with_cookie(&place, &cookie, Method::GET, "/api/auth/session", &[]).await;
    assert_eq!(shown.json()["csrfToken"], json!(csrf));
}

#[sqlx::test(migrations = "../migrations")]
async fn another_sites_page_cannot_log_anybody_in(pool: PgPool) {
    let place = Place::with(pool, "ops").await;
    let body = json!({ "email": place.email, "password": PASSWORD });
    for headers in [
        vec![],
        vec![("sec-fetch-site", "cross-site")],
        vec![("origin", "null")],
    ] {
        let answer = anonymous(&place.app, "/api/auth/session", body.clone(), &headers).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("set-cookie")),
            (403, ""),
            "{answer:?}"
        );
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_web_session_ends_with_a_logout_and_when_its_user_is_disabled(pool: PgPool) {
    let place = Place::with(pool, "ops").await;
    let seen = async |cookie: &str| {
        let answer = with_cookie(&place, cookie, Method::GET, "/api/queues", &[]).await;
        answer.status.as_u16()
    };
    let ((cookie, csrf), (other, _)) = (begin(&place).await, begin(&place).await);
    let headers = [OURS, ("x-csrf-token", csrf.as_str())];
    let out = with_cookie(
        &place,
        &cookie,
        Method::DELETE,
        "/api/auth/session",
        &headers,
    )
    .await;
    assert_eq!(out.status, 204, "{out:?}");
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!((seen(&cookie).await, seen(&other).await), (401, 200));
    assert_eq!(seen("creator-crm=ws_made-up").await, 401);
    let page = async || {
        let answer = with_cookie(&place, &other, Method::GET, "/jobs", &[]).await;
        answer.status.as_u16()
    };
    assert_eq!(page().await, 200);

    let path = format!("/api/users/{}/disable", place.id);
    let disabled = place.app.post(&path, json!({ "reason": "gone" })).await;
    assert_eq!(disabled.status, 200, "{disabled:?}");
    // the pages lead to the login
    assert_eq!((seen(&other).await, page().await), (401, 303));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_browser_that_logs_in_anew_leaves_no_session_behind(pool: PgPool) {
    let place = Place::with(pool, "ops").await;
    let seen = async |cookie: &str| {
        let answer = with_cookie(&place, cookie, Method::GET, "/api/queues", &[]).await;
        answer.status.as_u16()
    };
    let (former, _) = begin(&place).await;
    let body = json!({ "email": place.email, "password": PASSWORD });
    let headers = [OURS, ("cookie", former.as_str())];
    let again = anonymous(&place.app, "/api/auth/session", body, &headers).await;
    assert_eq!(again.status, 200, "{again:?}");
    let cookie = again
        .header("set-cookie")
        .split(';')
        .next()
        .expect("a pair");
    assert_ne!(cookie, former);
    assert_eq!((seen(&former).await, seen(cookie).await), (401, 200));
    // a cookie that somebody else planted is not taken over
    let planted = "creator-crm=ws_planted";
    let headers = [OURS, ("cookie", planted)];
    let body = json!({ "email": place.email, "password": PASSWORD });
    let begun = anonymous(&place.app, "/api/auth/session", body, &headers).await;
    assert_eq!(begun.status, 200, "{begun:?}");
    assert_eq!(seen(planted).await, 401);
}
