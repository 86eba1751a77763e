//! Nobody gets in without a token that is believed and a permission.

use axum::body::Body;
use axum::http::Request;
use shared::kernel::Role;
use sqlx::PgPool;

use crate::support::TestApp;

#[sqlx::test(migrations = "../migrations")]
async fn unknown_paths_tell_strangers_nothing(pool: PgPool) {
    let app = TestApp::new(pool);
    for path in ["/api", "/api/", "/api/nothing", "/api/job-kinds"] {
        let answer = app
            .send(Request::get(path).body(Body::empty()).expect("a request"))
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (401, "unauthenticated"),
            "{path}"
        );
        assert_eq!(
            answer.header("www-authenticate"),
            "Bearer realm=\"creator-crm\""
        );
    }
    assert_eq!(app.get("/api/nothing").await.problem(), "not-found");
    let answer = app
        .call(axum::http::Method::DELETE, "/api/job-kinds", &[], None)
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.problem().as_str()),
        (405, "method-not-allowed")
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_role_without_the_permission_is_told_which_one_is_lacking(pool: PgPool) {
    let app = TestApp::new(pool);
    let token = format!("bearer {}", app.token(Role::Creator));
    let request = Request::get("/api/job-kinds")
        .header("authorization", token)
        .body(Body::empty())
        .expect("a request");
    let answer = app.send(request).await;
    assert_eq!(
        (answer.status.as_u16(), answer.problem().as_str()),
        (403, "forbidden")
    );
    assert_eq!(answer.json()["permission"], "jobs:read");
}

#[sqlx::test(migrations = "../migrations")]
async fn the_request_id_of_the_caller_comes_back(pool: PgPool) {
    let app = TestApp::new(pool);
    let answer = app
        .call(
            axum::http::Method::GET,
            "/api/job-kinds",
            &[("x-request-id", "mine-1")],
            None,
        )
        .await;
    assert_eq!(answer.header("x-request-id"), "mine-1");
    let kinds = answer.json()["items"].as_array().expect("a list").clone();
    let greet = kinds
        .iter()
        .find(|kind| kind["kind"] == "test.greet")
        .expect("listed");
    assert_eq!(greet["argsSchema"]["required"], serde_json::json!(["name"]));
}
