//! Events, watched through HTTP.

use std::time::{Duration, Instant};

use axum::body::{Body, BodyDataStream};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use futures_util::StreamExt;
use serde_json::{Value, json};
use shared::kernel::Role;
use sqlx::PgPool;

use crate::people::{Place, text};
use crate::support::TestApp;

/// How long an event is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
struct Seen {
    name: String,
    id: String,
    data: Value,
}

/// A connection that watches.
struct Watching {
    body: BodyDataStream,
    buffer: String,
}

async fn connect(app: &TestApp, query: &str, last: Option<&str>) -> Response {
    let mut request = Request::get(format!("/api/events{query}"));
    request = request.header("authorization", format!("Bearer {}", app.token(Role::Ops)));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    app.open(request.body(Body::empty()).expect("a request"))
        .await
}

impl Watching {
    async fn new(app: &TestApp, query: &str, last: Option<&str>) -> Self {
        let response = connect(app, query, last).await;
        assert_eq!(response.status(), StatusCode::OK);
        let mut watching = Self {
            body: response.into_body().into_data_stream(),
            buffer: String::new(),
        };
        let hello = watching.next().await;
        assert_eq!(hello.name, "hello");
        watching
    }

    async fn next(&mut self) -> Seen {
        loop {
            if let Some((text, rest)) = self.buffer.split_once("\n\n") {
                let field = |name: &str| {
                    let line = text
                        .lines()
                        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                    line.unwrap_or_default().to_owned()
                };
                let seen = (field("event"), field("id"), field("data"));
                self.buffer = rest.to_owned();
                if !seen.0.is_empty() {
                    return Seen {
                        name: seen.0,
                        id: seen.1,
                        data: serde_json::from_str(&seen.2).expect("JSON"),
                    };
                }
                continue;
            }
            let chunk = tokio::time::timeout(PATIENCE, self.body.next())
                .await
                .expect("an event in time");
            let chunk = chunk.expect("the stream goes on").expect("a chunk");
            self.buffer
                .push_str(std::str::from_utf8(&chunk).expect("text"));
        }
    }

    /// Waits until an event tells of a job that is `id`.
    async fn until_job(&mut self, id: &str) -> Seen {
        loop {
            let seen = self.next().await;
            if seen.data["jobs"]
                .as_array()
                .is_some_and(|jobs| jobs.iter().any(|job| job["id"] == id))
            {
                return seen;
            }
        }
    }
}

/// A queue of this test alone: the stream is shared by all who use this Redis.
fn own_queue() -> String {
    format!("q{}", uuid::Uuid::new_v4().simple())
}

async fn enqueue(app: &TestApp, queue: &str) -> String {
    app.enqueue(json!({ "kind": "test.greet", "args": { "name": "a" }, "queue": queue }))
        .await
        .to_string()
}

