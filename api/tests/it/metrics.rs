//! Figures for Prometheus.

use axum::body::{Body, to_bytes};
use axum::http::Request;
use shared::kernel::Role;
use shared::queue::Next;
use sqlx::PgPool;
use tower::ServiceExt;

use crate::support::{Hands, TestApp};

async fn scrape(app: &TestApp) -> String {
    let router = api::metrics::router(app.app.clone());
    let response = router
        .oneshot(
            Request::get("/metrics")
                .body(Body::empty())
                .expect("a request"),
        )
        .await
        .expect("answered");
    assert_eq!(response.status(), 200);
    let bytes = to_bytes(response.into_body(), 1024 * 1024)
        .await
        .expect("a body");
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[sqlx::test(migrations = "../migrations")]
async fn the_queue_is_told_in_figures(pool: PgPool) {
    let app = TestApp::new(pool);
    let hands = Hands::new(&app).await;
    let dead = app.greet("a").await;
    app.greet("b").await;
    hands.fail(dead, Next::Fail, &["never"]).await;
    let text = scrape(&app).await;
    for line in [
        r#"jobs_enqueued_total{kind="test.greet",queue="tests"} 2"#,
        r#"queue_depth{queue="tests",state="waiting"} 1"#,
        r#"queue_depth{queue="tests",state="dead"} 1"#,
        r#"queue_slots{queue="tests"} 10"#,
        r#"queue_stranded_jobs{queue="tests"} 0"#,
        r#"queue_ready_list_length{priority="critical",queue="tests"} "#,
        r#"queue_workers{state="running"} 1"#,
        "queue_leader 0",
        "postgres_oldest_transaction_seconds ",
        r#"postgres_pool_connections{state="used"} "#,
        r#"http_request_seconds_count{method="POST",route="/api/jobs",status="202"} 2"#,
    ] {
        assert!(
            text.lines().any(|found| found.starts_with(line)),
            "{line} is missing in:\n{text}"
        );
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn the_public_port_shows_figures_only_to_those_who_may(pool: PgPool) {
    let app = TestApp::new(pool);
    let ask = async |role: Option<Role>| {
        let mut request = Request::get("/metrics");
        if let Some(role) = role {
            request = request.header("authorization", format!("Bearer {}", app.token(role)));
        }
        app.send(request.body(Body::empty()).expect("a request"))
            .await
            .status
            .as_u16()
    };
    assert_eq!(
        (
            ask(None).await,
            ask(Some(Role::Creator)).await,
            ask(Some(Role::Analyst)).await
        ),
        (401, 403, 200)
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn paths_and_methods_of_strangers_make_no_labels(pool: PgPool) {
    let app = TestApp::new(pool);
    for (method, path) in [("GET", "/a"), ("GET", "/b"), ("BREW", "/c")] {
        app.send(
            Request::builder()
                .method(method)
                .uri(path)
                .body(Body::empty())
                .expect("a request"),
        )
        .await;
    }
    let text = scrape(&app).await;
    assert!(
        text.contains(
            r#"http_request_seconds_count{method="GET",route="(no route)",status="404"} 2"#
        ),
        "{text}"
    );
    assert!(
        text.contains(
            r#"http_request_seconds_count{method="other",route="(no route)",status="404"} 1"#
        ),
        "{text}"
    );
}
