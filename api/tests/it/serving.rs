//! The service on a real socket: it stops without cutting anybody off.

use std::time::Duration;

use api::serve::{listen, serve};
use shared::kernel::Role;
use sqlx::PgPool;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::TestApp;

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(10);

#[sqlx::test(migrations = "../migrations")]
async fn a_request_under_way_is_answered_before_the_service_ends(pool: PgPool) {
    let app = TestApp::new(pool);
    let listener = listen("127.0.0.1:0".parse().expect("an address"))
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("bound");
    let stop = app.app.stop.clone();
    let serving = tokio::spawn(serve(
        listener,
        api::router::router(app.app.clone()),
        stop.clone(),
    ));

    let body = r#"{"kind":"test.greet","args":{"name":"ada"}}"#;
    let mut connection = TcpStream::connect(address).await.expect("connected");
    let head = format!(
        "POST /api/jobs HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\nexpect: 100-continue\r\n\r\n",
        app.token(Role::Ops),
        body.len()
    );
    connection.write_all(head.as_bytes()).await.expect("sent");
    // the server asks for the body once the handler reads it: the request is under way then
    let mut answer = vec![0; 25];
    timeout(PATIENCE, connection.read_exact(&mut answer))
        .await
        .expect("in time")
        .expect("an answer");
    assert_eq!(answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    stop.cancel();
    connection.write_all(body.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    timeout(PATIENCE, connection.read_to_string(&mut answer))
        .await
        .expect("in time")
        .expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    timeout(PATIENCE, serving)
        .await
        .expect("it ends")
        .expect("no panic")
        .expect("no error");
    assert!(
        TcpStream::connect(address).await.is_err(),
        "nobody listens any more"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn the_page_to_try_it_is_served_with_the_document(pool: PgPool) {
    let app = TestApp::new(pool);
    let page = app.get("/docs/").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("swagger-ui"), "{}", page.text);
    let settings = app.get("/docs/swagger-initializer.js").await;
    assert!(settings.text.contains("/openapi.json"), "{}", settings.text);
    assert_eq!(app.get("/openapi.json").await.json()["openapi"], "3.1.0");
}