#[sqlx::test(migrations = "../migrations")]
async fn what_happens_is_told_as_it_happens(pool: PgPool) {
    let app = TestApp::new(pool);
    let _sending = app.app.signals.run();
    let queue = own_queue();
    let mut watching = Watching::new(&app, &format!("?queue={queue}"), None).await;
    let id = enqueue(&app, &queue).await;
    let seen = watching.until_job(&id).await;
    assert_eq!(seen.name, "changes");
    assert_eq!(
        seen.data["jobs"][0],
        json!({ "id": id, "kind": "test.greet", "queue": queue, "state": "available" })
    );
    assert_eq!(seen.data["counts"][0]["n"], 1);
    app.post(&format!("/api/jobs/{id}/cancel"), json!({})).await;
    assert_eq!(
        watching.until_job(&id).await.data["jobs"][0]["state"],
        "cancelled"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn one_who_comes_back_goes_on_where_they_were(pool: PgPool) {
    let app = TestApp::new(pool);
    let _sending = app.app.signals.run();
    let queue = own_queue();
    let only = format!("?queue={queue}");
    let mut watching = Watching::new(&app, &only, None).await;
    let first = enqueue(&app, &queue).await;
    let seen = watching.until_job(&first).await;
    let second = enqueue(&app, &queue).await;
    watching.until_job(&second).await;
    drop(watching);
    let mut again = Watching::new(&app, &only, Some(&seen.id)).await;
    let next = again.next().await;
    assert_eq!(
        (next.name.as_str(), next.data["jobs"][0]["id"].as_str()),
        ("changes", Some(second.as_str()))
    );
    let third = enqueue(&app, &queue).await;
    assert_eq!(again.until_job(&third).await.name, "changes");
}

#[sqlx::test(migrations = "../migrations")]
async fn one_who_was_away_too_long_is_told_to_look_again(pool: PgPool) {
    let app = TestApp::new(pool);
    let _sending = app.app.signals.run();
    let queue = own_queue();
    for last in ["1-0", "nonsense"] {
        let mut watching = Watching::new(&app, &format!("?queue={queue}"), Some(last)).await;
        assert_eq!(watching.next().await.name, "reset", "{last}");
        let id = enqueue(&app, &queue).await;
        assert_eq!(watching.until_job(&id).await.name, "changes");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn many_changes_are_told_together(pool: PgPool) {
    let app = TestApp::new(pool);
    let _sending = app.app.signals.run();
    let queue = own_queue();
    let mut watching = Watching::new(&app, &format!("?queue={queue}"), None).await;
    let began = Instant::now();
    for _ in 0..20 {
        let jobs: Vec<_> = (0..50)
            .map(|_| json!({ "kind": "test.greet", "args": { "name": "a" }, "queue": queue }))
            .collect();
        app.post("/api/jobs", json!({ "jobs": jobs })).await;
    }
    let (mut told, mut events) = (0, 0);
    while told < 1_000 {
        let seen = watching.next().await;
        events += 1;
        assert!(
            seen.data["jobs"]
                .as_array()
                .is_none_or(|jobs| jobs.len() <= 50)
        );
        told += seen.data["counts"]
            .as_array()
            .expect("counts")
            .iter()
            .filter_map(|count| count["n"].as_u64())
            .sum::<u64>();
    }
    assert_eq!(told, 1_000);
    let most = 1 + began.elapsed().as_millis() / 50;
    assert!(
        events <= most,
        "{events} events, at most {most} are allowed"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn other_queues_and_strange_filters_are_left_out(pool: PgPool) {
    let app = TestApp::new(pool);
    let _sending = app.app.signals.run();
    let (mine, other) = (own_queue(), own_queue());
    let mut watching = Watching::new(&app, &format!("?queue={mine}"), None).await;
    enqueue(&app, &other).await;
    let id = enqueue(&app, &mine).await;
    let seen = watching.next().await;
    assert_eq!(
        (
            seen.data["jobs"][0]["id"].as_str(),
            seen.data["counts"].as_array().map(Vec::len)
        ),
        (Some(id.as_str()), Some(1))
    );
    assert_eq!(connect(&app, "?colour=red", None).await.status(), 422);
}

#[sqlx::test(migrations = "../migrations")]
async fn streams_end_when_the_service_stops(pool: PgPool) {
    let app = TestApp::new(pool);
    let mut watching = Watching::new(&app, "", None).await;
    app.app.stop.cancel();
    let end = async { while watching.body.next().await.is_some() {} };
    tokio::time::timeout(PATIENCE, end).await.expect("it ends");
}

#[sqlx::test(migrations = "../migrations")]
async fn without_redis_there_is_nothing_to_watch(pool: PgPool) {
    let app = TestApp::with(pool, &[("REDIS_URL", "redis://127.0.0.1:1/0")]);
    assert_eq!(connect(&app, "", None).await.status(), 503);
}

#[sqlx::test(migrations = "../migrations")]
async fn who_is_disabled_is_told_nothing_more(pool: PgPool) {
    let place = Place::with(pool, "ops").await;
    let _sending = place.app.app.signals.run();
    let tokens = place.login(None).await;
    let queue = own_queue();
    let request = Request::get(format!("/api/events?queue={queue}"));
    let bearer = format!("Bearer {}", text(&tokens["accessToken"]));
    let request = request.header("authorization", bearer).body(Body::empty());
    let response = place.app.open(request.expect("a request")).await;
    let mut watching = Watching {
        body: response.into_body().into_data_stream(),
        buffer: String::new(),
    };
    assert_eq!(watching.next().await.name, "hello");
    place.app.app.clock.advance(chrono::Duration::seconds(10));
    let id = enqueue(&place.app, &queue).await;
    watching.until_job(&id).await;

    let path = format!("/api/users/{}/disable", place.id);
    place.app.post(&path, json!({ "reason": "gone" })).await;
    place.app.app.clock.advance(chrono::Duration::seconds(10));
    enqueue(&place.app, &queue).await;
    let end = tokio::time::timeout(PATIENCE, watching.body.next()).await;
    assert!(end.expect("an end in time").is_none());
}
