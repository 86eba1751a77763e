//! The three endings of an exchange.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::test_server::{Reply, TestServer};
use super::*;

fn client(url: &str, answer_max_bytes: usize) -> HttpClient {
    let limits = HttpLimits {
        timeout: Duration::from_millis(300),
        answer_max_bytes,
        ..HttpLimits::default()
    };
    HttpClient::new(url.parse().expect("an address"), limits)
}

async fn ends(reply: Reply, answer_max_bytes: usize) -> (Exchange, usize) {
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = seen.clone();
    let server = TestServer::start(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        std::future::ready(reply.clone())
    })
    .await;
    let exchange = client(&server.url(), answer_max_bytes)
        .exchange(Request::get("/".into()))
        .await;
    (exchange, seen.load(Ordering::SeqCst))
}

#[tokio::test]
async fn an_answer_is_an_answer_whatever_it_says() {
    for status in [200, 404, 500, 503] {
        let (exchange, _) = ends(Reply::json(status, &serde_json::json!({ "a": 1 })), 100).await;
        let Exchange::Answered(answer) = exchange else {
            panic!("{exchange:?}");
        };
        assert_eq!(
            (answer.status, answer.body.as_slice()),
            (status, b"{\"a\":1}".as_slice())
        );
    }
}

#[tokio::test]
async fn a_request_whose_answer_is_missing_slow_or_too_large_is_unknown_and_not_repeated() {
    let large = Reply::With {
        status: 200,
        headers: Vec::new(),
        body: vec![b'x'; 101],
    };
    for reply in [Reply::HangUp, Reply::BreakOff, Reply::Silence, large] {
        let (exchange, seen) = ends(reply.clone(), 100).await;
        assert!(
            matches!(exchange, Exchange::Unknown(_)),
            "{reply:?}: {exchange:?}"
        );
        assert_eq!(seen, 1, "{reply:?}");
    }
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    // port 9 (discard) of this machine is not listened on
    let exchange = client("http://127.0.0.1:9", 100)
        .exchange(Request::get("/".into()))
        .await;
    assert!(matches!(exchange, Exchange::NotSent(_)), "{exchange:?}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let elsewhere = Reply::With {
        status: 307,
        headers: vec![("location", "http://127.0.0.1:9/".to_owned())],
        body: Vec::new(),
    };
    let (exchange, seen) = ends(elsewhere, 100).await;
    assert!(
        matches!(exchange, Exchange::Answered(Answer { status: 307, .. })),
        "{exchange:?}"
    );
    assert_eq!(seen, 1);
}

#[tokio::test]
async fn what_is_no_header_is_not_sent() {
    let request = Request::get("/".into()).header("x-name", "line\r\nbreak");
    let exchange = client("http://127.0.0.1:9", 100).exchange(request).await;
    assert!(matches!(exchange, Exchange::NotSent(_)), "{exchange:?}");
}
