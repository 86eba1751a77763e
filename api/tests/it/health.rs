//! Health really asks.

use axum::body::Body;
use axum::http::Request;
use shared::kernel::connect_lazy;
use sqlx::PgPool;

use crate::support::{TestApp, config};

async fn get(app: &TestApp, path: &str) -> crate::support::Answer {
    app.send(Request::get(path).body(Body::empty()).expect("a request"))
        .await
}

#[sqlx::test(migrations = "../migrations")]
async fn health_is_told_without_a_token(pool: PgPool) {
    let app = TestApp::new(pool);
    for (path, checks) in [
        ("/health", 0),
        ("/health/ready", 2),
        ("/health/database", 1),
        ("/health/redis", 1),
    ] {
        let answer = get(&app, path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        let json = answer.json();
        assert_eq!(json["status"], "ok");
        let list = json["checks"].as_array().expect("checks");
        assert_eq!(list.len(), checks, "{path}");
        assert!(
            list.iter()
                .all(|check| check["latencyMs"].as_f64().expect("measured") > 0.0)
        );
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_redis_that_is_not_there_is_reported(pool: PgPool) {
    // port 1 is refused at once
    let app = TestApp::with(pool, &[("REDIS_URL", "redis://127.0.0.1:1/0")]);
    assert_eq!(get(&app, "/health").await.status, 200);
    assert_eq!(get(&app, "/health/database").await.status, 200);
    for path in ["/health/redis", "/health/ready"] {
        let answer = get(&app, path).await;
        assert_eq!(answer.status, 503, "{path}");
        assert_eq!(answer.json()["status"], "failed");
    }
}

#[tokio::test]
async fn a_postgres_that_is_not_there_is_reported() {
    let nowhere = [("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")];
    let pool = connect_lazy(&config(&nowhere).database, "test").expect("a URL");
    let app = TestApp::with(pool, &nowhere);
    for path in ["/health/database", "/health/ready"] {
        let answer = get(&app, path).await;
        assert_eq!(answer.status, 503, "{path}");
        assert!(
            !answer.text.contains("127.0.0.1"),
            "addresses stay inside: {answer:?}"
        );
    }
}
